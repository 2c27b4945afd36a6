"""What holds for any saga, killed anywhere: what was done is undone, newest first, each once or not at all (RB.8)."""

from __future__ import annotations

from contextlib import suppress
from itertools import count, groupby
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from durableweb.checkpoint.memory import InMemorySaver
from durableweb.errors import RecordedTaskError
from durableweb.func import task
from durableweb.types import Command, RetryPolicy, compensate, interrupt
from tests.engine.support.clocks import State
from tests.engine.support.lives import wait_for_threads
from tests.engine.support.shop import (
    Broken,
    broken,
    done,
    fail,
    give_back,
    in_a_row,
    take,
)
from workflows.engine.drivers import faults
from workflows.engine.loop import undo_node

CONFIG: dict[str, Any] = {"configurable": {"thread_id": "t"}}
FOR_GOOD = 99

# A node does things and says what undoes them, calls tasks that have an undo, asks, or calls a
# task that does the same. Each thing that is done breaks so often before it can be undone.
things = st.tuples(
    st.sampled_from(["did", "took"]), st.sampled_from([0, 0, 0, 1, 2, FOR_GOOD])
)
parts = st.one_of(things, things, st.just(("asked",)))
bodies = st.lists(
    st.one_of(parts, st.tuples(st.just("below"), st.lists(parts, max_size=2))),
    max_size=3,
)
sagas = st.lists(bodies, min_size=1, max_size=3)


@pytest.fixture(scope="module", autouse=True)
def _at_once() -> Any:
    with pytest.MonkeyPatch.context() as patch:
        policy = RetryPolicy(0.0, max_attempts=3, retry_on=Exception)
        patch.setattr(undo_node, "RETRY", policy)
        yield


class Saga:
    """Drawn bodies as the nodes of a graph, the last of which fails; what they do has a number each."""

    def __init__(self, drawn: Any, saver: Any) -> None:
        numbers = count()
        self.times: dict[str, int] = {}  # in the order in which they are done

        def named(part: Any) -> Any:
            kind, *rest = part
            if kind == "below":
                return kind, [named(each) for each in rest[0]]
            if kind == "asked":
                return part
            name = str(next(numbers))
            self.times[name] = rest[0]
            return kind, name

        @task
        def below(parts: Any) -> None:
            self.run(parts)

        self.below = below
        nodes = [self.node([named(each) for each in body]) for body in drawn]
        self.graph = in_a_row(*nodes, fail, saver=saver)

    def node(self, parts: Any) -> Any:
        def node(state: State) -> State:
            self.run(parts)
            return {"log": []}

        return node

    def run(self, parts: Any) -> None:
        for kind, *rest in parts:
            if kind == "did":
                compensate(give_back, rest[0])
            elif kind == "took":
                take(rest[0]).result()
            elif kind == "asked":
                interrupt("go on?")
            else:
                self.below(rest[0]).result()

    def live(self) -> None:
        """Begin or go on, answer until nothing is asked; what cannot be undone is done by hand."""
        is_new = self.graph.checkpointer.get_tuple(CONFIG) is None
        turn: Any = {"log": []} if is_new else None
        while True:
            try:
                out = self.graph.invoke(turn, CONFIG)
            except (Broken, RecordedTaskError):
                return
            asks_for_undo = isinstance(out["__interrupt__"][0].value, dict)
            turn = Command(resume={"action": "skip"} if asks_for_undo else "yes")

    def to_give_back(self) -> list[str]:
        """What is to be given back, in order."""
        times = reversed(self.times.items())
        return [f"gave back {name}" for name, n in times if n != FOR_GOOD]


@pytest.mark.rule("RB.8", "R4.12")
@settings(max_examples=60, deadline=None)
@given(sagas, st.integers(1, 80))
def test_what_was_done_is_undone_newest_first_wherever_it_was_killed(
    drawn: Any, k: int
) -> None:
    done.clear()
    saver = InMemorySaver()
    saga = Saga(drawn, saver)
    broken.clear()
    broken.update(saga.times)
    with suppress(faults.Killed), faults.kill_before(k):
        saga.live()
    wait_for_threads()
    saver.__dict__.get("_live", {}).clear()  # as a supervisor does for the dead

    Saga(drawn, saver).live()

    given_back = [each for each in done if each.startswith("gave")]
    once = [name for name, _ in groupby(given_back)]
    assert once == saga.to_give_back()
    assert len(given_back) <= len(once) + 1, "only what was cut off is undone again"

    Saga(drawn, saver).live()

    assert [each for each in done if each.startswith("gave")] == given_back
