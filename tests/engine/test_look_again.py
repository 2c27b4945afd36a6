"""The in-memory saver, too, knows a state that is as it was when it was last read."""

from __future__ import annotations

from typing import Any, TypedDict

import pytest

from durableweb.checkpoint.memory import InMemorySaver
from durableweb.graph import START, StateGraph
from durableweb.types import Command, interrupt
from workflows.engine.loop import snapshot

pytestmark = pytest.mark.rule("R6.1", "R6.2")
CONFIG = {"configurable": {"thread_id": "t"}}


class State(TypedDict, total=False):
    plan: dict
    said: str


class Plain:
    """A cipher that hides nothing."""

    def encrypt(self, data: bytes) -> tuple[str, bytes]:
        return "plain", data

    def decrypt(self, name: str, data: bytes) -> bytes:
        return data


def graph_of(saver: InMemorySaver) -> Any:
    graph = (
        StateGraph(State)
        .add_node("ask", lambda state: {"said": interrupt({"options": ["yes"]})})
        .add_edge(START, "ask")
        .compile(checkpointer=saver)
    )
    graph.invoke({"plan": {"steps": ["one"]}}, CONFIG)
    return graph


@pytest.fixture
def described(monkeypatch):
    """The checkpoints of which a snapshot was made."""
    made: list[str] = []
    original = snapshot.describe

    def counting(run, saved, **options):
        made.append(saved.checkpoint["id"])
        return original(run, saved, **options)

    monkeypatch.setattr(snapshot, "describe", counting)
    return made


def test_an_unchanged_thread_is_described_twice_and_no_more(described):
    graph = graph_of(InMemorySaver())

    found = [graph.get_state(CONFIG) for _ in range(5)]

    assert [str(each) for each in found] == [str(found[0])] * 5
    assert len(described) == 2


def test_what_one_caller_does_to_a_snapshot_no_other_sees():
    graph = graph_of(InMemorySaver())
    expected = str(graph.get_state(CONFIG))

    for _ in range(4):
        spoiled = graph.get_state(CONFIG)
        spoiled.values["plan"]["steps"].append("spoiled")
        spoiled.interrupts[0].value["options"].append("spoiled")
        spoiled.metadata.clear()
        assert str(graph.get_state(CONFIG)) == expected


@pytest.mark.parametrize(
    "change",
    [
        lambda graph, head: graph.invoke(Command(resume="yes"), CONFIG),
        lambda graph, head: graph.update_state(CONFIG, {"plan": {}}),
        lambda graph, head: graph.checkpointer.put_writes(
            head.config, [("plan", {"steps": ["two"]})], head.tasks[0].id
        ),
        lambda graph, head: graph.checkpointer.delete_thread("t"),
    ],
    ids=["answered", "edited", "a task has written", "deleted"],
)
def test_a_change_is_seen_at_once(change):
    graph = graph_of(InMemorySaver())
    for _ in range(3):
        head = graph.get_state(CONFIG)
    before = str(head)

    change(graph, head)

    found = [str(graph.get_state(CONFIG)) for _ in range(3)]
    assert found == [found[0]] * 3
    assert before not in found


def test_with_a_cipher_nothing_is_kept_in_plain_text(described):
    graph = graph_of(InMemorySaver(cipher=Plain()))

    for _ in range(4):
        graph.get_state(CONFIG)

    assert len(described) == 4
    assert graph.checkpointer.looked_at == {}
