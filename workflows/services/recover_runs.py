"""Take up what nobody works on, and end what has waited or worked too long.

Runs whose worker is gone, runs nobody was woken for (RA.15); runs past their limits (RA.16).
"""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.db.models.functions import Now

from workflows.models import Run
from workflows.services import lost_runs, registry
from workflows.services.cancel_run import reopen_questions, wake_next
from workflows.services.queueing import UNKNOWN_GRAPH, lock_free_thread, wake
from workflows.storage.claims import due_runs_apart
from workflows.storage.clock_jumps import notice_jumps
from workflows.storage.dead_leases import end_overdue, release_dead_leases
from workflows.storage.events import append_events
from workflows.storage.leases import lease_seconds
from workflows.storage.outage import is_away, outage

# A younger run has most likely a delivery on its way.
OVERDUE_SECONDS = 5.0
NOT_STARTED = "The run that carried the answer was not begun in time."


def recover_runs() -> int:
    """One sweep; returns how many runs workers were woken for."""
    try:
        return _sweep()
    except Exception as error:
        if is_away(error):
            outage.note()
        raise


def _sweep() -> int:
    lost_runs.give_back()
    notice_jumps()
    released = release_dead_leases()
    _end_late_runs()
    known = registry.names()
    overdue = Run.objects.filter(
        pk__in=due_runs_apart(known),
        due_at__lt=Now() - timedelta(seconds=OVERDUE_SECONDS),
    ).values_list("pk", flat=True)
    woken = {*released, *overdue}
    with transaction.atomic():
        for run_id in sorted(woken):
            wake(run_id)
    _name_what_is_missing(known)
    return len(woken)


def _end_late_runs() -> None:
    """End runs that were not begun by `start_by`, and those that work on after their time.

    A worker is given one lease to end its run itself, as it does at a step or a check.
    """
    ended = set(end_overdue(lease_seconds()))
    late = Run.objects.filter(status=Run.Status.PENDING, start_by__lte=Now())
    for run in late:
        with transaction.atomic():
            if lock_free_thread(run.thread_id) is None:
                continue  # the next sweep finds it
            changed = Run.objects.filter(pk=run.pk, status=Run.Status.PENDING).update(
                status=Run.Status.TIMEOUT, reason="start_timeout", finished_at=Now()
            )
            if not changed:
                continue
            told = {
                "run": run.pk,
                "kind": run.kind,
                "status": Run.Status.TIMEOUT.value,
                "reason": "start_timeout",
            }
            append_events("default", run.thread_id, run.pk, [("run", told)])
            reopen_questions(run, NOT_STARTED)
        ended.add(run.pk)
    threads = Run.objects.filter(pk__in=ended).values_list("thread_id", flat=True)
    for thread_id in threads:
        with transaction.atomic():
            wake_next(thread_id)


def _name_what_is_missing(known: list[str]) -> None:
    """Say on runs that wait for a workflow nobody here knows why they wait.

    They wait, and use up no attempt, until a worker has it (P15); its claim clears the note.
    """
    waiting = Run.objects.filter(
        status=Run.Status.PENDING,
        reason="",
        due_at__lt=Now() - timedelta(seconds=OVERDUE_SECONDS),
    ).exclude(graph__in=known)
    if waiting.exists():
        waiting.update(reason=UNKNOWN_GRAPH)
