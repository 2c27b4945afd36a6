"""Runs of one event loop save together, each as if it were alone."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.db import connection, transaction

from durableweb.checkpoint.sqlite import SqliteSaver
from durableweb.errors import LeaseLostError, SerializationError, ThreadBusyError
from durableweb.types import Command, interrupt
from tests.storage.at_once import MANY, State, all_at_once, config, graph
from tests.storage.conftest import real_transactions
from workflows.models import Checkpoint, Event, Interrupt, Run, Thread
from workflows.storage.gathering import Line
from workflows.storage.saver import DjangoSaver

pytestmark = real_transactions
only_sqlite = pytest.mark.skipif("connection.vendor != 'sqlite'", reason="counts there")


@pytest.fixture(params=["dashboard", "file"])
def saver(request: Any, tmp_path: Path) -> Iterator[Any]:
    if request.param == "dashboard":
        yield DjangoSaver()
        return
    path = tmp_path / "own.sqlite3"
    with sqlite3.connect(path, check_same_thread=False) as own:
        yield SqliteSaver(own)
    own.close()


@pytest.fixture
def groups(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many went together, hop by hop."""
    found: list[int] = []
    carry_out = Line._carry_out

    def noted(line: Line, parts: Any) -> None:
        found.append(len(parts))
        carry_out(line, parts)

    monkeypatch.setattr(Line, "_carry_out", noted)
    return found


def test_many_at_once_end_as_each_would_alone(saver, groups):
    compiled = graph(saver)

    told = async_to_sync(all_at_once)(compiled)

    assert [each["n"] for each in told] == [10 * number + 3 for number in range(MANY)]
    assert sum(groups) > MANY * 5  # opening, reading, and a saving for each of five
    assert max(groups) > 1
    assert len(groups) < sum(groups) / 3
    for number in range(MANY):
        history = [*compiled.get_state_history(config(number))]
        assert [each.values.get("n") for each in history] == [
            *(10 * number + more for more in (3, 2, 1, 0)),
            None,
        ]
        assert [len(each.values.get("log", [])) for each in history] == [2, 2, 1, 0, 0]


def test_the_rows_are_those_of_runs_one_after_the_other():
    """Number for number: what is told of a thread, and which run has told it."""
    together = graph(DjangoSaver())
    async_to_sync(all_at_once)(together)
    found = {number: told_of(number) for number in range(MANY)}
    Thread.objects.all().delete()

    for number in range(MANY):
        async_to_sync(together.ainvoke)({"n": 10 * number}, config(number))

    assert found == {number: told_of(number) for number in range(MANY)}


def told_of(number: int) -> Any:
    thread = Thread.objects.get(id=f"t{number}")
    events = Event.objects.filter(thread=thread).order_by("seq")
    checkpoints = Checkpoint.objects.filter(thread=thread).order_by("id")
    assert {each.run_id for each in events} == {Run.objects.get(thread=thread).id}
    assert thread.head == checkpoints.last().id
    return (
        [(each.seq, each.kind) for each in events],
        [(each.step, each.source, each.due) for each in checkpoints],
        (thread.seq, thread.status),
        [*Run.objects.filter(thread=thread).values_list("status", "reason", "fence")],
    )


@only_sqlite
def test_together_they_wait_for_the_disk_far_less_often(commits):
    async_to_sync(all_at_once)(graph(DjangoSaver()))

    assert len(commits.levels) < MANY * 3  # alone each has five, and is taken


def test_questions_of_many_are_asked_and_answered_together(saver):
    async def ask(state: State) -> Any:
        return {"log": [interrupt(f"go on with {state['n']}?")]}

    compiled = graph(saver, ask=ask)

    asked = async_to_sync(all_at_once)(compiled)
    questions = [each["__interrupt__"][0].value for each in asked]
    assert questions == [f"go on with {10 * number + 3}?" for number in range(MANY)]
    if isinstance(saver, DjangoSaver):
        assert Interrupt.objects.filter(status="pending").count() == MANY

    told = async_to_sync(all_at_once)(compiled, Command(resume="yes"))

    assert [each["log"][-1] for each in told] == ["yes"] * MANY
    if isinstance(saver, DjangoSaver):
        assert {each.status for each in Interrupt.objects.all()} == {"resolved"}


def test_one_that_writes_what_cannot_be_saved_fails_alone(saver):
    async def odd(state: State) -> Any:
        return {"n": object() if state["n"] == 53 else 0}

    told = async_to_sync(all_at_once)(graph(saver, odd=odd))

    failed = [each for each in told if isinstance(each, BaseException)]
    assert [type(each) for each in failed] == [SerializationError]
    assert [each["n"] for each in told if isinstance(each, dict)] == [0] * (MANY - 1)


