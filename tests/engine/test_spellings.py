"""Former names: what the warning says, where it points, and that nothing else gets through."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import pytest

from durableweb import constants
from durableweb.func import entrypoint, task
from durableweb.graph import START, MessageGraph, StateGraph
from durableweb.pregel import types as older
from durableweb.types import GraphOutput, Interrupt, RetryPolicy, Send
from durableweb.warnings import (
    LangGraphDeprecatedSinceV10,
    LangGraphDeprecationWarning,
)
from tests.engine.support.refusing import State, node

pytestmark = pytest.mark.rule("E.former")


def flow() -> Any:
    return StateGraph(State).add_node("n", node).add_edge(START, "n").compile()


FORMER: list[tuple[Callable[[], Any], str]] = [
    (lambda: StateGraph(State, config_schema=State), "write context_schema="),
    (lambda: StateGraph(State, input=State), "write input_schema="),
    (lambda: StateGraph(State, output=State), "write output_schema="),
    (
        lambda: StateGraph(State).add_node("n", node, retry=RetryPolicy()),
        "write retry_policy=",
    ),
    (lambda: StateGraph(State).add_node("n", node, input=State), "write input_schema="),
    (lambda: task(retry=RetryPolicy())(node), "write retry_policy="),
    (lambda: entrypoint(retry=RetryPolicy())(node), "write retry_policy="),
    (lambda: entrypoint(config_schema=State)(node), "write context_schema="),
    (lambda: flow().invoke({"a": 1}, checkpoint_during=True), "write durability="),
    (lambda: flow().stream({"a": 1}, checkpoint_during=False), "write durability="),
    (lambda: Interrupt("q").interrupt_id, "write .id"),
    (lambda: Interrupt("q", ns=["a:1"]), "Interrupt: ns= is deprecated; write id="),
    (lambda: Interrupt("q", resumable=True), "resumable= is deprecated; leave it out"),
    (lambda: Interrupt("q", when="during"), "when= is deprecated; leave it out"),
    (lambda: GraphOutput({"a": 1})["a"], "write .value or .interrupts"),
    (lambda: "a" in GraphOutput({"a": 1}), "write .value or .interrupts"),
    (lambda: constants.Send, "from durableweb.types import Send"),
    (lambda: MessageGraph(), "write StateGraph(MessagesState)"),
    (lambda: older.StateSnapshot, "from durableweb.types import StateSnapshot"),
    (lambda: constants.Interrupt, "from durableweb.types import Interrupt"),
]


@pytest.mark.parametrize(("write", "says"), FORMER)
def test_a_former_name_is_told_the_present_one_where_it_is_written(
    write: Callable[[], Any], says: str
) -> None:
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        write()

    assert [w.category for w in seen] == [DeprecationWarning]
    assert says in str(seen[0].message)
    assert seen[0].filename == __file__


@pytest.mark.parametrize(
    "write",
    [
        lambda: StateGraph(State, retry=RetryPolicy()),  # type: ignore[call-arg]
        lambda: StateGraph(State, inputs=State),  # type: ignore[call-arg]
        lambda: StateGraph(State).add_node("n", node, output=State),  # type: ignore[call-arg]
        lambda: task(input=State)(node),  # type: ignore[call-arg]
        lambda: entrypoint(input=State),  # type: ignore[call-arg]
        lambda: flow().invoke({"a": 1}, checkpoint_while=True),
        lambda: Interrupt("q", namespace=["a:1"]),  # type: ignore[call-arg]
    ],
)
def test_a_name_that_nothing_knows_is_refused(write: Callable[[], Any]) -> None:
    with pytest.raises(TypeError, match=r"unexpected keyword|unknown argument"):
        write()


def test_a_class_that_has_moved_is_the_one_of_its_new_home() -> None:
    with pytest.warns(DeprecationWarning, match=r"durableweb\.constants\.Send"):
        from durableweb.constants import Send as found

    assert found is Send
    assert not hasattr(constants, "anything_else")


def test_warnings_of_former_names_are_filtered_by_the_names_of_their_category() -> None:
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("ignore", LangGraphDeprecatedSinceV10)
        StateGraph(State, config_schema=State)
        warnings.simplefilter("always", LangGraphDeprecationWarning)
        StateGraph(State, config_schema=State)

    assert len(seen) == 1
