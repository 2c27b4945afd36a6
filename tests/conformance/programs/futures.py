"""Section 8: what a call returns is a future, for those who wait for futures."""

import asyncio
import concurrent.futures
import threading
import time

from tests.conformance.corpus import program


def tasks(api):
    """A task that answers, after a while if asked to, and one that fails."""

    @api.task
    def work(name, seconds=0.0):
        time.sleep(seconds)
        return name

    @api.task
    def fails(name):
        raise KeyError(name)

    return work, fails


def awaited_tasks(api):
    """The same as coroutines."""

    @api.task
    async def work(name, seconds=0.0):
        await asyncio.sleep(seconds)
        return name

    @api.task
    async def fails(name):
        raise KeyError(name)

    return work, fails


@program("R8.9", only="blocking")
def calls_that_concurrent_futures_waits_for(api, run):
    work, fails = tasks(api)

    @api.entrypoint(checkpointer=run.saver)
    def flow(_):
        done, rest = concurrent.futures.wait([work(1), work(2, 0.05), fails(3)])
        found = [[len(done), len(rest)]]
        slow = work("slow", 0.2)
        first = concurrent.futures.FIRST_COMPLETED
        done, rest = concurrent.futures.wait({slow, work("fast")}, return_when=first)
        found.append([[each.result() for each in done], rest == {slow}])
        done, rest = concurrent.futures.wait([slow], timeout=0.01)
        found.append([len(done), len(rest), slow.result()])
        done, rest = concurrent.futures.wait([slow])
        return [*found, [len(done), len(rest)]]

    return run.invoke(flow, 1, run.config())


@program("R8.9", only="blocking")
def calls_as_they_are_completed(api, run):
    # Each ends when the one before it has been seen, however slow the machine is.
    gates = {n: threading.Event() for n in (1, 3, 4, 5)}

    @api.task
    def work(n):
        if n in gates:
            gates[n].wait(30)
        return n

    def seen(calls, *opened):
        found = []
        for each, gate in zip(
            concurrent.futures.as_completed(calls), (*opened, None), strict=True
        ):
            found.append(each.result())
            if gate is not None:
                gates[gate].set()
        return found

    @api.task
    def outer():
        return seen([work(5), work(6)], 5)

    @api.entrypoint(checkpointer=run.saver)
    def flow(_):
        found = seen([work(1), work(2), work(3)], 1, 3)
        late = work(4)
        try:
            list(concurrent.futures.as_completed([late], timeout=0.01))
        except TimeoutError:
            found.append("not yet")
        gates[4].set()
        return [*found, outer().result()]

    return run.invoke(flow, 1, run.config())


@program("R8.9", only="blocking")
def what_is_called_when_a_call_has_ended(api, run):
    work, fails = tasks(api)

    @api.entrypoint(checkpointer=run.saver)
    def flow(_):
        told = []
        heard = threading.Semaphore(0)

        def hear(future):
            told.append([type(future.exception()).__name__, future.done()])
            heard.release()

        work(1, 0.02).add_done_callback(hear)
        heard.acquire(timeout=5)
        fails(2).add_done_callback(hear)
        heard.acquire(timeout=5)
        ended = work(3)
        ended.result()
        ended.add_done_callback(hear)
        heard.acquire(timeout=5)
        unheard = work(4, 0.02)
        unheard.add_done_callback(lambda future: 1 / 0)
        return [told, unheard.result(), isinstance(ended, concurrent.futures.Future)]

    return run.invoke(flow, 1, run.config())


@program("R8.9", only="blocking")
def a_call_awaited_in_an_event_loop_of_ones_own(api, run):
    work, _ = tasks(api)

    @api.entrypoint(checkpointer=run.saver)
    def flow(_):
        async def both():
            calls = [asyncio.wrap_future(work(n, 0.02)) for n in (1, 2)]
            return await asyncio.gather(*calls)

        return asyncio.run(both())

    return run.invoke(flow, 1, run.config())


@program("R8.9", only="async")
def calls_that_asyncio_waits_for(api, run):
    work, fails = awaited_tasks(api)
    plain, _ = tasks(api)

    @api.entrypoint(checkpointer=run.saver)
    async def flow(_):
        done, rest = await asyncio.wait([work(1), plain(2), fails(3)])
        found = [[len(done), len(rest)]]
        slow = work("slow", 0.2)
        first = asyncio.FIRST_COMPLETED
        done, rest = await asyncio.wait({slow, plain("fast")}, return_when=first)
        found.append([[each.result() for each in done], rest == {slow}])
        done, rest = await asyncio.wait([slow], timeout=0.01)
        found.append([len(done), len(rest), await slow])
        done, rest = await asyncio.wait([slow])
        found.append([len(done), len(rest)])
        stop = asyncio.FIRST_EXCEPTION
        last = work("last", 0.1)
        done, rest = await asyncio.wait([last, fails(5)], return_when=stop)
        found.append([[type(each.exception()).__name__ for each in done], len(rest)])
        return [*found, await last]

    return run.invoke(flow, 1, run.config())


