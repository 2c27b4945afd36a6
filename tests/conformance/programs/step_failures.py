"""Section 3: what a failure in a step leaves behind."""

import asyncio
import threading
import time

from tests.conformance.corpus import program
from tests.conformance.programs.shapes import S, fan, graph, once_bad, say


@program("R3.11", "R3.12", "R3.13")
def a_failure_beside_a_success(api, run):
    calls = []
    names = ["ok", "bad"]
    built = fan(
        api, *names, ok=say("ok", calls), bad=_late(once_bad(calls), calls, "ok")
    )
    built.add_node("j", say("j", calls)).add_edge(["ok", "bad"], "j")
    g = built.compile(checkpointer=run.saver)
    failed = run.attempt(run.invoke, g, {"log": ["i"]}, run.config(), says="first time")
    seen = run.look(g, run.config())
    first = sorted(calls)
    return [failed, seen, first, run.invoke(g, None, run.config()), calls[2:]]


def _late(node, calls, after):
    """`node`, once `after` has been called and had time to end."""

    def late(state):
        while after not in calls:
            time.sleep(0.001)
        time.sleep(0.15)
        return node(state)

    return late


@program("R3.11", only="blocking")
def siblings_go_on_after_a_failure(api, run):
    calls = []
    failed = threading.Event()

    def slow(state):
        failed.wait(30)
        time.sleep(0.15)
        calls.append("slow")
        return {"log": ["slow"]}

    def bad(state):
        calls.append("bad")
        if calls.count("bad") == 1:
            failed.set()
            raise RuntimeError("bad")
        return {"log": ["bad"]}

    g = fan(api, "slow", "bad", slow=slow, bad=bad).compile(checkpointer=run.saver)
    error = run.attempt(run.invoke, g, {"log": []}, run.config())
    seen = run.look(g, run.config())
    return [
        error,
        seen["values"],
        seen["next"],
        run.invoke(g, None, run.config()),
        calls,
    ]


@program("R3.11", "R1.33", only="blocking")
def a_sibling_tries_again_after_a_failure(api, run):
    """Its first attempt fails when the other node has failed for good."""
    calls = []
    began, failed = threading.Event(), threading.Event()

    def slow(state):
        calls.append("slow")
        began.set()
        failed.wait(30)
        time.sleep(0.15)
        if len(calls) < 3:
            raise ValueError("not yet")
        return {"log": ["slow"]}

    def bad(state):
        began.wait(30)
        failed.set()
        raise RuntimeError("bad")

    often = api.RetryPolicy(
        max_attempts=3, initial_interval=0.01, jitter=False, retry_on=ValueError
    )
    g = api.StateGraph(S)
    g.add_node("slow", slow, retry_policy=often).add_node("bad", bad)
    g.add_edge(api.START, "slow").add_edge(api.START, "bad")
    g = g.compile(checkpointer=run.saver)
    error = run.attempt(run.invoke, g, {"log": []}, run.config(), says="bad")
    return [error, run.look(g, run.config()), calls]


@program("R3.11", only="async")
def coroutine_siblings_are_cancelled(api, run):
    calls = []

    async def slow(state):
        calls.append("slow")
        if calls.count("slow") == 1:
            await asyncio.sleep(5)
        return {"log": ["slow"]}

    async def bad(state):
        calls.append("bad")
        await asyncio.sleep(0.02)
        if calls.count("bad") == 1:
            raise RuntimeError("bad")
        return {"log": ["bad"]}

    g = fan(api, "slow", "bad", slow=slow, bad=bad).compile(checkpointer=run.saver)
    error = run.attempt(run.invoke, g, {"log": []}, run.config())
    seen = run.look(g, run.config())
    return [error, seen, run.invoke(g, None, run.config())]


@program("R3.12")
def several_failures(api, run):
    def bad(name):
        def node(state):
            time.sleep(0.02)
            raise RuntimeError("same")

        return node

    g = fan(api, "x", "y", x=bad("x"), y=bad("y")).compile(checkpointer=run.saver)
    error = run.attempt(run.invoke, g, {"log": []}, run.config(), says="same")
    return [error, list(run.get_state(g, run.config()).next)]


@program("R3.13")
def a_chain_goes_on_after_an_exception(api, run):
    calls = []
    edges = [(api.START, "x"), ("x", "bad"), ("bad", "z")]
    nodes = {"x": say("x", calls), "bad": once_bad(calls), "z": say("z", calls)}
    g = graph(api, *edges, **nodes).compile(checkpointer=run.saver)
    error = run.attempt(run.invoke, g, {"log": []}, run.config())
    seen = run.look(g, run.config())
    done = run.invoke(g, None, run.config())
    return [error, seen, done, calls, run.steps(g, run.config())]


