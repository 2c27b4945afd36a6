"""Programs that wait for their calls by other means than `result`."""

import asyncio
import concurrent.futures
import contextlib

from durableweb.func import entrypoint, task
from tests.programs.sample import sample


@sample(3, only="blocking")
def calls_waited_for_as_they_end(life, saver):
    @task
    def half(n):
        return life.did(f"half{n}")

    @entrypoint(checkpointer=saver)
    def flow(count):
        calls = [half(n) for n in range(count)]
        concurrent.futures.wait(calls[:1])
        ended = concurrent.futures.as_completed(calls)
        return [*sorted(each.result() for each in ended), life.did("flow")]

    return flow


@sample(2, only="async")
def a_call_that_nobody_waits_for_any_more(life, saver):
    """It is cancelled with the wait for it, has no record, and is made once a run of the body."""

    @task
    async def hangs(n):
        await asyncio.sleep(3600)

    @task
    async def quick(n):
        return life.did(f"quick{n}")

    @entrypoint(checkpointer=saver)
    async def flow(count):
        first = await quick(1)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(hangs(1), 0.01)
        return [first, await quick(2), life.did("flow")]

    return flow
