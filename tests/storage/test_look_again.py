"""A state that is read again and again: quick where nothing changed, and always the truth."""

from __future__ import annotations

import threading
from typing import Annotated, Any, TypedDict

import pytest
from django.db import connection

from durableweb.graph import START, StateGraph
from durableweb.types import Command, Overwrite, Send, interrupt
from tests.storage.ciphers import TinyCipher
from tests.storage.conftest import real_transactions
from workflows.engine.loop import snapshot
from workflows.storage.saver import DjangoSaver

pytestmark = [real_transactions, pytest.mark.rule("R6.1", "R6.2", "R10.7")]
CONFIG = {"configurable": {"thread_id": "t"}}


def _add(left: list, right: list) -> list:
    return left + right


class State(TypedDict, total=False):
    notes: Annotated[list, _add]
    plan: dict
    said: str


def graph_of(saver: DjangoSaver) -> Any:
    def begin(state):
        return {"notes": [{"text": "begun"}], "plan": {"steps": ["one"]}}

    def ask(state):
        return {"said": interrupt({"question": "Really?", "options": ["yes", "no"]})}

    return (
        StateGraph(State)
        .add_node("begin", begin)
        .add_node("ask", ask)
        .add_edge(START, "begin")
        .add_edge("begin", "ask")
        .compile(checkpointer=saver)
    )


@pytest.fixture
def described(monkeypatch):
    """How often a snapshot was made from a checkpoint."""
    counted: list[str] = []
    original = snapshot.describe

    def counting(run, saved, **options):
        counted.append(saved.checkpoint["id"])
        return original(run, saved, **options)

    monkeypatch.setattr(snapshot, "describe", counting)
    return counted


def elsewhere(work):
    """Do `work` as another process would: on a connection and with a saver of its own."""
    failed: list[BaseException] = []

    def run():
        try:
            work(graph_of(DjangoSaver()))
        except BaseException as error:  # noqa: BLE001 - looked at below
            failed.append(error)
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert not failed


def test_an_unchanged_thread_is_described_twice_and_no_more(described):
    graph = graph_of(DjangoSaver())
    graph.invoke({}, CONFIG)

    found = [graph.get_state(CONFIG) for _ in range(5)]

    assert all(each == found[0] for each in found)
    assert [str(each) for each in found] == [str(found[0])] * 5
    assert len(described) == 2


async def test_the_async_face_sees_it_too(described):
    graph = graph_of(DjangoSaver())
    await graph.ainvoke({}, CONFIG)

    found = [await graph.aget_state(CONFIG) for _ in range(4)]

    assert all(each == found[0] for each in found)
    assert len(described) == 2
    await DjangoSaver().adelete_thread("t")


def test_what_one_caller_does_to_a_snapshot_no_other_sees():
    graph = graph_of(DjangoSaver())
    graph.invoke({}, CONFIG)
    expected = str(graph.get_state(CONFIG))

    for _ in range(4):
        spoiled = graph.get_state(CONFIG)
        spoiled.values["notes"][0]["text"] = "spoiled"
        spoiled.values["notes"].append("spoiled")
        spoiled.values["plan"]["steps"].append("spoiled")
        spoiled.values["more"] = "spoiled"
        spoiled.config["configurable"]["thread_id"] = "spoiled"
        spoiled.parent_config["configurable"]["thread_id"] = "spoiled"
        spoiled.metadata["source"] = "spoiled"
        spoiled.interrupts[0].value["options"].append("spoiled")
        spoiled.interrupts[0].id = "spoiled"

        assert str(graph.get_state(CONFIG)) == expected


def test_the_questions_of_a_snapshot_are_those_of_its_tasks():
    graph = graph_of(DjangoSaver())
    graph.invoke({}, CONFIG)

    for _ in range(4):
        found = graph.get_state(CONFIG)
        assert found.interrupts[0] is found.tasks[0].interrupts[0]
        assert found.tasks[0].runs_of_this_task == 1


