"""A fork over a subgraph that keeps its state, killed before any request: the same answer afterwards."""

from __future__ import annotations

import asyncio
import operator
from collections.abc import Iterator
from itertools import count
from typing import Annotated, Any, TypedDict

import pytest

from tests.engine.support.lives import WatchedSaver, wait_for_threads
from workflows.engine.constants import END, START
from workflows.engine.drivers import aio, faults
from workflows.engine.graph.state import StateGraph

CONFIG = {"configurable": {"thread_id": "t"}, "recursion_limit": 50}
MOST_KILLS = 200
WHOLE = {"turn": 3, "seen": [[1, "a"], [1, "a", 2, "a"], [1, "a", 2, "a", 3, "a"]]}
INSIDE = [1, "a", 2, "edited", "a"]
EDITED_INSIDE = {"turn": 3, "seen": [[1, "a"], INSIDE, [*INSIDE, 3, "a"]]}

pytestmark = pytest.mark.rule("R6.12", "R6.16", "R7.5")


class Log(TypedDict):
    log: Annotated[list[Any], operator.add]


class Turns(TypedDict):
    turn: int
    seen: Annotated[list[Any], operator.add]


@pytest.fixture
def loop() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture(autouse=True)
def _awaited(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the asyncio driver itself run plain graphs; as one hop they run on the other."""
    monkeypatch.setattr(aio, "drive_plain", aio.drive)


class History:
    """A thread whose kept subgraph was called three times, and a place before the second call."""

    def __init__(self, driver: str, loop: asyncio.Runner) -> None:
        self.driver, self.loop = driver, loop
        self.saver = WatchedSaver()
        kept = StateGraph(Log).add_node("first", lambda state: {"log": ["a"]})
        self.kept = kept.add_edge(START, "first").compile(checkpointer=True)
        turns = StateGraph(Turns)
        turns.add_node("count", lambda state: {"turn": state["turn"] + 1})
        turns.add_node("below", self.below)
        turns.add_edge(START, "count").add_edge("count", "below")
        turns.add_conditional_edges(
            "below", lambda state: "count" if state["turn"] < 3 else END, ["count", END]
        )
        self.graph = turns.compile(checkpointer=self.saver)
        assert self.invoke({"turn": 0, "seen": []}, CONFIG) == WHOLE
        past = [s for s in self.graph.get_state_history(CONFIG) if s.next == ("below",)]
        self.place = past[1].config
        self.head = self.graph.get_state(CONFIG).config

    def below(self, state: Turns) -> dict[str, Any]:
        return {"seen": [list(self.kept.invoke({"log": [state["turn"]]})["log"])]}

    def invoke(self, given: Any, config: Any) -> Any:
        if self.driver == "blocking":
            return self.graph.invoke(given, config, durability="sync")
        return self.loop.run(self.graph.ainvoke(given, config, durability="sync"))

    def fork(self, how: str) -> Any:
        """Go on from the place, or, where a fork was saved before, with it."""
        if self.graph.get_state(CONFIG).config != self.head:
            return self.invoke(None, CONFIG)
        if how == "replay":
            return self.invoke(None, self.place)
        if how == "inside":
            return self.invoke(None, self.edited_inside())
        self.graph.update_state(self.place, {"turn": 2}, as_node="count")
        return self.invoke(None, CONFIG)

    def edited_inside(self) -> Any:
        """An edit of the kept graph in its second call, where its node is due."""
        kept = self.kept.with_saver(self.saver)
        thread: Any = {"configurable": {"thread_id": "t", "checkpoint_ns": "below"}}
        past = kept.get_state_history(thread)
        place = next(s.config for s in past if s.values["log"] == [1, "a", 2])
        return kept.update_state(place, {"log": ["edited"]})


@pytest.mark.parametrize("driver", ["blocking", "async"])
@pytest.mark.parametrize("how", ["replay", "edit", "inside"])
def test_a_fork_killed_anywhere_finds_the_kept_state_of_its_place(
    how: str, driver: str, loop: asyncio.Runner
) -> None:
    whole = EDITED_INSIDE if how == "inside" else WHOLE
    assert History(driver, loop).fork(how) == whole

    for k in count(1):
        assert k < MOST_KILLS, "it makes no end of requests"
        story = History(driver, loop)
        with faults.kill_before(k):
            try:
                story.fork(how)
                break
            except faults.Killed:
                wait_for_threads()
                story.saver.break_leases()

        assert story.fork(how) == whole, f"killed before request {k}"
    assert k > 5, "hardly a request was counted"
