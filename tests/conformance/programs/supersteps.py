"""Section 3: order, step numbers, limits, failures in a step."""

import asyncio
import threading
import time

from tests.conformance.corpus import program
from tests.conformance.programs.shapes import graph, once_bad, say


def _fan(api, *names, **nodes):
    built = graph(api, **{name: nodes.get(name) for name in names})
    for name in names:
        built.add_edge(api.START, name)
    return built


@program("R3.1")
def siblings_see_the_start_of_the_step(api, run):
    seen = []

    def look(state):
        seen.append(list(state["log"]))
        return {"log": ["n"]}

    run.invoke(
        _fan(api, "a", "b", "c", a=look, b=look, c=look).compile(), {"log": ["i"]}
    )
    return seen


@program("R3.3")
def step_numbers(api, run):
    edges = [(api.START, "x"), ("x", "y"), ("y", "z")]
    g = graph(api, *edges, x=None, y=None, z=None).compile(checkpointer=run.saver)
    run.invoke(g, {"log": []}, run.config())
    once = run.steps(g, run.config())
    run.invoke(g, {"log": []}, run.config())
    run.update_state(g, run.config(), {"log": ["u"]})
    return [once, run.steps(g, run.config())]


@program("R3.4")
def metadata_of_a_checkpoint(api, run):
    g = graph(api, (api.START, "x"), x=None).compile(checkpointer=run.saver)
    config = {
        "configurable": {"thread_id": "t", "mine": "m", "__hidden": 1, "number": 4},
        "metadata": {"who": "me"},
    }
    run.invoke(g, {"log": []}, config)
    return run.get_state(g, run.config()).metadata


@program("R3.5", "R3.9")
def orders_of_registration_and_name(api, run):
    calls = []
    names = ["c", "a", "b"]
    g = _fan(api, *names, **{name: say(name, calls) for name in names})
    g = g.compile(checkpointer=run.saver, interrupt_before="*")
    run.invoke(g, {"log": []}, run.config())
    due = run.get_state(g, run.config())
    config = {**run.config(), "max_concurrency": 1}
    out = run.invoke(g, None, config)
    return [list(due.next), [t.name for t in due.tasks], out, calls]


@program("R3.9")
def order_of_sends_and_edges(api, run):
    def w(n):
        return {"log": [n]}

    built = graph(api, w=w, p=None)
    send = api.Send
    built.add_conditional_edges(
        api.START, lambda s: [send("w", 3), send("w", 1), "p", send("w", 2)]
    )
    g = built.compile(checkpointer=run.saver, interrupt_before="*")
    run.invoke(g, {"log": []}, run.config())
    return [
        list(run.get_state(g, run.config()).next),
        run.invoke(g, None, run.config()),
    ]


@program("R3.6")
def max_concurrency(api, run):
    lock, live, most = threading.Lock(), [0], [0]

    def n(state):
        with lock:
            live[0] += 1
            most[0] = max(most[0], live[0])
        time.sleep(0.15)
        with lock:
            live[0] -= 1
        return {}

    names = ["a", "b", "c", "d"]
    g = _fan(api, *names, **dict.fromkeys(names, n)).compile()
    run.invoke(g, {"log": []}, {"max_concurrency": 2})
    limited, most[0] = most[0], 0
    run.invoke(g, {"log": []})
    return [limited, most[0] > 2]


@program("R3.6", only="async")
def coroutines_overlap(api, run):
    meet, both = [], asyncio.Event()

    def waits(name):
        async def node(state):
            meet.append(name)
            if len(meet) == 2:
                both.set()
            await both.wait()
            return {"log": [name]}

        return node

    return run.invoke(
        _fan(api, "a", "b", a=waits("a"), b=waits("b")).compile(), {"log": []}
    )


@program("R3.7")
def nodes_have_the_callers_context(api, run):
    from contextvars import ContextVar

    who = ContextVar("who", default="nobody")

    def n(state):
        return {"log": [who.get()]}

    g = _fan(api, "a", "b", a=n, b=n).compile()
    who.set("caller")
    if run.driver == "async":

        async def inside():
            who.set("caller")
            return await g.ainvoke({"log": []})

        return asyncio.run(inside())
    return run.invoke(g, {"log": []})


@program("R3.10")
def recursion_limit(api, run):
    edges = [(api.START, "x"), ("x", "y"), ("y", "z")]
    g = graph(api, *edges, x=None, y=None, z=None).compile(checkpointer=run.saver)

    def limited(thread, n):
        return {**run.config(thread), "recursion_limit": n}

    return [
        run.attempt(run.invoke, g, {"log": []}, limited("a", 4)),
        run.attempt(run.invoke, g, {"log": []}, limited("b", 3), kind=RecursionError),
        run.look(g, run.config("b"))["values"],
        run.attempt(run.invoke, g, {"log": []}, limited("c", 2)),
        run.look(g, run.config("c"))["next"],
        run.invoke(g, None, limited("c", 2)),
        run.attempt(run.invoke, g, {"log": []}, limited("d", 0)),
    ]


