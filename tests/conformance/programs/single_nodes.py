"""Nodes that are run by themselves, as tests of a program do."""

import asyncio
from typing import TypedDict

import pydantic

from tests.conformance.corpus import program


@program("R1.46")
def a_node_is_run_by_itself(api, run):
    def double(state):
        return {"a": state["a"] * 2}

    async def later(state):
        return {"a": state["a"] + 1}

    def told(state, config):
        return {"a": config["configurable"]["by"], "tags": config.get("tags")}

    below = _built(api, double=double).compile()
    g = _built(api, double=double, later=later, told=told, below=below).compile()
    config = {"configurable": {"by": 7}, "tags": ["x"]}
    found = [
        g.nodes["double"].invoke({"a": 4}),
        g.nodes["below"].invoke({"a": 4}),
        g.nodes["told"].invoke({"a": 1}, config),
        run.attempt(g.nodes["later"].invoke, {"a": 1}),
    ]
    if run.driver == "async":
        for name in ("later", "double"):
            found.append(asyncio.run(g.nodes[name].ainvoke({"a": 1})))
    return found


@program(
    "R1.46",
    differs="a dict becomes the node's schema (there it stays a dict)",
    expected=["Letter", "Letter"],
)
def a_node_of_a_model_is_run_by_itself(api, run):
    class Letter(pydantic.BaseModel):
        a: int

    def kind(state):
        return type(state).__name__

    g = api.StateGraph(Letter).add_node(kind).add_edge(api.START, "kind").compile()
    return [g.nodes["kind"].invoke({"a": 1}), g.nodes["kind"].invoke(Letter(a=1))]


@program("R1.48")
def a_copy_of_a_graph_has_another_saver(api, run):
    def ask(state):
        return {"a": api.interrupt("q")}

    plain = _built(api, ask=ask).compile(name="plain")
    kept = plain.copy({"checkpointer": run.saver, "name": "kept"})
    held = kept.copy({"interrupt_before_nodes": ["ask"]})
    run.invoke(kept, {"a": 1}, run.config())
    run.invoke(held, {"a": 1}, run.config("held"))
    return [
        [plain.name, kept.name, plain.checkpointer, plain.copy().name],
        run.invoke(kept, api.Command(resume=2), run.config()),
        run.look(held, run.config("held")),
    ]


def _built(api, **nodes):
    class State(TypedDict):
        a: int

    builder = api.StateGraph(State)
    for name, node in nodes.items():
        builder.add_node(name, node).add_edge(api.START, name)
    return builder
