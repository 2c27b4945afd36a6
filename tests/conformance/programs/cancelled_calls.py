"""Section 8: calls of tasks that are taken back."""

import asyncio
import time

from tests.conformance.corpus import program


@program("R8.9", only="async")
def a_call_that_was_not_taken_up_can_be_cancelled(api, run):
    ran = []

    @api.task
    async def work():
        ran.append("made")

    @api.entrypoint(checkpointer=run.saver)
    async def flow(given):
        future = work()
        seen = [future.cancel(), future.cancelled(), future.done()]
        return [*seen, *await _ends(future)]

    return [run.invoke(flow, 1, run.config()), ran]


@program("R8.9", "R8.11", only="async")
def the_first_to_end_wins_and_the_others_are_cancelled(api, run):
    seen = []

    @api.task
    async def work(name, seconds):
        try:
            await asyncio.sleep(seconds)
        except asyncio.CancelledError:
            seen.append(f"{name} cancelled")
            raise
        return name

    @api.entrypoint(checkpointer=run.saver)
    async def flow(given):
        calls = [work("fast", 0.01), work("slow", 30), work("slower", 30)]
        first = asyncio.FIRST_COMPLETED
        done, rest = await asyncio.wait(calls, return_when=first)
        given_up = [call.cancel() and call.done() for call in rest]
        last = await _ends(calls[1])
        return [[call.result() for call in done], given_up, last, api.interrupt("ok?")]

    paused = run.stream(flow, 1, run.config(), stream_mode="updates")
    answered = run.invoke(flow, api.Command(resume="yes"), run.config())
    return [paused, answered, sorted(seen)]


@program("R8.9", only="async")
def a_cancelled_call_that_ends_all_the_same_is_cancelled(api, run):
    @api.task
    async def stubborn():
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            return "anyway"

    @api.entrypoint(checkpointer=run.saver)
    async def flow(given):
        future = stubborn()
        await asyncio.sleep(0.01)
        return [future.cancel(), future.cancelled(), *await _ends(future)]

    return run.invoke(flow, 1, run.config())


@program(
    "R8.9",
    only="async",
    differs="the reference says of a call in a thread that it was cancelled, and it goes on",
    expected=[False, "ran"],
)
def what_runs_in_a_thread_is_not_cancelled(api, run):
    @api.task
    def work():
        time.sleep(0.05)
        return "ran"

    @api.entrypoint(checkpointer=run.saver)
    async def flow(given):
        future = work()
        await asyncio.sleep(0.01)
        return [future.cancel(), await future]

    return run.invoke(flow, 1, run.config())


async def _ends(future):
    try:
        return ["returned", await future]
    except asyncio.CancelledError as error:
        return [type(error).__name__]


@program(
    "R8.9",
    only="blocking",
    differs="the reference says of a call that runs that it was cancelled",
    expected=[False, False, "ran"],
)
def a_call_of_plain_code_has_begun_when_it_returns(api, run):
    @api.task
    def work():
        return "ran"

    @api.entrypoint(checkpointer=run.saver)
    def flow(given):
        future = work()
        return [future.cancel(), future.cancelled(), future.result()]

    return run.invoke(flow, 1, run.config())


@program(
    "R8.9",
    "R4.12",
    only="async",
    differs="a cancelled call leaves no record, so that a later run may make it",
    expected=[{"__interrupt__": ["go on?"]}, [1, 3], ["made"]],
)
def a_cancelled_call_leaves_no_record(api, run):
    ran = []
    runs = []

    @api.task
    async def work():
        ran.append("made")
        return 3

    @api.entrypoint(checkpointer=run.saver)
    async def flow(given):
        runs.append(1)
        future = work()
        if len(runs) == 1:
            future.cancel()
            api.interrupt("go on?")
        api.interrupt("go on?")
        return [1, await future]

    first = run.invoke(flow, 1, run.config())
    asked = {"__interrupt__": [each.value for each in first["__interrupt__"]]}
    return [asked, run.invoke(flow, api.Command(resume="y"), run.config()), ran]
