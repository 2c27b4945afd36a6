"""What a thread shows whose last step cannot be put into its state (R3.15)."""

from __future__ import annotations

import operator
from typing import Annotated, Any, TypedDict

import pytest

from durableweb.checkpoint.memory import InMemorySaver
from durableweb.errors import InvalidUpdateError
from durableweb.graph import START, StateGraph
from durableweb.types import Command, Overwrite, interrupt

CONFIG: Any = {"configurable": {"thread_id": "t"}}


class State(TypedDict, total=False):
    log: Annotated[list[str], operator.add]
    n: int


@pytest.mark.rule("R3.15", "R5.21")
@pytest.mark.parametrize(
    ("given", "shown"), [(["new"], ["in", "new"]), (Overwrite(["new"]), ["new"])]
)
def test_an_edit_that_came_with_the_answer_is_shown_once(
    given: Any, shown: list[str]
) -> None:
    builder = StateGraph(State)
    builder.add_node("one", lambda _: {"n": interrupt("which?")})
    builder.add_node("two", lambda _: {"n": 2})
    builder.add_edge(START, "one").add_edge(START, "two")
    graph = builder.compile(checkpointer=InMemorySaver())
    graph.invoke({"log": ["in"]}, CONFIG)

    with pytest.raises(InvalidUpdateError, match="'n'"):
        graph.invoke(Command(resume=1, update={"log": given}), CONFIG)

    assert graph.get_state(CONFIG).values == {"log": shown}