@program("R3.11", "R3.12", "R3.13")
def a_failure_beside_a_success(api, run):
    calls = []
    names = ["ok", "bad"]
    built = _fan(
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

    g = _fan(api, "slow", "bad", slow=slow, bad=bad).compile(checkpointer=run.saver)
    error = run.attempt(run.invoke, g, {"log": []}, run.config())
    seen = run.look(g, run.config())
    return [
        error,
        seen["values"],
        seen["next"],
        run.invoke(g, None, run.config()),
        calls,
    ]


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

    g = _fan(api, "slow", "bad", slow=slow, bad=bad).compile(checkpointer=run.saver)
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

    g = _fan(api, "x", "y", x=bad("x"), y=bad("y")).compile(checkpointer=run.saver)
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
    built = _fan(
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

    built = _fan(api, "x", "y", x=writes("x"), y=writes("y"))
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

    g = _fan(api, "x", "y", x=n, y=n).compile(checkpointer=run.saver)
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

    g = _fan(api, "quick", "slow", quick=quick, slow=slow).compile(
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


@program("R3.18")
def leaving_a_stream_early(api, run):
    calls = []
    edges = [(api.START, "x"), ("x", "y"), ("y", "z")]
    nodes = {name: say(name, calls) for name in "xyz"}
    g = graph(api, *edges, **nodes).compile(checkpointer=run.saver)
    first = run.first_chunks(g, 1, {"log": []}, run.config(), durability="sync")
    before = list(calls)
    return [first, before, run.invoke(g, None, run.config()), calls]


@program("R3.19")
def a_drained_run(api, run):
    control = api.RunControl()

    def x(state):
        control.request_drain("why")
        return {"log": ["x"]}

    g = graph(api, (api.START, "x"), ("x", "y"), x=x, y=None).compile(
        checkpointer=run.saver
    )
    error = run.attempt(run.invoke, g, {"log": []}, run.config(), control=control)
    return [error, run.look(g, run.config()), run.invoke(g, None, run.config())]


@program("R3.10")
def a_cycle(api, run):
    def more(state):
        return "x" if len(state["log"]) < 6 else api.END

    built = graph(api, (api.START, "x"), ("x", "y"), x=None, y=None)
    g = built.add_conditional_edges("y", more).compile(checkpointer=run.saver)
    return [run.invoke(g, {"log": []}, run.config()), run.steps(g, run.config())]


@program("R3.2")
def a_node_runs_again_only_for_something_new(api, run):
    calls = []

    def back(state):
        return "x" if len(state["log"]) < 4 else api.END

    built = graph(
        api,
        (api.START, "x"),
        ("x", "y"),
        x=say("x", calls),
        y=say("y", calls),
        aside=say("aside", calls),
    ).add_conditional_edges("y", back)
    g = built.compile(checkpointer=run.saver)
    run.invoke(g, {"log": []}, run.config())
    run.invoke(g, None, run.config())
    run.update_state(g, run.config(), {"log": ["u"]}, as_node="x")
    due = run.look(g, run.config())["next"]
    run.invoke(g, None, run.config())
    run.update_state(g, run.config(), {"log": ["v"]}, as_node="aside")
    none = run.look(g, run.config())["next"]
    return [calls, due, none, run.invoke(g, None, run.config())]


@program("R3.8", "R3.9")
def the_order_of_ending_changes_nothing(api, run):
    def gives(*order):
        turn = {name: threading.Event() for name in order}
        turn[order[0]].set()

        def node(name):
            def waits(state):
                assert turn[name].wait(30)
                at = order.index(name)
                if at + 1 < len(order):
                    turn[order[at + 1]].set()
                return {"log": [name]}

            return waits

        nodes = {name: node(name) for name in sorted(order)}
        found = _fan(api, *nodes, **nodes).compile(checkpointer=run.saver)
        config = run.config("".join(order))
        return [
            run.invoke(found, {"log": []}, config),
            [s.values for s in run.get_history(found, config)],
        ]

    first = gives("a", "b", "c")
    return [first, gives("c", "b", "a") == first, gives("b", "c", "a") == first]


@program("R3.19")
def a_node_looks_whether_to_stop(api, run):
    control = api.RunControl()
    seen = [control.drain_requested, control.drain_reason]

    def n(state, runtime):
        runtime.control.request_drain()
        seen.extend([runtime.control.drain_requested, runtime.control.drain_reason])
        return {"log": ["n"]}

    g = graph(api, (api.START, "n"), n=n).compile()
    return [run.invoke(g, {"log": []}, control=control), seen]