@program("R3.14")
def a_new_input_throws_pending_writes_away(api, run):
    calls = []
    built = fan(
        api, "ok", "bad", ok=say("ok", calls), bad=_late(once_bad(calls), calls, "ok")
    )
    built.add_node("j", say("j", calls)).add_edge(["ok", "bad"], "j")
    g = built.compile(checkpointer=run.saver)
    run.attempt(run.invoke, g, {"log": ["i"]}, run.config())
    out = run.invoke(g, {"log": ["i2"]}, run.config())
    return [out, sorted(calls), run.steps(g, run.config())]


@program("R3.14")
def a_new_input_drops_the_question(api, run):
    def asks(state):
        return {"log": [api.interrupt(f"q{len(state['log'])}")]}

    g = graph(api, (api.START, "n"), n=asks).compile(checkpointer=run.saver)
    first = run.invoke(g, {"log": ["i"]}, run.config())
    second = run.invoke(g, {"log": ["i2"]}, run.config())
    last = run.invoke(g, api.Command(resume="r"), run.config())
    return [first, second, last, run.steps(g, run.config())]


@program("R3.15")
def an_error_while_applying(api, run):
    calls = []

    def writes(name):
        def node(state):
            calls.append(name)
            return {"a": 1}

        return node

    built = fan(api, "x", "y", x=writes("x"), y=writes("y"))
    g = built.compile(checkpointer=run.saver)
    first = run.attempt(run.invoke, g, {"log": []}, run.config())
    again = run.attempt(run.invoke, g, None, run.config())
    return [first, again, sorted(calls)]


@program(
    "R3.15",
    differs="reading never raises for it: the state before is shown",
    expected={"log": ["i"]},
)
def reading_after_an_error_while_applying(api, run):
    def n(state):
        return {"a": 1}

    g = fan(api, "x", "y", x=n, y=n).compile(checkpointer=run.saver)
    run.attempt(run.invoke, g, {"log": ["i"]}, run.config())
    return run.attempt(lambda: run.get_state(g, run.config()).values)


class Stop(BaseException):
    """Not an `Exception`."""


@program("R3.16")
def a_base_exception_ends_the_run(api, run):
    calls = []

    def n(state):
        calls.append("n")
        if len(calls) == 1:
            raise Stop
        return {"log": ["n"]}

    g = graph(api, (api.START, "x"), ("x", "n"), x=None, n=n).compile(
        checkpointer=run.saver
    )
    try:
        run.invoke(g, {"log": []}, run.config())
        ended = "normally"
    except Stop:
        ended = "Stop"
    seen = run.look(g, run.config())
    return [ended, seen, run.invoke(g, None, run.config())]


@program("R3.17", only="async")
def cancelling_the_callers_task(api, run):
    calls, begun = [], asyncio.Event()

    async def quick(state):
        calls.append("quick")
        return {"log": ["quick"]}

    async def slow(state):
        calls.append("slow")
        if calls.count("slow") == 1:
            begun.set()
            await asyncio.sleep(5)
        return {"log": ["slow"]}

    g = fan(api, "quick", "slow", quick=quick, slow=slow).compile(
        checkpointer=run.saver
    )

    async def cancelled():
        task = asyncio.ensure_future(g.ainvoke({"log": []}, run.config()))
        await begun.wait()
        await asyncio.sleep(0.3)
        task.cancel()
        try:
            await task
        except asyncio.CancelledError:
            return "cancelled"

    ended = run._loop.run(cancelled())
    seen = run.get_state(g, run.config())
    return [
        ended,
        seen.values,
        list(seen.next),
        run.invoke(g, None, run.config()),
        calls,
    ]


@program("R5.13", "R9.3")
def a_question_beside_a_failure_is_streamed(api, run):
    calls = []

    def asks(state):
        calls.append("asks")
        return {"log": [api.interrupt("q")]}

    built = fan(
        api, "asks", "bad", asks=asks, bad=_late(once_bad(calls), calls, "asks")
    )
    g = built.compile(checkpointer=run.saver)
    modes = ["updates", "values"]
    chunks = run.stream(g, {"log": ["i"]}, run.config(), stream_mode=modes)
    return [chunks, run.look(g, run.config())["next"]]


@program("R5.13", "R5.20")
def a_question_in_a_graph_that_fails_is_answered(api, run):
    calls = []

    def asks(state):
        calls.append("asks")
        return {"log": [api.interrupt("q")]}

    def bad(state):
        calls.append("bad")
        if calls.count("bad") < 3:
            raise ValueError("bad")
        return {"log": ["bad"]}

    below = fan(api, "asks", "bad", asks=asks, bad=_late(bad, calls, "asks")).compile()
    g = graph(api, (api.START, "sub"), sub=below).compile(checkpointer=run.saver)
    failed = run.attempt(run.invoke, g, {"log": []}, run.config())
    [task] = run.get_state(g, run.config(), subgraphs=True).tasks
    asked = [i.id for inner in task.state.tasks for i in inner.interrupts]
    answer = api.Command(resume=dict.fromkeys(asked, "A"))
    again = run.attempt(run.invoke, g, answer, run.config())
    return [failed, len(asked), again, run.invoke(g, None, run.config()), calls]
