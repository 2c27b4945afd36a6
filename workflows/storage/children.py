"""Threads that tasks of others have started or wait for: which have ended, and whom that makes due (RB.5)."""

from __future__ import annotations

from django.db.models import Exists, OuterRef, QuerySet

from workflows.models import Awaited, Run, Thread
from workflows.storage.clock import database_now
from workflows.storage.thread_status import PAUSED

_UNFINISHED = (Run.Status.PENDING, Run.Status.RUNNING)
_ENDED = (Thread.Status.IDLE, Thread.Status.ERROR)


def has_ended(using: str, thread_id: str) -> bool:
    """Whether nothing is at work, due or asked on the thread; so it is where there is no such thread."""
    rows = Thread.objects.using(using).filter(pk=thread_id)
    return not going_on(rows).exists()


def going_on(rows: QuerySet[Thread]) -> QuerySet[Thread]:
    """Those of the rows on which something is at work, due or asked."""
    works = Run.objects.filter(thread=OuterRef("pk"), status__in=_UNFINISHED)
    return rows.exclude(~Exists(works), status__in=_ENDED)


def wake_for_children(using: str, thread_id: str) -> bool:
    """Make a thread due now where a thread has ended that a task of it waits for; whether one has.

    Called by who holds the thread's row.
    """
    if not _met(using).filter(thread_id=thread_id).exists():
        return False
    threads = Thread.objects.using(using).filter(pk=thread_id)
    return bool(threads.update(wake_at=database_now(using)))


def threads_waiting_for_end(using: str, child_id: str) -> list[str]:
    """The ids of the threads with a task that waits for the end of this one, in order."""
    rows = Awaited.objects.using(using).filter(kind="child", topic=child_id)
    return sorted(set(rows.values_list("thread_id", flat=True)))


def threads_not_told_of_ends(using: str) -> list[str]:
    """The ids of threads that are not due and wait for one that has ended: nobody told them."""
    rows = _met(using).filter(thread__status__in=PAUSED)
    rows = rows.exclude(thread__wake_at__lte=database_now(using))
    return sorted(set(rows.values_list("thread_id", flat=True)))


def _met(using: str) -> QuerySet[Awaited]:
    threads = Thread.objects.using(using).filter(pk=OuterRef("topic"))
    rows = Awaited.objects.using(using).filter(kind="child")
    return rows.filter(~Exists(going_on(threads)))
