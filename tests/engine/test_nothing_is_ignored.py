"""What is not built yet, and what nobody knows, is refused by name (R1.11, R9.1, R9.9)."""

from typing import TypedDict

import pytest

from durableweb.errors import InvalidUpdateError
from durableweb.graph import START, StateGraph
from durableweb.types import Command
from workflows.engine.errors import FeatureNotBuiltError


class State(TypedDict, total=False):
    a: int


def graph_of(result):
    def node(state: State):
        return result

    return StateGraph(State).add_node(node).add_edge(START, "node").compile()


def test_an_argument_that_is_not_built_yet_is_refused():
    with pytest.raises(FeatureNotBuiltError):
        graph_of({}).invoke({}, idempotency_key="values")


def test_an_unknown_argument_is_named():
    with pytest.raises(TypeError, match="sream"):
        graph_of({}).invoke({}, sream="values")


@pytest.mark.parametrize("result", [{"b": 1}, Command(update={"b": 1})])
def test_strict_updates_refuse_a_key_that_the_state_does_not_have(result):
    graph = graph_of(result)

    assert graph.invoke({"a": 1}) == {"a": 1}
    with pytest.raises(InvalidUpdateError, match="'node' wrote 'b'"):
        graph.invoke({"a": 1}, {"configurable": {"strict_updates": True}})
