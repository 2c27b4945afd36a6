"""Runs that end from outside: cancelled, left, stopped by a BaseException (R3.16 to R3.18)."""

import asyncio

from tests.conformance.corpus import program
from tests.conformance.programs.shapes import graph, say


def cancelled_run(api, run, durability):
    """Cancel a run of which one task has finished; what is saved, and what goes on."""
    calls, begun = [], asyncio.Event()

    async def quick(state):
        calls.append("quick")
        return {"log": ["quick"]}

    async def slow(state):
        calls.append("slow")
        if calls.count("slow") == 1:
            begun.set()
            await asyncio.sleep(30)
        return {"log": ["slow"]}

    edges = [(api.START, "first"), ("first", "quick"), ("first", "slow")]
    g = graph(api, *edges, first=None, quick=quick, slow=slow)
    g = g.compile(checkpointer=run.saver)

    async def cancelled():
        task = asyncio.ensure_future(
            g.ainvoke({"log": []}, run.config(), durability=durability)
        )
        await begun.wait()
        await asyncio.sleep(0.3)  # the quick one has ended and is saved
        task.cancel()
        try:
            await task
        except asyncio.CancelledError:
            return "cancelled"

    ended = run._loop.run(cancelled())
    seen = run.get_state(g, run.config())
    errors = {task.name: task.error for task in seen.tasks}
    return [
        ended,
        seen.values,
        list(seen.next),
        errors,
        run.invoke(g, None, run.config()),
        calls,
    ]


@program("R3.17", "R4.3", only="async")
def a_cancelled_task_is_recorded(api, run):
    return cancelled_run(api, run, "sync")


@program(
    "R3.17",
    "R4.4",
    only="async",
    differs='a cancelled task is recorded in "exit" mode, too (LangGraph loses it)',
    expected=[
        "cancelled",
        {"log": ["first", "quick"]},
        ["slow"],
        {"quick": None, "slow": "CancelledError()"},
        {"log": ["first", "quick", "slow"]},
        ["quick", "slow", "slow"],
    ],
)
def a_cancelled_task_is_recorded_in_exit_mode(api, run):
    return cancelled_run(api, run, "exit")


@program("R3.18", "R4.4")
def leaving_a_stream_in_exit_mode(api, run):
    calls = []
    edges = [(api.START, "x"), ("x", "y"), ("y", "z")]
    nodes = {name: say(name, calls) for name in "xyz"}
    g = graph(api, *edges, **nodes).compile(checkpointer=run.saver)
    first = run.first_chunks(g, 2, {"log": []}, run.config(), durability="exit")
    seen = run.look(g, run.config())
    steps = run.steps(g, run.config())
    return [first, seen, steps, run.invoke(g, None, run.config()), calls]


@program("R3.16", "R4.4")
def a_base_exception_in_exit_mode(api, run):
    class Stop(BaseException):
        pass

    calls = []

    def stops(state):
        calls.append("stops")
        if len(calls) == 1:
            raise Stop
        return {"log": ["stops"]}

    g = graph(api, (api.START, "x"), ("x", "stops"), x=None, stops=stops)
    g = g.compile(checkpointer=run.saver)
    try:
        run.invoke(g, {"log": []}, run.config(), durability="exit")
        ended = "normally"
    except Stop:
        ended = "Stop"
    seen = run.look(g, run.config())
    return [ended, seen, run.invoke(g, None, run.config()), calls]
