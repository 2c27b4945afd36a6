"""NOTIFY goes out at once, and together where much happens."""

from __future__ import annotations

import threading

import pytest
from django.db import OperationalError, connections, transaction

from workflows.live import announce
from workflows.live.announce import NotifyAnnouncer


class Noting(NotifyAnnouncer):
    """Notes what it would send, and in which thread."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[tuple[list[str], bool]] = []
        self.fails = False

    def _send(self, news: list[str]) -> None:
        if self.fails:
            raise OperationalError("away")
        here = threading.current_thread().name != "durableweb-notify"
        self.sent.append((news, here))


class Clock:
    """Stands while a test announces; whoever sleeps goes on when it is told to."""

    def __init__(self) -> None:
        self.now = 0.0
        self.goes = threading.Event()

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        assert self.goes.wait(60)
        self.now += seconds


def settled(clock: Clock) -> None:
    """Let time pass, and wait until nobody sends any more."""
    clock.goes.set()
    for thread in threading.enumerate():
        if thread.name == "durableweb-notify":
            thread.join(60)


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(announce, "time", clock)
    return clock


@pytest.mark.django_db(transaction=True)
def test_the_first_is_sent_at_once_and_what_follows_together(clock):
    announcer = Noting()

    for seq in range(1, 6):
        announcer.announce("a", seq)
    announcer.announce("b c", 1)
    settled(clock)

    assert announcer.sent == [(["a 1"], True), (["a 5", "b c 1"], False)]
    assert not announcer._is_sending


@pytest.mark.django_db(transaction=True)
def test_a_number_that_comes_late_does_not_hide_a_newer_one(clock):
    announcer = Noting()

    for seq in (1, 7, 6):
        announcer.announce("a", seq)
    settled(clock)

    assert announcer.sent[1:] == [(["a 7"], False)]


@pytest.mark.django_db(transaction=True)
def test_after_a_failure_the_next_are_sent(caplog, clock):
    announcer = Noting()
    announcer.fails = True
    announcer.announce("a", 1)
    announcer.announce("a", 2)
    settled(clock)
    announcer.fails = False

    announcer._sent_at = float("-inf")
    announcer.announce("a", 3)

    assert announcer.sent == [(["a 3"], True)]
    assert caplog.text.count("the poll will find them") == 2


@pytest.mark.django_db(transaction=True)
def test_inside_a_transaction_it_goes_with_it():
    announcer = Noting()
    announcer.announce("a", 1)

    with transaction.atomic():
        announcer.announce("a", 2)

    assert announcer.sent == [(["a 1"], True), (["a 2"], True)]


@pytest.mark.django_db(transaction=True)
def test_what_is_sent_is_heard(clock):
    wrapper = connections["default"]
    if wrapper.vendor != "postgresql":
        pytest.skip("there is no NOTIFY on SQLite")
    wrapper.ensure_connection()
    wrapper.connection.execute(f"LISTEN {announce.NOTIFY_CHANNEL}")
    announcer = NotifyAnnouncer()

    for number in (1, 2, 3):
        announcer.announce("a thread", number)
        announcer.announce("it's", number)
    settled(clock)

    heard = [n.payload for n in wrapper.connection.notifies(timeout=60, stop_after=3)]
    wrapper.connection.execute("UNLISTEN *")
    assert heard == ["a thread 1", "it's 3", "a thread 3"]
