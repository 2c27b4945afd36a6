"""Keep the tables from growing without end: what a thread may forget, and when (RA.10).

Every thread keeps its newest checkpoints and all that carry a decision, an open question, a
label or a fork. A thread that has been finished for a time keeps its head, its decisions and
its labels. What streams were told (`custom` and `messages` events) goes first. Each thread is
one small transaction; one with a run at work is left for the next time.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now

from workflows.engine.errors import ThreadBusyError
from workflows.models import Thread
from workflows.storage.clock import machine_now
from workflows.storage.prune import Pruned, prune_thread

log = logging.getLogger(__name__)

BATCH = 5_000


@dataclass(frozen=True)
class Retention:
    """What is kept; None means for ever."""

    checkpoints: int | None = 200
    finished_days: float | None = 30.0
    chunk_days: float | None = 7.0

    @classmethod
    def of_settings(cls) -> Retention:
        """As the settings RETENTION_... say; 0 switches a part off."""
        return cls(
            settings.RETENTION_CHECKPOINTS or None,
            settings.RETENTION_FINISHED_DAYS or None,
            settings.RETENTION_CHUNK_DAYS or None,
        )


@dataclass(frozen=True)
class PrunedThread:
    """What one thread has lost, or would lose; `busy` names the run that was in the way."""

    thread_id: str
    pruned: Pruned = field(default_factory=Pruned)
    busy: str = ""


def due_threads(policy: Retention) -> QuerySet[Thread]:
    """Threads of which something may have become superfluous since they were looked at."""
    since = Q(pruned_at__isnull=True) | Q(pruned_at__lt=F("updated_at"))
    for days in (policy.finished_days, policy.chunk_days):
        if days is not None:
            past = timedelta(days=days)
            since |= Q(
                updated_at__lt=Now() - past, pruned_at__lt=F("updated_at") + past
            )
    return Thread.objects.filter(since).exclude(status=Thread.Status.BUSY)


def apply_retention(
    policy: Retention | None = None, *, limit: int = BATCH
) -> tuple[int, Pruned]:
    """Prune up to `limit` threads that are due, those first that were not seen for longest.

    Returns how many threads were looked at, and what went from all of them.
    """
    policy = policy or Retention.of_settings()
    rows = due_threads(policy).order_by(F("pruned_at").asc(nulls_first=True), "pk")
    looked, checkpoints, events = 0, 0, 0
    for found in prune_each(rows[:limit], policy):
        looked += 1
        checkpoints += found.pruned.checkpoints
        events += found.pruned.events
    if checkpoints or events:
        log.info("retention removed %s checkpoints and %s events", checkpoints, events)
    return looked, Pruned(checkpoints, events)


def prune_each(
    rows: QuerySet[Thread], policy: Retention, *, dry_run: bool = False
) -> Iterator[PrunedThread]:
    """Prune one thread after the other; with `dry_run` only tell what would go."""
    for thread in list(rows.only("pk", "status", "updated_at")):
        seen_at = machine_now()
        try:
            pruned = _prune(thread, policy, seen_at, dry_run)
        except ThreadBusyError as error:
            yield PrunedThread(thread.pk, busy=error.run_id)
            continue
        if not dry_run:
            Thread.objects.filter(pk=thread.pk).update(pruned_at=seen_at)
        yield PrunedThread(thread.pk, pruned)


def _prune(thread: Thread, policy: Retention, now: datetime, dry_run: bool) -> Pruned:
    is_finished = (
        policy.finished_days is not None
        and thread.status == Thread.Status.IDLE
        and thread.updated_at < now - timedelta(days=policy.finished_days)
    )
    chunks_before = None
    if policy.chunk_days is not None:
        chunks_before = now - timedelta(days=policy.chunk_days)
    return prune_thread(
        thread.pk,
        keep=1 if is_finished else policy.checkpoints,
        forks=not is_finished,
        chunks_before=chunks_before,
        dry_run=dry_run,
    )
