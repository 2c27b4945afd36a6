"""What a check of a record does and leaves undone: tasks, stores, runs, work past the record (RA.4)."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from durableweb.checkpoint.memory import InMemorySaver
from durableweb.config import get_store
from durableweb.errors import NonDeterminismError
from durableweb.func import entrypoint
from durableweb.graph import START, StateGraph
from durableweb.store.memory import InMemoryStore
from durableweb.types import Command, RetryPolicy, interrupt
from tests.engine.support.changed_bodies import Tasks
from tests.engine.support.checked_graphs import CONFIG, State, chain
from workflows.engine.replay import areplay_check, replay_check

pytestmark = pytest.mark.rule("RA.4", "RB.13")


def test_a_node_without_a_record_is_not_run() -> None:
    saver = InMemorySaver()
    ran: list[str] = []

    def plain(state: Any) -> Any:
        ran.append("plain")
        return {"log": ["plain"]}

    graph = chain(saver, plain=plain, other=plain)
    graph.invoke({"log": []}, CONFIG, interrupt_before=["other"])
    ran.clear()

    assert replay_check(graph, "t").bodies == ()
    assert ran == []


def test_what_a_body_does_outside_of_tasks_is_done() -> None:
    saver = InMemorySaver()
    ran: list[str] = []

    def ask(state: Any) -> Any:
        ran.append("before the question")
        return {"log": [interrupt("q")]}

    graph = chain(saver, ask=ask)
    graph.invoke({"log": []}, CONFIG)

    replay_check(graph, "t")

    assert ran == ["before the question"] * 2


def test_a_store_is_read_and_its_writes_are_kept_aside() -> None:
    saver, store = InMemorySaver(), InMemoryStore()
    store.put(("a",), "old", {"n": 1})
    seen: list[Any] = []

    def ask(state: Any) -> Any:
        kept = get_store()
        seen.append(kept.get(("a",), "old").value)
        kept.put(("a",), "new", {"n": 2})
        seen.append(kept.get(("a",), "new").value)
        kept.delete(("a",), "old")
        seen.append(kept.get(("a",), "old"))
        return {"log": [interrupt("q")]}

    graph = StateGraph(State).add_node(ask).add_edge(START, "ask")
    graph.compile(saver, store=store).invoke({"log": []}, CONFIG)
    store.delete(("a",), "new")
    store.put(("a",), "old", {"n": 3})
    seen.clear()

    replay_check(graph.compile(saver, store=store), "t")
    asyncio.run(areplay_check(graph.compile(saver, store=store), "t"))

    assert seen == [{"n": 3}, {"n": 2}, None] * 2
    assert store.get(("a",), "new") is None
    assert store.get(("a",), "old") is not None


@pytest.mark.parametrize("what", ["run", "edit"])
def test_a_body_begins_no_run_and_edits_no_thread(what: str) -> None:
    saver, others = InMemorySaver(), InMemorySaver()
    other = chain(others, x=lambda state: {"log": ["x"]})
    there: dict[str, Any] = {"configurable": {"thread_id": "other"}}

    def ask(state: Any) -> Any:
        asked = interrupt("first")
        if what == "run":
            other.invoke({"log": []}, there)
        else:
            other.update_state(there, {"log": ["edited"]}, as_node="x")
        return {"log": [asked, interrupt("second")]}

    graph = chain(saver, ask=ask)
    graph.invoke({"log": []}, CONFIG)
    graph.invoke(Command(resume="yes"), CONFIG)
    before = repr([*others.list(None)])

    (body,) = replay_check(graph, "t").bodies

    assert body.ended == "past_record"
    assert "LangGraph" in body.past_record
    assert repr([*others.list(None)]) == before


@pytest.mark.parametrize("goes_on", [True, False])
def test_a_body_that_catches_all_goes_no_further_than_its_record(goes_on: bool) -> None:
    saver = InMemorySaver()
    tasks = Tasks()

    def flow(given: Any) -> Any:
        tasks.price(1).result()
        return interrupt("q")

    entrypoint(checkpointer=saver)(flow).invoke(1, CONFIG)
    tasks.made.clear()

    async def changed(given: Any) -> Any:
        await asyncio.gather(tasks.book(7), return_exceptions=True)
        if goes_on:
            await tasks.price(7)

    changed.__name__ = "flow"
    now = entrypoint(checkpointer=saver)(changed)
    (body,) = asyncio.run(areplay_check(now, "t")).bodies

    assert body.past_record == "task 'book', call number 1 of that name"
    assert tasks.made == {}


def test_a_failing_body_is_not_tried_again() -> None:
    saver = InMemorySaver()
    tries: list[int] = []

    def ask(state: Any) -> Any:
        if tries:
            tries.append(1)
            raise OSError("down")
        return {"log": [interrupt("q")]}

    graph = StateGraph(State).add_edge(START, "ask")
    graph.add_node(ask, retry_policy=RetryPolicy(max_attempts=3, retry_on=OSError))
    graph.compile(saver).invoke({"log": []}, CONFIG)
    tries.append(0)

    with pytest.raises(NonDeterminismError, match="raised OSError") as raised:
        replay_check(graph.compile(saver), "t")

    assert isinstance(raised.value.__cause__, OSError)
    assert tries == [0, 1]


@pytest.mark.parametrize("history", [True, False])
def test_a_graph_that_a_body_has_not_called_yet_is_not_begun(history: bool) -> None:
    saver = InMemorySaver()
    ran: list[str] = []
    sub = chain(None, work=lambda state: ran.append("work"))

    def ask(state: Any) -> Any:
        return {"log": [interrupt("q")]}

    def changed(state: Any) -> Any:
        try:
            sub.invoke({"log": []})
        except Exception:  # noqa: BLE001 - a body that is too broad
            return {"log": ["failed"]}
        return {"log": [interrupt("q")]}

    chain(saver, ask=ask).invoke({"log": []}, CONFIG)

    report = replay_check(chain(saver, ask=changed), "t", history=history)

    assert report.bodies[0].past_record == "a step of graph 'LangGraph'"
    assert ran == []
