"""Section 7: a paused graph in a graph, looked at, edited and answered."""

import operator
from typing import Annotated, TypedDict

from tests.conformance.corpus import program
from tests.conformance.programs.shapes import asks, graph, notes_and_asks


@program("R7.8")
def the_state_of_a_paused_subgraph(api, run):
    sub = graph(
        api, (api.START, "s1"), ("s1", "asks"), s1=None, asks=asks(api)
    ).compile()
    g = graph(api, (api.START, "sub"), sub=sub).compile(checkpointer=run.saver)
    run.invoke(g, {"log": ["i"]}, run.config())
    found = run.get_state(g, run.config())
    inner = found.tasks[0].state["configurable"]
    return [
        run.snapshot(found),
        inner["checkpoint_ns"] == f"sub:{found.tasks[0].id}",
        run.look(g, run.config(), subgraphs=True),
        run.look(g, found.tasks[0].state),
    ]


@program("R7.9")
def editing_a_paused_subgraph(api, run):
    def asks(state):
        return {"log": [f"saw {state['log']}", api.interrupt("q")]}

    sub = graph(api, (api.START, "s1"), ("s1", "asks"), s1=None, asks=asks).compile()
    g = graph(api, (api.START, "sub"), sub=sub).compile(checkpointer=run.saver)
    run.invoke(g, {"log": ["i"]}, run.config())
    inner = run.get_state(g, run.config()).tasks[0].state
    run.update_state(g, inner, {"log": ["u"]})
    again = run.invoke(g, None, run.config())
    return [
        len(again["__interrupt__"]),
        run.invoke(g, api.Command(resume="r"), run.config()),
    ]


@program("R7.9")
def an_edit_inside_skips_a_node(api, run):
    sub = graph(
        api, (api.START, "asks"), ("asks", "s2"), asks=asks(api), s2=None
    ).compile()
    g = graph(api, (api.START, "sub"), sub=sub).compile(checkpointer=run.saver)
    run.invoke(g, {"log": ["i"]}, run.config())
    inner = run.get_state(g, run.config()).tasks[0].state
    run.update_state(g, inner, {"log": ["instead"]}, as_node="asks")
    return run.invoke(g, None, run.config())


@program("R7.10")
def an_edit_skips_the_subgraph(api, run):
    sub = graph(api, (api.START, "asks"), asks=asks(api)).compile()
    g = graph(api, (api.START, "sub"), ("sub", "z"), sub=sub, z=None)
    g = g.compile(checkpointer=run.saver)
    run.invoke(g, {"log": ["i"]}, run.config())
    run.update_state(g, run.config(), {"log": ["instead"]}, as_node="sub")
    return [run.look(g, run.config())["interrupts"], run.invoke(g, None, run.config())]


@program("R7.7", "R5.16")
def questions_in_parallel_subgraphs(api, run):
    calls = []

    class Top(TypedDict, total=False):
        trace: Annotated[list, operator.add]

    def sub(name):
        return graph(
            api,
            (api.START, "asks"),
            schema=Top,
            asks=notes_and_asks(api, name, calls, name, "trace"),
        ).compile()

    built = graph(
        api, (api.START, "p"), (api.START, "q"), schema=Top, p=sub("P"), q=sub("Q")
    )
    g = built.compile(checkpointer=run.saver)
    run.invoke(g, {"trace": []}, run.config())
    ids = {i.value: i.id for i in run.get_state(g, run.config()).interrupts}
    some = run.invoke(g, api.Command(resume={ids["Q"]: "b"}), run.config())
    left = [i.value for i in run.get_state(g, run.config()).interrupts]
    last = run.invoke(g, api.Command(resume="a"), run.config())
    return [sorted(ids), len(some["__interrupt__"]), left, last]


@program("R3.15", "R7.7", "R5.13")
def what_cannot_be_applied_below_does_not_hide_a_question(api, run):
    def refuse(value, write):
        raise RuntimeError("no more")

    class Inner(TypedDict, total=False):
        k: int
        none: Annotated[list, refuse]
        log: Annotated[list, operator.add]

    def told(key, called):
        calls = []

        def writes(name):
            def node(state):
                calls.append(name)
                return {key: 1}

            return node

        built = api.StateGraph(Inner)
        ask = notes_and_asks(api, "q", calls, "ask")
        for name, node in {"a": writes("a"), "b": writes("b"), "ask": ask}.items():
            built.add_node(name, node).add_edge(api.START, name)
        sub = built.compile()
        node = (lambda state: sub.invoke({"log": []})) if called else sub
        g = graph(api, (api.START, "sub"), sub=node).compile(checkpointer=run.saver)
        thread = run.config(f"{key} {called}")
        return [
            run.invoke(g, {"log": ["i"]}, thread),
            run.look(g, thread),
            run.attempt(run.invoke, g, api.Command(resume="r"), thread),
            sorted(calls),
            run.attempt(run.invoke, g, None, thread),
            sorted(calls),
        ]

    return [told(key, called) for key in ("k", "none") for called in (False, True)]
