"""What a thread has done whose work is cancelled is undone where somebody says so (RB.8)."""

from __future__ import annotations

from typing import Any

import pytest

from durableweb.checkpoint.memory import InMemorySaver
from durableweb.errors import CompensationFailed, RunCancelled
from durableweb.types import Command, interrupt
from tests.engine.support.clocks import CONFIG, State
from tests.engine.support.shop import (
    Broken,
    broken,
    buy,
    done,
    fail,
    in_a_row,
    shop,
    undone,
)
from workflows.engine.loop.undoing import Undo
from workflows.engine.replay import replay_check

assert shop

pytestmark = pytest.mark.rule("RB.8")


def ask(state: State) -> State:
    return {"log": [interrupt("go on?")]}


@pytest.fixture
def asking() -> Any:
    """A graph that has done something, and asks."""
    graph = in_a_row(buy("a"), buy("b"), ask, fail)
    graph.invoke({"log": []}, CONFIG)
    return graph


def test_it_is_undone_and_ends_as_cancelled(asking: Any) -> None:
    with pytest.raises(
        RunCancelled, match="what it had done is undone: no more"
    ) as met:
        asking.invoke(Undo("no more"), CONFIG)

    assert met.value.cause == "undone"
    assert undone() == ["gave back b", "gave back a"]
    state = asking.get_state(CONFIG)
    assert (state.next, state.interrupts) == ((), ())


def test_whoever_continues_it_is_told_that_it_was_cancelled(asking: Any) -> None:
    for given in (Undo("no more"), None, Undo("again")):
        with pytest.raises(RunCancelled, match="no more"):
            asking.invoke(given, CONFIG)

    assert undone() == ["gave back b", "gave back a"]


def test_without_anything_on_record_nothing_is_done() -> None:
    graph = in_a_row(ask, fail)
    graph.invoke({"log": []}, CONFIG)
    with pytest.raises(RunCancelled, match="was cancelled: no more") as met:
        graph.invoke(Undo("no more"), CONFIG)

    assert met.value.cause == "cancelled"
    assert len(graph.get_state(CONFIG).interrupts) == 1


def test_what_waits_in_a_graph_below_is_undone() -> None:
    inner = in_a_row(buy("b"), ask)
    inner.checkpointer = None
    graph = in_a_row(buy("a"), inner, saver=InMemorySaver())
    graph.invoke({"log": []}, CONFIG)
    with pytest.raises(RunCancelled):
        graph.invoke(Undo(), CONFIG)

    assert undone() == ["gave back b", "gave back a"]


def test_what_has_failed_meanwhile_ends_with_that(asking: Any) -> None:
    broken["b"] = 99
    asking.invoke(Command(resume="yes"), CONFIG)
    broken.clear()
    done.clear()
    asking.invoke(Undo("no more"), CONFIG)
    assert done == []
    with pytest.raises(Exception, match="too late"):
        asking.invoke(Command(resume={"action": "retry"}), CONFIG)
    assert done == ["gave back b", "gave back a"]


def test_an_undo_that_fails_asks_and_may_be_stopped(asking: Any) -> None:
    broken["b"] = 99
    out = asking.invoke(Undo("no more"), CONFIG)
    assert out["__interrupt__"][0].value["error"] == "Broken: no b"

    with pytest.raises(CompensationFailed):
        asking.invoke(Command(resume={"action": "stop"}), CONFIG)
    assert Broken.__name__ in str(asking.get_state(CONFIG).tasks[0].error)


def test_what_a_command_said_from_outside_stays(asking: Any) -> None:
    asking.invoke(Command(update={"note": "seen"}), CONFIG)
    with pytest.raises(RunCancelled):
        asking.invoke(Undo("no more"), CONFIG)

    assert asking.get_state(CONFIG).values["note"] == "seen"


def test_a_check_of_the_code_leaves_it_out_without_a_word(asking: Any) -> None:
    broken["b"] = 99
    asking.invoke(Undo("no more"), CONFIG)

    report = replay_check(asking, "t")

    assert report.warnings == ()
    assert [body.node for body in report.bodies] == ["n2"]
