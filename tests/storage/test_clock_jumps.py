"""The clock of the database is set: nothing is taken from the living, and nothing waits for it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.utils import timezone

from tests.storage.conftest import real_transactions
from workflows.models import Event, Run, Thread
from workflows.models.interrupt import END_OF_TIME
from workflows.storage import clock_jumps
from workflows.storage.claims import due_runs
from workflows.storage.clock_jumps import ClockWatch, notice_jumps
from workflows.storage.dead_leases import release_dead_leases
from workflows.storage.events import append_events
from workflows.storage.outage import outage

pytestmark = [real_transactions, pytest.mark.rule("RA.15")]

HOUR = timedelta(hours=1)


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self, using: str) -> float:
        return time.time() + self.ahead


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[Clock]:
    found = Clock()
    monkeypatch.setattr(clock_jumps, "_seconds", found)
    yield found
    outage.forget()


@pytest.fixture
def watch(transactional_db: None, clock: Clock) -> ClockWatch:
    found = ClockWatch()
    assert notice_jumps(watch=found) == 0.0
    assert notice_jumps(watch=found) == 0.0
    return found


def run(thread_id: str, **fields: object) -> Run:
    thread = Thread.objects.create(id=thread_id, graph="g")
    made = Run.objects.create(thread=thread, graph="g", kind="start", **fields)
    append_events("default", thread_id, made.pk, [("run", {})])
    return made


def test_a_small_step_is_none(watch: ClockWatch, clock: Clock) -> None:
    clock.ahead = 0.5
    assert notice_jumps(watch=watch) == 0.0
    clock.ahead = -0.4
    assert notice_jumps(watch=watch) == 0.0


def test_ahead_by_an_hour_nothing_is_taken_from_the_living(
    watch: ClockWatch, clock: Clock
) -> None:
    # As a lease looks whose holder has not yet renewed it.
    past = timezone.now() - HOUR
    made = run("t", status="running", owner="far away", fence=1, lease_until=past)
    clock.ahead = 3600.0

    assert notice_jumps(watch=watch) == pytest.approx(3600, abs=60)
    assert release_dead_leases() == []
    assert notice_jumps(watch=watch) == 0.0

    outage.forget()  # a lease later
    assert release_dead_leases() == [made.pk]


def test_back_by_an_hour_nothing_waits_for_it(watch: ClockWatch, clock: Clock) -> None:
    soon = timezone.now() + HOUR
    made = run("made before", due_at=soon)
    Event.objects.update(created_at=soon)
    run("made for later", due_at=soon)
    held = run("held", due_at=END_OF_TIME)
    Event.objects.filter(run_id=held.pk).update(created_at=soon)
    dead = run("dead", status="running", owner="x", fence=1, lease_until=soon)
    assert due_runs() == []
    clock.ahead = -3600.0

    assert notice_jumps(watch=watch) == pytest.approx(-3600, abs=60)

    assert due_runs() == [made.pk]
    dead.refresh_from_db()
    assert dead.lease_until is not None
    assert dead.lease_until < timezone.now() + timedelta(seconds=60)


@pytest.mark.rule("RB.9")
def test_back_by_an_hour_what_was_to_wait_waits_as_long_as_it_was_to(
    watch: ClockWatch, clock: Clock
) -> None:
    now = timezone.now()
    made = run("made before", due_at=now + 3 * HOUR)
    Event.objects.update(created_at=now + HOUR)
    clock.ahead = -3600.0

    notice_jumps(watch=watch)

    made.refresh_from_db()
    assert abs(made.due_at - (now + 2 * HOUR)) < timedelta(seconds=60)


@pytest.mark.rule("RB.9")
def test_back_by_an_hour_the_window_of_a_rate_does_not_stay_shut(
    watch: ClockWatch, clock: Clock
) -> None:
    begun = run("begun", queue="q", admitted_at=timezone.now() + HOUR)
    clock.ahead = -3600.0

    notice_jumps(watch=watch)

    begun.refresh_from_db()
    assert begun.admitted_at is not None
    assert begun.admitted_at < timezone.now() + timedelta(seconds=60)


@pytest.mark.rule("RB.9")
def test_back_by_an_hour_who_stands_in_line_stays_before_all_that_come(
    watch: ClockWatch, clock: Clock
) -> None:
    soon = timezone.now() + HOUR
    place = {"queue": "q", "queued_at": soon}
    first = run("first", due_at=soon, **place)
    # Its answer is to stand where it stood.
    paused = run("paused", **place, status="interrupted")
    later = {"queue": "q", "queued_at": soon + HOUR, "due_at": soon + HOUR}
    delayed = run("delayed", **later)
    Event.objects.update(created_at=soon)
    clock.ahead = -3600.0

    notice_jumps(watch=watch)

    now = timezone.now()
    for each in (first, paused, delayed):
        each.refresh_from_db()
        assert each.queued_at is not None
    assert max(first.queued_at, paused.queued_at) <= now
    assert abs(delayed.queued_at - soon) < timedelta(seconds=60)
    assert delayed.queued_at == delayed.due_at
