"""Answers that are held until every open question of their thread is answered.

A held decision is made: nobody else can answer its question. Its run is due at the end of
time, and whoever answers the last open question lets them all go, in the order in which they
were made. The sweep does it where the last question went away by itself.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from workflows.models import Decision, Interrupt, Run
from workflows.services.queueing import HELD, lock_free_thread, wake
from workflows.storage.clock import database_now

AT_ONCE = 100


def is_held(start_at: datetime | None) -> bool:
    """Whether a decision with this start waits for the thread's other questions."""
    return start_at == HELD


def has_others(row: Interrupt) -> bool:
    """Whether the thread has other open questions than this one."""
    return _open(row.thread_id).exclude(pk=row.pk).exists()


def release(thread_id: str, start_at: datetime | None = None) -> int:
    """Let the held answers of a thread go, at `start_at` or at once; returns how many.

    Called with the thread's row locked. Does nothing while a question is open.
    """
    held = Run.objects.filter(
        thread_id=thread_id, status=Run.Status.PENDING, due_at=HELD
    ).order_by("id")
    numbers = list(held.values_list("pk", "priority"))
    if not numbers or _open(thread_id).exists():
        return 0
    due_at = start_at or database_now()
    runs = [number for number, _ in numbers]
    Decision.objects.filter(run__in=runs).update(start_at=due_at)
    Run.objects.filter(pk__in=runs).update(due_at=due_at)
    for number, priority in numbers:
        wake(number, start_at, priority)
    return len(runs)


def release_forgotten() -> int:
    """Let go what is held for questions that nobody asks any more; returns how many."""
    open_ones = Interrupt.objects.filter(
        thread_id=OuterRef("thread_id"), status=Interrupt.Status.PENDING
    )
    threads = (
        Run.objects.filter(~Exists(open_ones), status=Run.Status.PENDING, due_at=HELD)
        .values_list("thread_id", flat=True)
        .distinct()
    )
    released = 0
    for thread_id in list(threads[:AT_ONCE]):
        with transaction.atomic():
            if lock_free_thread(thread_id) is not None:
                released += release(thread_id)
    return released


def _open(thread_id: str) -> QuerySet[Interrupt]:
    return Interrupt.objects.filter(
        thread_id=thread_id, status=Interrupt.Status.PENDING
    )
