"""A run that was taken over can write nothing, whenever the takeover becomes visible."""

from __future__ import annotations

import threading
import time
from functools import partial

import pytest
from django.db import connection, transaction
from django.db.models import F

from tests.storage.commits import History, asking, task
from tests.storage.conftest import real_transactions
from tests.storage.racing import beside, together
from workflows.engine.errors import LeaseLostError, StaleResumeError, ThreadBusyError
from workflows.models import (
    ChannelValue,
    Checkpoint,
    Event,
    Interrupt,
    PendingWrite,
    Run,
    Thread,
)
from workflows.storage.saver import DjangoSaver

pytestmark = real_transactions


def everything() -> list:
    """All rows that a commit may write."""
    return [
        [*model.objects.order_by("pk").values_list()]
        for model in (Checkpoint, ChannelValue, PendingWrite, Interrupt, Event, Thread)
    ]


def begun() -> History:
    saver = DjangoSaver()
    saver.open("t", None)
    history = History(saver)
    history.commit({"a": 1, "log": ["x" * 100]})
    return history


@pytest.mark.parametrize(
    "change",
    [
        {"fence": F("fence") + 1},
        {"status": "pending"},
        {"status": "cancelled"},
    ],
)
def test_a_write_with_an_old_number_is_refused_whole(change):
    history = begun()
    ending, _ = asking("Really?")
    Run.objects.update(**change)
    before = everything()

    with pytest.raises(LeaseLostError):
        history.commit({"a": 2, "log": ["x" * 100, "y"]}, writes=[task(a=2), ending])

    assert everything() == before


@pytest.mark.rule("RA.15")
def test_a_write_during_an_uncommitted_takeover_is_refused():
    history = begun()
    before = everything()
    taken, tried = threading.Event(), threading.Event()

    def take_over() -> None:
        with transaction.atomic():
            Run.objects.update(fence=F("fence") + 1)
            taken.set()
            assert tried.wait(60)
            wait_for_a_blocked_statement()

    def write_late() -> None:
        assert taken.wait(60)
        tried.set()
        history.commit({"a": 2})

    takeover, late = beside(take_over), beside(write_late)

    assert takeover.result(120) is None
    assert isinstance(late.exception(120), LeaseLostError)
    assert everything() == before


def wait_for_a_blocked_statement() -> None:
    """On PostgreSQL return once somebody waits for a lock that we hold."""
    if connection.vendor != "postgresql":
        return  # the other one waits for the only write lock, before it reads anything
    with connection.cursor() as cursor:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            cursor.execute(
                "SELECT 1 FROM pg_locks WHERE NOT granted"
                " AND pg_backend_pid() = ANY (pg_blocking_pids(pid))"
            )
            if cursor.fetchone():
                return
    raise AssertionError("nobody waited for the takeover")


def test_a_deleted_threads_run_can_write_nothing():
    history = begun()
    DjangoSaver().delete_thread("t")

    with pytest.raises(LeaseLostError):
        history.commit({"a": 2})

    assert everything() == [[], [], [], [], [], []]


def test_one_of_twenty_openings_wins():
    saver = DjangoSaver()
    history = History(saver)
    head = history.commit({"a": 1})

    def answer() -> str:
        mine = DjangoSaver()
        place = mine.open("t", head)
        mine_history = History(mine)
        mine_history.head, mine_history.step = head, -1
        mine_history.commit({"a": 2})
        mine.close(place)
        return "won"

    answers = together([answer] * 20)

    assert answers.count("won") == 1
    assert all(
        isinstance(each, ThreadBusyError | StaleResumeError)
        for each in answers
        if each != "won"
    )
    assert Run.objects.filter(status="success").count() == 1
    assert Checkpoint.objects.count() == 2


@pytest.mark.rule("R9.7")
def test_numbers_of_events_have_no_gap_under_eight_writers():
    saver = DjangoSaver()
    saver.open("t", None)
    head = History(saver).commit({"a": 1})

    def write(number: int) -> None:
        mine = History(saver)
        mine.head = head
        for turn in range(15):
            ending, _ = asking(f"{number} {turn}", task_id=f"t{number}")
            mine.commit(writes=[task(f"w{number}-{turn}", a=turn), ending])

    answers = together([partial(write, n) for n in range(8)])

    assert answers == [None] * 8
    seqs = [*Event.objects.order_by("seq").values_list("seq", flat=True)]
    assert seqs == [*range(1, len(seqs) + 1)]
    assert Thread.objects.get().seq == len(seqs)
    assert Interrupt.objects.count() == 8


def test_a_commit_that_fails_half_way_leaves_nothing(monkeypatch):
    history = begun()
    before = everything()
    head = history.head

    # The last thing written is the events: make their number collide.
    Event.objects.create(
        thread_id="t", seq=Thread.objects.get().seq + 1, kind="x", data="{}"
    )
    before = everything()
    with pytest.raises(Exception, match=r"(?i)unique"):
        history.commit({"a": 2}, writes=[task(a=2)])

    assert everything() == before
    assert history.read().checkpoint["id"] == head


def test_deciding_and_asking_again_never_wait_for_each_other():
    history = begun()
    ending, _ = asking("Really?")
    history.commit(writes=[ending])
    head = history.head

    def ask() -> None:
        for _ in range(10):
            mine = History(history.saver)
            mine.head = head
            mine.commit(writes=[asking("Really?", name=f"n{_}")[0]])

    def decide() -> None:
        # As the services do: the thread first, then what belongs to it.
        for _ in range(10):
            with transaction.atomic():
                Thread.objects.select_for_update().get(pk="t")
                Interrupt.objects.update(version=F("version") + 1)
                Run.objects.update(priority=F("priority") + 1)

    assert together([ask, decide, ask, decide]) == [None] * 4
