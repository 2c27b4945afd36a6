"""Section 3: order, step numbers, limits, failures in a step."""

import asyncio
import threading
import time

from tests.conformance.corpus import program
from tests.conformance.programs.shapes import fan, graph, say


@program("R3.1")
def siblings_see_the_start_of_the_step(api, run):
    seen = []

    def look(state):
        seen.append(list(state["log"]))
        return {"log": ["n"]}

    run.invoke(
        fan(api, "a", "b", "c", a=look, b=look, c=look).compile(), {"log": ["i"]}
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


@program("R3.4", "R6.4")
def metadata_under_names_that_an_engine_may_use(api, run):
    g = graph(api, (api.START, "x"), ("x", "y"), x=None, y=None)
    g = g.compile(checkpointer=run.saver, interrupt_before=["y"])
    names = ["task", "code", "origin", "wrote", "over", "began", "left_behind"]
    config = run.config(**{name: f"my {name}" for name in names[:3]})
    config["metadata"] = {name: f"my {name}" for name in names[3:]}
    config["metadata"]["given:task"] = "another"
    run.invoke(g, {"log": []}, config)
    head = run.get_state(g, run.config()).metadata
    found = [
        len(run.get_history(g, run.config(), filter=each))
        for each in ({"task": "my task"}, {"wrote": "my wrote"}, {"wrote": "x"})
    ]
    run.update_state(g, run.config(), {"log": ["edited"]})
    return [head, found, run.invoke(g, None, run.config())]


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
    g = fan(api, *names, **{name: say(name, calls) for name in names})
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
    g = fan(api, *names, **dict.fromkeys(names, n)).compile()
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
        fan(api, "a", "b", a=waits("a"), b=waits("b")).compile(), {"log": []}
    )


@program("R3.7")
def nodes_have_the_callers_context(api, run):
    from contextvars import ContextVar

    who = ContextVar("who", default="nobody")

    def n(state):
        return {"log": [who.get()]}

    g = fan(api, "a", "b", a=n, b=n).compile()
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
        found = fan(api, *nodes, **nodes).compile(checkpointer=run.saver)
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
