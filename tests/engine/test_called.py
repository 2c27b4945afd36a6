"""What is told from a function's code about the graph that it calls."""

from __future__ import annotations

import functools
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from durableweb.graph import START, StateGraph
from workflows.engine.called import the_only

pytestmark = pytest.mark.rule("R7.11")


class Wanted:
    def invoke(self) -> Any:
        return {}


WANTED = Wanted()


class Holder:
    def __init__(self) -> None:
        self.graph = WANTED

    @property
    def made(self) -> Wanted:
        raise AssertionError("the author's code was run")

    def node(self, state: Any) -> Any:
        return self.graph.invoke()

    def names_global(self, state: Any) -> Any:
        return WANTED.invoke()


HOLDER = Holder()


def plain(state: Any) -> Any:
    return WANTED.invoke()


def by_attribute(state: Any) -> Any:
    return HOLDER.graph.invoke()


def by_property(state: Any) -> Any:
    return HOLDER.made.invoke()


def with_argument(extra: Any, state: Any) -> Any:
    return WANTED.invoke()


@functools.wraps(plain)
def wrapped(state: Any) -> Any:
    return None


def unbound() -> Callable[[Any], Any]:
    def node(state: Any) -> Any:
        return later.invoke(), WANTED

    if not HOLDER:
        later = WANTED
    return node


@pytest.mark.parametrize(
    ("node", "found"),
    [
        (plain, WANTED),
        (by_attribute, WANTED),
        (by_property, None),
        (functools.partial(with_argument, 1), WANTED),
        (wrapped, WANTED),
        (unbound(), WANTED),
        (HOLDER.names_global, WANTED),
        (HOLDER.node, None),
        (len, None),
        (5, None),
    ],
)
def test_the_one_object_that_the_code_names_is_found(node: Any, found: Any) -> None:
    assert the_only(Wanted, node) is found


def test_of_two_none_is_taken() -> None:
    other = Wanted()

    def node(state: Any) -> Any:
        return WANTED, other

    assert the_only(Wanted, node) is None


def test_graphs_that_call_each_other_are_listed_and_drawn_once() -> None:
    graphs: dict[str, Any] = {}

    one, two = SimpleNamespace(graph=None), SimpleNamespace(graph=None)

    def calls_two(state: Any) -> Any:
        return two.graph.invoke(state)

    def calls_one(state: Any) -> Any:
        return one.graph.invoke(state)

    for name, box, node in (("one", one, calls_two), ("two", two, calls_one)):
        built = StateGraph(dict).add_node(name, node).add_edge(START, name)
        box.graph = graphs[name] = built.compile()

    found = [path for path, _ in graphs["one"].get_subgraphs(recurse=True)]
    assert found == ["one"]
    assert sorted(graphs["one"].get_graph(xray=True).nodes) == [
        "__end__",
        "__start__",
        "one:two",
    ]
