"""Words that most programs share: one state, one node that says its name."""

import operator
from collections.abc import Callable
from typing import Annotated, Any, TypedDict


class S(TypedDict, total=False):
    a: int
    b: str
    log: Annotated[list, operator.add]


def say(name: str, calls: list | None = None) -> Callable[[Any], Any]:
    """A node that logs its name, and notes the call where a list is given."""

    def node(state: Any) -> Any:
        if calls is not None:
            calls.append(name)
        return {"log": [name]}

    node.__name__ = name
    return node


def graph(api: Any, *edges: tuple[Any, str], schema: Any = S, **nodes: Any) -> Any:
    """A builder with `nodes` (text: a node that says it) and `edges`."""
    built = api.StateGraph(schema)
    for name, node in nodes.items():
        built.add_node(name, say(name) if node is None else node)
    for start, end in edges:
        built.add_edge(start, end)
    return built


def once_bad(calls: list, name: str = "bad", error: type = RuntimeError) -> Any:
    """A node that fails the first time."""

    def node(state: Any) -> Any:
        calls.append(name)
        if calls.count(name) == 1:
            raise error("first time")
        return {"log": [name]}

    return node


def outcome_of(api: Any, run: Any, value: Any) -> Any:
    """What a run gives whose one node returns `value`."""
    g = graph(api, (api.START, "n"), n=lambda s: value, other=None).compile()
    return run.attempt(run.invoke, g, {"log": ["i"]})


def asks(api, question="q", **options):
    """A node that asks and logs the answer."""

    def node(state):
        return {"log": [api.interrupt(question, **options)]}

    return node


def notes_and_asks(api, question, calls, name="asks", key="log"):
    """A node that notes the call, asks, and puts the answer into `key`."""

    def node(state):
        calls.append(name)
        return {key: [api.interrupt(question)]}

    return node


def open_ids(run, g, config):
    """Open questions of the head: what they ask -> their id."""
    return {i.value: i.id for i in run.get_state(g, config).interrupts}


def kept(run, g, before, config=None):
    """Which open questions have the id they had: what they ask -> bool."""
    now = open_ids(run, g, config or run.config())
    return {asked: before.get(asked) == id for asked, id in now.items()}


def fan(api: Any, *names: str, **nodes: Any) -> Any:
    """A builder with an edge from START to each of its nodes."""
    built = graph(api, **{name: nodes.get(name) for name in names})
    for name in names:
        built.add_edge(api.START, name)
    return built


def chain(api: Any, run: Any, **nodes: Any) -> Any:
    """The compiled graph x -> y -> z, on the saver of the run."""
    names = ["x", "y", "z"]
    built = graph(api, **{name: nodes.get(name) for name in names})
    built.add_edge(api.START, "x").add_edge("x", "y").add_edge("y", "z")
    return built.compile(checkpointer=run.saver)
