"""Shapes of graphs: chain, fan-out and join, cycles, branches, Send, Command."""

import operator
from typing import Annotated, Any, TypedDict

from durableweb.graph import END, START, StateGraph
from durableweb.runtime import Runtime
from durableweb.types import Command, Send
from tests.programs.sample import sample


class Flow(TypedDict, total=False):
    a: int
    log: Annotated[list, operator.add]


def build(life: Any, names: str, *edges: tuple[Any, str], **nodes: Any) -> StateGraph:
    """A builder; nodes without a function say their name."""
    graph = StateGraph(Flow)
    for name in names.split():
        graph.add_node(name, nodes.get(name) or life.says(name))
    for start, end in edges:
        graph.add_edge(start, end)
    return graph


@sample({"log": ["i"]})
def chain(life, saver):
    edges = [(START, "x"), ("x", "y"), ("y", "z")]
    return build(life, "x y z", *edges).compile(checkpointer=saver)


@sample({"log": ["i"]})
def fan_out_and_join(life, saver):
    edges = [
        (START, "a"),
        (START, "b"),
        (START, "c"),
        ("c", "d"),
        (["a", "b", "d"], "j"),
    ]
    return build(life, "a b c d j", *edges).compile(checkpointer=saver)


@sample({"log": [], "a": 0})
def cycle(life, saver):
    def work(state):
        return {"a": state["a"] + 1, "log": [life.did(f"work{state['a']}")]}

    def more(state):
        return "work" if state["a"] < 4 else END

    graph = build(life, "work", (START, "work"), work=work)
    return graph.add_conditional_edges("work", more).compile(checkpointer=saver)


@sample({"log": [], "a": 2})
def branches(life, saver):
    def choose(state):
        return ["even", "both"] if state["a"] % 2 == 0 else ["odd"]

    graph = build(
        life, "x even odd both fin", (START, "x"), ("even", "fin"), ("odd", "fin")
    )
    return graph.add_conditional_edges("x", choose).compile(checkpointer=saver)


@sample({"log": []})
def send(life, saver):
    def worker(n):
        return {"log": [life.did(f"worker{n}")]}

    def spread(state):
        return [Send("worker", 3), Send("worker", 1), "p", Send("worker", 2)]

    graph = build(
        life, "start worker p fin", (START, "start"), ("worker", "fin"), worker=worker
    )
    return graph.add_conditional_edges("start", spread).compile(checkpointer=saver)


@sample({"log": [], "a": 0})
def command(life, saver):
    def x(state):
        update = {"a": state["a"] + 1, "log": [life.did(f"x{state['a']}")]}
        return Command(
            update=update, goto="x" if state["a"] < 2 else ["y", Send("z", 7)]
        )

    def z(n):
        return {"log": [life.did(f"z{n}")]}

    return build(life, "x y z", (START, "x"), x=x, z=z).compile(checkpointer=saver)


@sample({"log": []})
def deferred(life, saver):
    graph = build(life, "a b", (START, "a"), ("a", "b"))
    graph.add_node("last", life.says("last"), defer=True).add_edge(START, "last")
    return graph.compile(checkpointer=saver)


@sample({"log": []}, only="async")
def coroutines(life, saver):
    def says(name):
        async def node(state):
            return {"log": [life.did(name)]}

        return node

    edges = [(START, "a"), (START, "b"), (["a", "b"], "j")]
    nodes = {name: says(name) for name in "abj"}
    return build(life, "a b j", *edges, **nodes).compile(checkpointer=saver)


@sample({"log": ["i"]})
def heartbeats(life, saver):
    """A node that says how far it is, and asks whether it is to end."""

    def copy(state, runtime: Runtime):
        runtime.check()
        before = runtime.last_heartbeat or 0
        runtime.heartbeat(before + 1)
        return {"log": [life.did("copy")], "a": min(before, 0)}

    edges = [(START, "x"), ("x", "copy"), ("copy", "z")]
    return build(life, "x copy z", *edges, copy=copy).compile(checkpointer=saver)