def test_one_that_has_lost_its_thread_fails_alone():
    async def lose(state: State) -> Any:
        if state["n"] == 53:
            await sync_to_async(Run.objects.filter(thread_id="t5").update)(fence=9)
        return {"n": 0}

    compiled = graph(DjangoSaver(), lose=lose)

    told = async_to_sync(all_at_once)(compiled)

    failed = [number for number, each in enumerate(told) if isinstance(each, Exception)]
    assert failed == [5]
    assert type(told[5]) is LeaseLostError
    assert compiled.get_state(config(5)).values["n"] == 53
    assert {
        compiled.get_state(config(n)).values["n"] for n in range(MANY) if n != 5
    } == {0}


def test_one_whose_row_is_there_already_fails_alone(monkeypatch):
    """Found by the database in the midst of the transaction of all: the others are saved by themselves."""
    compiled = graph(DjangoSaver())
    taken: list[str] = []

    async def spoil(state: State) -> Any:
        if state["n"] == 53:
            await sync_to_async(take_all_numbers)("t5")
            taken.append("t5")
        return {"n": 0}

    compiled = graph(DjangoSaver(), spoil=spoil)

    told = async_to_sync(all_at_once)(compiled)

    assert taken == ["t5"]
    failed = [number for number, each in enumerate(told) if isinstance(each, Exception)]
    assert failed == [5]
    values = [compiled.get_state(config(number)).values["n"] for number in range(MANY)]
    assert values == [0, 0, 0, 0, 0, 53, 0, 0, 0, 0, 0, 0]


def take_all_numbers(thread_id: str) -> None:
    """Give the events to come their numbers already, as nothing but a fault would."""
    seq = Thread.objects.get(id=thread_id).seq
    for number in range(1, 10):
        Event.objects.create(thread_id=thread_id, seq=seq + number, kind="custom")


def test_a_second_run_of_a_thread_is_refused_and_the_rest_goes_on(saver):
    slow = asyncio.Event()

    async def wait(state: State) -> Any:
        if state["n"] == 3:
            await slow.wait()
        return {}

    compiled = graph(saver, wait=wait)

    async def story() -> Any:
        first = asyncio.ensure_future(compiled.ainvoke({"n": 0}, config(0)))
        rest = asyncio.ensure_future(
            asyncio.gather(
                *(compiled.ainvoke({"n": 10}, config(n)) for n in range(1, MANY))
            )
        )
        await rest
        with pytest.raises(ThreadBusyError):
            await compiled.ainvoke({"n": 0}, config(0))
        slow.set()
        return await first, rest.result()

    first, rest = async_to_sync(story)()

    assert first["n"] == 3
    assert [each["n"] for each in rest] == [13] * (MANY - 1)


def test_inside_a_transaction_of_the_caller_all_of_it_is_his(groups):
    """What is saved is undone with what he undoes."""
    compiled = graph(DjangoSaver())

    def story() -> None:
        with transaction.atomic():
            told = async_to_sync(all_at_once)(compiled)
            assert [each["n"] for each in told] == [10 * n + 3 for n in range(MANY)]
            assert Checkpoint.objects.count() == MANY * 5
            transaction.set_rollback(True)

    story()

    assert max(groups) > 1
    assert not Checkpoint.objects.exists()
    assert not Thread.objects.exists()


def test_a_saver_whose_commit_is_somebodys_own_is_obeyed():
    noted: list[str] = []

    class Noting(DjangoSaver):
        def commit(self, commit: Any) -> None:
            noted.append(commit.thread_id)
            super().commit(commit)

        def open(self, thread_id: str, *given: Any) -> Any:
            noted.append(f"open {thread_id}")
            return super().open(thread_id, *given)

        def close(self, place: Any, *given: Any) -> None:
            noted.append(f"close {place.thread_id}")
            super().close(place, *given)

    async_to_sync(all_at_once)(graph(Noting()))

    assert noted.count("open t3") == noted.count("close t3") == 1
    assert noted.count("t3") == 5


def test_an_author_may_use_the_database_meanwhile():
    """The thread that writes is given back between two groups."""

    async def count(state: State) -> Any:
        return {"n": await Thread.objects.acount()}

    told = async_to_sync(all_at_once)(graph(DjangoSaver(), count=count))

    assert [each["n"] for each in told] == [MANY] * MANY


def test_a_run_that_is_cancelled_leaves_its_thread_free_and_the_others_alone(saver):
    begun = asyncio.Event()

    async def hang(state: State) -> Any:
        if state["n"] == 3:
            begun.set()
            await asyncio.sleep(60)
        return {}

    compiled = graph(saver, hang=hang)

    async def story() -> Any:
        first = asyncio.ensure_future(compiled.ainvoke({"n": 0}, config(0)))
        await begun.wait()
        rest = asyncio.gather(
            *(compiled.ainvoke({"n": 10}, config(n)) for n in range(1, MANY))
        )
        await asyncio.sleep(0)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        again = await compiled.ainvoke({"n": 50}, config(0))
        return again, await rest

    again, rest = async_to_sync(story)()

    assert again["n"] == 53
    assert [each["n"] for each in rest] == [13] * (MANY - 1)
    assert connection.in_atomic_block is False