@pytest.mark.parametrize(
    "change",
    [
        lambda graph: graph.invoke(Command(resume="yes"), CONFIG),
        lambda graph: graph.update_state(CONFIG, {"plan": Overwrite({})}),
        lambda graph: graph.checkpointer.put_writes(
            {
                "configurable": {
                    **CONFIG["configurable"],
                    "checkpoint_ns": "",
                    "checkpoint_id": graph.checkpointer.head("t"),
                }
            },
            [("plan", {"steps": ["two"]})],
            graph.get_state(CONFIG).tasks[0].id,
        ),
        lambda graph: graph.checkpointer.delete_thread("t"),
        lambda graph: graph.invoke({"plan": {"steps": ["anew"]}}, CONFIG),
    ],
    ids=["answered", "edited", "a task has written", "deleted", "run anew"],
)
def test_what_another_process_does_is_seen_at_once(change):
    graph = graph_of(DjangoSaver())
    graph.invoke({}, CONFIG)
    before = [str(graph.get_state(CONFIG)) for _ in range(3)]

    elsewhere(change)

    for _ in range(3):
        found = graph.get_state(CONFIG)
        assert str(found) == str(graph_of(DjangoSaver()).get_state(CONFIG))
        assert str(found) not in before


def test_a_named_checkpoint_is_not_taken_for_the_head():
    graph = graph_of(DjangoSaver())
    graph.invoke({}, CONFIG)
    for _ in range(3):
        paused = graph.get_state(CONFIG)
        graph.get_state(paused.config)
    graph.invoke(Command(resume="yes"), CONFIG)

    for _ in range(3):
        assert graph.get_state(CONFIG).values["said"] == "yes"
        old = graph.get_state(paused.config)
        assert old.next == ("ask",)
        assert "said" not in old.values


def test_a_damaged_row_is_noticed_although_it_was_read_before():
    graph = graph_of(DjangoSaver())
    graph.invoke({}, CONFIG)
    for _ in range(3):
        graph.get_state(CONFIG)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE workflows_checkpoint SET metadata = '{}'")

    with pytest.raises(Exception, match="does not match its digest"):
        graph.get_state(CONFIG)


def test_values_of_other_types_are_made_anew_each_time(described):
    class Wide(TypedDict, total=False):
        tags: set

    graph = (
        StateGraph(Wide)
        .add_node("tag", lambda state: {"tags": {"a"}})
        .add_edge(START, "tag")
        .compile(checkpointer=DjangoSaver())
    )
    graph.invoke({}, CONFIG)

    for _ in range(4):
        found = graph.get_state(CONFIG)
        assert found.values == {"tags": {"a"}}
        found.values["tags"].add("spoiled")
    assert len(described) == 4


def test_two_graphs_on_one_saver_are_kept_apart():
    saver = DjangoSaver()
    graph = graph_of(saver)
    graph.invoke({}, CONFIG)

    class Less(TypedDict, total=False):
        plan: dict

    other = (
        StateGraph(Less)
        .add_node("ask", lambda state: {})
        .add_edge(START, "ask")
        .compile(checkpointer=saver)
    )

    for _ in range(3):
        assert set(graph.get_state(CONFIG).values) == {"notes", "plan"}
    for _ in range(3):
        assert set(other.get_state(CONFIG).values) == {"plan"}


def test_finished_tasks_go_through_the_reducers_each_time(described):
    def spread(state):
        return [Send("work", {"n": 1}), Send("work", {"n": 2})]

    def work(state):
        if state["n"] == 2:
            return {"notes": [interrupt("two?")]}
        return {"notes": [1]}

    graph = (
        StateGraph(State)
        .add_node("work", work)
        .add_conditional_edges(START, spread, ["work"])
        .compile(checkpointer=DjangoSaver())
    )
    graph.invoke({"notes": []}, CONFIG)

    for _ in range(4):
        found = graph.get_state(CONFIG)
        assert found.values["notes"] == [1]
        assert found.next == ("work",)
    assert len(described) == 4


def test_a_saver_whose_reading_is_overridden_is_obeyed():
    class Shouting(DjangoSaver):
        def get_tuple(self, config):
            found = super().get_tuple(config)
            if found is not None:
                found.checkpoint["channel_values"]["plan"] = "LOUD"
            return found

    graph = graph_of(Shouting())
    graph.invoke({}, CONFIG)

    for _ in range(3):
        assert graph.get_state(CONFIG).values["plan"] == "LOUD"


def test_with_a_cipher_nothing_is_kept_in_plain_text(described):
    graph = graph_of(DjangoSaver(cipher=TinyCipher()))
    graph.invoke({}, CONFIG)

    for _ in range(4):
        graph.get_state(CONFIG)

    assert len(described) == 4
    assert graph.checkpointer.looked_at == {}
