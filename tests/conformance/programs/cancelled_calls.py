"""Section 8: calls of tasks that are taken back."""

import asyncio

from tests.conformance.corpus import program


@program(
    "R8.9",
    only="async",
    differs="the reference cancels a call that runs already, whatever it has done by then",
    expected=[[True, True, True, "CancelledError", []], [False, "ran"], ["ran"]],
)
def a_call_that_was_not_taken_up_can_be_cancelled(api, run):
    ran = []
    begun = asyncio.Event()

    @api.task
    async def work(name):
        ran.append(name)
        begun.set()
        await asyncio.sleep(0)
        return name

    @api.entrypoint(checkpointer=run.saver)
    async def flow(given):
        future = work("never")
        first = [future.cancel(), future.cancelled(), future.done()]
        try:
            await future
        except asyncio.CancelledError as error:
            first.append(type(error).__name__)
        first.append(list(ran))
        other = work("ran")
        await begun.wait()
        return [first, [other.cancel(), await other]]

    return [*run.invoke(flow, 1, run.config()), ran]


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