@program("R8.9", only="async")
def what_a_loop_calls_when_a_call_has_ended(api, run):
    work, _ = awaited_tasks(api)
    plain, _ = tasks(api)

    @api.entrypoint(checkpointer=run.saver)
    async def flow(_):
        told = []

        def hear(future):
            told.append([future.result(), asyncio.get_running_loop() is loop])

        def unheard(future):
            told.append("unheard")

        loop = asyncio.get_running_loop()
        calls = [work(1, 0.01), plain(2, 0.05)]
        for each in calls:
            each.add_done_callback(hear)
            each.add_done_callback(unheard)
            told.append(each.remove_done_callback(unheard))
        await asyncio.gather(*calls)
        await asyncio.sleep(0.01)
        calls[0].add_done_callback(hear)
        told.append("later")
        await asyncio.sleep(0)
        return [told, calls[0].get_loop() is loop]

    return run.invoke(flow, 1, run.config())


@program("R8.9", "R8.14", only="blocking")
def waiting_beside_a_call_that_asks(api, run):
    work, _ = tasks(api)

    @api.task
    def asks(name):
        return [name, api.interrupt(name)]

    @api.entrypoint(checkpointer=run.saver)
    def flow(_):
        calls = [asks("q"), work("w")]
        done = concurrent.futures.as_completed(calls)
        return sorted(str(each.result()) for each in done)

    first = run.invoke(flow, 1, run.config())
    asked = [each.value for each in first["__interrupt__"]]
    return [asked, run.invoke(flow, api.Command(resume="yes"), run.config())]


@program("R1.41", "R8.9", only="async")
def a_body_that_cancels_itself(api, run):
    @api.task
    async def ends_itself():
        asyncio.current_task().cancel()
        await asyncio.sleep(0)

    @api.entrypoint(checkpointer=run.saver)
    async def flow(given):
        if given == "task":
            await ends_itself()
        asyncio.current_task().cancel()
        await asyncio.sleep(0)

    def tried(given):
        found = run.attempt(run.invoke, flow, given, run.config(given))
        return [found, run.look(flow, run.config(given))["next"]]

    return [tried("task"), tried("body")]


@program("R8.9", "R4.16", only="async")
def a_call_is_cancelled_with_who_waits_for_it(api, run):
    calls = []

    @api.task
    async def hangs(name):
        calls.append(name)
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            calls.append(f"{name} cancelled")
            raise

    @api.task
    async def outer():
        await hangs("inner")

    @api.task
    async def fails():
        await asyncio.sleep(0.02)
        raise KeyError("no")

    async def awaited(call):
        return await call

    async def late(awaitable):
        try:
            async with asyncio.timeout(0.05):
                return await awaitable
        except TimeoutError:
            return "late"

    @api.entrypoint(checkpointer=run.saver)
    async def flow(_):
        found = [await late(hangs("one")), await late(outer())]
        both = asyncio.gather(hangs("two"), hangs("three"))
        found.append(await late(both))
        found.append(api.interrupt("go on?"))
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(awaited(hangs("four")))
                group.create_task(awaited(fails()))
        except* KeyError:
            found.append("failed")
        return found

    asked = run.invoke(flow, 1, run.config())["__interrupt__"]
    first = [[each.value for each in asked], sorted(calls)]
    calls.clear()
    result = run.invoke(flow, api.Command(resume="yes"), run.config())
    return [first, result, sorted(calls), run.look(flow, run.config())["next"]]


@program("R8.9", "R1.37", only="async")
def a_call_that_is_waited_for_again_is_made_again(api, run):
    calls = []

    @api.task
    async def slow_at_first():
        calls.append("slow")
        await asyncio.sleep(60 if len(calls) < 3 else 0)
        return len(calls)

    @api.task
    async def stubborn():
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            return "ended all the same"

    policy = api.RetryPolicy(
        initial_interval=0.001, jitter=False, retry_on=TimeoutError
    )

    @api.entrypoint(checkpointer=run.saver, retry_policy=policy)
    async def flow(_):
        async with asyncio.timeout(0.05):
            return await slow_at_first()

    @api.entrypoint(checkpointer=run.saver)
    async def other(_):
        call = stubborn()
        try:
            await asyncio.wait_for(call, 0.02)
        except TimeoutError:
            return "late"

    return [
        run.invoke(flow, 1, run.config()),
        calls,
        run.invoke(other, 1, run.config("other")),
    ]


@program("R8.9", "R8.10", only="blocking")
def a_blocking_call_where_an_event_loop_runs(api, run):
    work, _ = tasks(api)

    @api.entrypoint(checkpointer=api.InMemorySaver())
    def flow(_):
        heard = threading.Semaphore(0)
        work(1, 0.02).add_done_callback(lambda future: heard.release())
        found = [heard.acquire(timeout=5), work(2, 0.02).result()]
        found.append(work(3, 0.02).exception())
        done, _rest = concurrent.futures.wait([work(4, 0.02)])
        return [*found, len(done)]

    async def notebook():
        return run.invoke(flow, 1, run.config())

    return asyncio.run(notebook())
