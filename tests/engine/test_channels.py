"""Channels that somebody has derived from ours are read as they answer."""

from __future__ import annotations

from typing import Annotated, Any, TypedDict

from workflows.engine.channels import LastValue
from workflows.engine.constants import START
from workflows.engine.graph.state import StateGraph


class Doubled(LastValue):
    def get(self) -> Any:
        return 2 * super().get()


class Shy(LastValue):
    def is_available(self) -> bool:
        return super().is_available() and self.value != "secret"


class State(TypedDict, total=False):
    n: Annotated[int, Doubled]
    word: Annotated[str, Shy]


def test_a_channel_that_overrides_get_or_is_available_is_read_through_it() -> None:
    seen: list[dict[str, Any]] = []
    flow = StateGraph(State).add_node("n", lambda state: seen.append(dict(state)))
    graph = flow.add_edge(START, "n").compile()

    graph.invoke({"n": 2, "word": "secret"})
    graph.invoke({"n": 3, "word": "open"})

    assert seen == [{"n": 4}, {"n": 6, "word": "open"}]
