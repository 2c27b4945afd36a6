"""Runs that end from outside: cancelled, left, stopped by a BaseException (R3.16 to R3.18)."""

import asyncio
import time

from tests.conformance.corpus import program
from tests.conformance.programs.shapes import S, graph, say


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


def _left(api, run, node, last=None):
    """A stream that is left at the first chunk; what the node did, what is kept, what the next call gives."""
    built = api.StateGraph(S).add_node("n", node).add_node("z", say("z"))
    g = built.add_edge(api.START, "n").add_edge("n", "z")
    g = g.compile(checkpointer=run.saver)
    first = run.first_chunks(g, 1, {"log": []}, run.config(), stream_mode="custom")
    if last is not None:
        first.append([*last])
    found = run.get_state(g, run.config())
    errors = [str(task.error) for task in found.tasks if task.error]
    return [first, found.values, errors, run.invoke(g, None, run.config())]


@program("R3.18", "R3.11", only="blocking")
def who_leaves_a_blocking_stream_waits_for_what_runs(api, run):
    done = []

    def n(state, writer):
        writer("begins")
        time.sleep(0.1)
        done.append("n")
        return {"log": ["n"]}

    return [_left(api, run, n, done), done]


@program("R3.18", "R3.17", only="async")
def who_leaves_an_awaited_stream_cancels_what_runs(api, run):
    calls = []

    async def n(state, writer):
        calls.append("n")
        writer("begins")
        if len(calls) == 1:
            await asyncio.sleep(30)
        return {"log": ["n"]}

    return [_left(api, run, n), calls]


@program("R3.18", "R8.17", only="blocking")
def an_entrypoint_whose_stream_is_left_runs_to_its_end(api, run):
    calls = []

    @api.task
    def t(n):
        calls.append(n)
        return n

    @api.entrypoint(checkpointer=run.saver)
    def flow(given):
        return [t(n).result() for n in range(3)]

    first = run.first_chunks(flow, 1, 7, run.config())
    found = run.get_state(flow, run.config())
    return [first, [*calls], found.values, list(found.next)]


def _left_with_a_call(api, run, body, count, **options):
    """A stream that is left while a call of its node was not taken up yet."""
    calls = []

    @api.task
    def double(x):
        calls.append("double")
        return 2 * x

    def n(state, writer):
        calls.append("n")
        writer("begins")
        return {"log": [body(double(3))]}

    g = graph(api, (api.START, "n"), ("n", "m"), n=n, m=None)
    g = g.compile(checkpointer=run.saver)
    left = run.first_chunks(g, count, {"log": []}, run.config(), **options)
    return [len(left), run.invoke(g, None, run.config()), calls]


@program("R3.18", "R8.9", only="blocking")
def a_call_that_was_not_taken_up_as_its_stream_was_left(api, run):
    def body(call):
        return call.result()

    options = {"stream_mode": "tasks", "subgraphs": True}
    return _left_with_a_call(api, run, body, 2, **options)


@program("R3.18", "R8.11", only="blocking")
def a_call_that_nobody_awaits_as_its_stream_is_left(api, run):
    def body(call):
        return "returned"

    return _left_with_a_call(api, run, body, 1, stream_mode="custom")


def _clears_up(seen, seconds=0.0):
    async def slow(state):
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            seen.append("hears")
            if seconds:
                await asyncio.sleep(seconds)
                seen.append("has cleared up")
            raise

    return slow


@program("R3.17", only="async")
def who_cancels_a_run_waits_until_its_nodes_have_cleared_up(api, run):
    seen = []

    async def cancelled(g, thread):
        task = asyncio.ensure_future(g.ainvoke({"log": []}, run.config(thread)))
        await asyncio.sleep(0.05)
        task.cancel()
        try:
            await task
        except asyncio.CancelledError:
            return list(seen)

    below = graph(api, (api.START, "slow"), slow=_clears_up(seen, 0.05)).compile()
    found = []
    for name, saver in (("plain", None), ("kept", run.saver)):
        g = graph(api, (api.START, "sub"), sub=below).compile(checkpointer=saver)
        found.append(run._loop.run(cancelled(g, name)))
        seen.clear()
    return found


@program("R3.11", "R3.20", only="async")
def nodes_hear_that_they_are_cancelled_before_the_run_raises(api, run):
    async def bad(state):
        await asyncio.sleep(0.02)
        raise KeyError("x")

    seen, found = [], []
    for seconds in (None, 0.01):
        for saver in (None, run.saver):
            edges = (api.START, "slow"), (api.START, "bad")
            built = graph(api, *edges, slow=_clears_up(seen), bad=bad)
            g = built.compile(checkpointer=saver)
            g.step_timeout = seconds
            ended = run.attempt(run.invoke, g, {"log": []}, run.config(str(seconds)))
            found.append([ended, list(seen)])
            seen.clear()
    return found
