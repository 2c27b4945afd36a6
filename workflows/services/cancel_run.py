"""Cancel work: what waits is cancelled at once, what runs is asked to end (RA.17, RB.8).

The request is a flag on the run's row, so it may come from any process and survives all of
them: the run's worker sees it at the end of a step or at its next beat, and where the worker
is gone the sweep ends the run instead of handing it to another.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

from django.db import DEFAULT_DB_ALIAS, transaction
from django.db.models import F, Q
from django.db.models.functions import Now

from workflows.models import Decision, Interrupt, Run
from workflows.models.run import BESIDE
from workflows.services.access import Person, Rights, by_of, find_run, require
from workflows.services.action import InvalidAnswer, NotPending, Refused
from workflows.services.desk import audit
from workflows.services.ends import note_end
from workflows.services.lines import move_up
from workflows.services.queueing import lock_thread, wake
from workflows.services.undoing import has_undo, queue_undo
from workflows.storage.admission import Line
from workflows.storage.claims import due_runs
from workflows.storage.events import append_events
from workflows.storage.leases import keeper
from workflows.storage.places import settle_cancelled
from workflows.storage.thread_status import thread_status_after
from workflows.storage.undos import NOT_UNDONE

CANCELLED_ANSWER = "The run that carried the answer was cancelled."
MODES = (Run.CancelMode.STEP, Run.CancelMode.NOW)
LIVE = (Run.Status.PENDING, Run.Status.RUNNING)
# A run that failed in one node may have asked in another, so that its thread waits.
FAILED = (Run.Status.ERROR, Run.Status.TIMEOUT)
CANCELLABLE = (*LIVE, Run.Status.INTERRUPTED, Run.Status.WAITING, *FAILED)
# What goes on with the work of a thread, while a start is work of its own.
_SAME_WORK = (Run.Kind.RESUME, Run.Kind.CONTINUE, Run.Kind.WAKE)


@dataclass(frozen=True)
class CancelRun:
    """End a run: with mode "step" after its present step, with "now" as soon as it can be.

    A queued answer is taken back, and its question asked again. Where the run is at work or
    waits for a person, the open questions of its thread are withdrawn; one that failed beside
    them keeps what it failed with.
    """

    person: Person
    run_id: int
    reason: str = ""
    mode: str = Run.CancelMode.STEP

    def check(self) -> Run:
        """The run, where this person may cancel it and it has not ended."""
        run = find_run(self.person, self.run_id)
        require(
            Rights(self.person).can_operate(run.thread.graph),
            "You may see this run but not cancel it.",
        )
        check_mode(self.mode)
        if not can_cancel(run):
            raise NotPending(f"Run {run.pk} has ended: {run.status}.", kind=run.status)
        return run

    def execute(self) -> Run:
        """Cancel it, or leave the request for the worker that holds it."""
        with transaction.atomic():
            run = find_run(self.person, self.run_id)
            lock_thread(run.thread_id)
            run = self.check()
            how = _How(self.mode, self.reason, by_of(self.person))
            if run.status == Run.Status.PENDING:
                how.cancel_pending(run)
            else:
                how.cancel_work(run)
            wake_next(run.thread_id)
            how.note(self.person, run)
            note_end(run.thread_id, cancel_thread)
            run.refresh_from_db()  # once it is committed nothing may fail any more
        return run


def may_cancel(person: Person, run_id: int) -> bool:
    """Whether a page should offer to cancel the run: it is not being ended at once already."""
    try:
        run = CancelRun(person, run_id).check()
    except Refused:
        return False
    return run.cancel_mode != Run.CancelMode.NOW


def cancel_thread(
    thread_id: str,
    *,
    reason: str = "",
    mode: str = Run.CancelMode.STEP,
    person: Person | None = None,
) -> list[int]:
    """Cancel all work of a thread, in the name of `person` or the system; returns run ids.

    What waits its turn is cancelled, what runs is asked to end, and a thread that waits for
    a person asks no more. An empty list: there was nothing to cancel, or no such thread.
    """
    check_mode(mode)
    how = _How(mode, reason, by_of(person))
    with transaction.atomic():
        runs = list(
            Run.objects.filter(thread_id=thread_id, status__in=CANCELLABLE).order_by(
                "-id"
            )
        )
        if not runs:
            return []
        lock_thread(thread_id)
        ended = []
        for run in Run.objects.filter(pk__in=[run.pk for run in runs]).order_by("-id"):
            if run.status == Run.Status.PENDING:
                how.cancel_pending(run, reopen=False)
            elif can_cancel(run):
                how.cancel_work(run)
            else:
                continue
            ended.append(run)
        for run in ended:
            how.note(person, run)
        note_end(thread_id, cancel_thread)
    return [run.pk for run in ended]


def check_mode(mode: str) -> None:
    """Raise InvalidAnswer for a mode that is none."""
    if mode not in MODES:
        raise InvalidAnswer({"mode": f"is one of {', '.join(MODES)}, not {mode!r}"})


def can_cancel(run: Run) -> bool:
    """Whether the run has not ended, or is the one whose questions its thread waits for, or whose failure left something to undo."""
    if run.status in LIVE:
        return True
    if run.status not in CANCELLABLE:
        return False
    if run.status in FAILED and not (asks(run.thread_id) or has_undo(run.thread_id)):
        return False
    later = Run.objects.filter(thread_id=run.thread_id, pk__gt=run.pk)
    waits = Q(status__in=(Run.Status.PENDING, Run.Status.CANCELLED))
    is_other_work = Q(kind=Run.Kind.START, fence__gt=0)
    is_to_undo = Q(status=Run.Status.PENDING, cancel_mode=Run.CancelMode.UNDO)
    over = later.filter(~waits | is_other_work | is_to_undo)
    return not over.exclude(kind__in=BESIDE).exists()


def asks(thread_id: str) -> bool:
    """Whether somebody is asked on the thread, or has answered what was not handed over yet."""
    return Interrupt.objects.filter(
        thread_id=thread_id,
        status__in=(Interrupt.Status.PENDING, Interrupt.Status.DECIDED),
    ).exists()


@dataclass(frozen=True)
class _How:
    """How work is to end, and on whose word; called with the thread's row locked."""

    mode: str
    reason: str
    by: str

    def cancel_pending(self, run: Run, *, reopen: bool = True) -> bool:
        """End a run that waits its turn; False where it has begun meanwhile, or is to undo."""
        if self._lets_undo(run):
            return False
        has_begun = run.fence > 0  # and was given back, or its worker has died
        if has_begun and run.cancel_mode != Run.CancelMode.UNDO:
            self._end_waiting(run)
            return False
        cancelled = Run.objects.filter(pk=run.pk, status=Run.Status.PENDING).update(
            status=Run.Status.CANCELLED,
            cancel_reason=self.reason,
            finished_at=Now(),
        )
        if not cancelled:
            return False
        self._tell(
            run,
            Run.Status.CANCELLED,
            thread_status=self._thread_status(run) if has_begun else None,
        )
        move_up(Line(run.queue, run.partition))
        if reopen:
            reopen_questions(run, CANCELLED_ANSWER)
        return True

    def cancel_work(self, run: Run) -> None:
        """Ask the running run to end, or end what waits for a person; with its answers."""
        if self._lets_undo(run):
            return
        if self.mode != Run.CancelMode.ROLLBACK:
            queued = Run.objects.filter(
                thread_id=run.thread_id,
                status=Run.Status.PENDING,
                kind__in=_SAME_WORK,
            )
            for answer in queued:
                self.cancel_pending(answer, reopen=False)
        if run.status not in LIVE:
            self._end_waiting(run)
            return
        Run.objects.filter(pk=run.pk).update(
            cancel_requested_at=Now(),
            cancel_mode=self.mode,
            cancel_reason=self.reason,
        )
        self._tell(run, run.status, cancel_requested=True, mode=self.mode)
        look = partial(keeper.look_now, DEFAULT_DB_ALIAS, run.pk)
        transaction.on_commit(look)

    def note(self, person: Person | None, run: Run) -> None:
        """Put it into the audit; last, because that makes other writers of entries wait."""
        audit.record(
            person,
            "run.cancelled",
            graph=run.thread.graph,
            thread=run.thread_id,
            subject=f"run {run.pk}",
            data={"mode": self.mode, "reason": self.reason, "was": run.status},
        )

    def _lets_undo(self, run: Run) -> bool:
        """Whether the run was cancelled before, and undoes: who says so twice means that, unless it is to stop now."""
        is_undoing = run.status in LIVE and run.cancel_mode == Run.CancelMode.UNDO
        return is_undoing and self.mode != Run.CancelMode.NOW

    def _end_waiting(self, run: Run) -> None:
        mode = self.mode
        if mode == Run.CancelMode.ROLLBACK and has_undo(run.thread_id):
            mode = Run.CancelMode.STEP  # its record says what is to be undone
        settle_cancelled(DEFAULT_DB_ALIAS, run.thread_id, run.pk, mode)
        left = queue_undo(run, self.reason, self.by)
        rows = Run.objects.filter(pk=run.pk)
        undoes = {"status": Run.Status.PENDING, "cancel_mode": Run.CancelMode.UNDO}
        if rows.filter(**undoes).exists():
            return
        rows.update(status=Run.Status.CANCELLED, cancel_reason=self.reason)
        rows.filter(finished_at=None).update(finished_at=Now())
        if left:
            rows.update(reason=NOT_UNDONE, error=left)
        status = self._thread_status(run)
        self._tell(run, Run.Status.CANCELLED, thread_status=status)
        move_up(Line(run.queue, run.partition))

    def _thread_status(self, run: Run) -> str:
        """That of the thread once the run is cancelled."""
        return thread_status_after(
            DEFAULT_DB_ALIAS, run.thread_id, Run.Status.CANCELLED
        )

    def _tell(
        self, run: Run, status: str, *, thread_status: str | None = None, **more: Any
    ) -> None:
        told = {"run": run.pk, "kind": run.kind, "by": self.by, "status": status}
        if self.reason:
            told["reason"] = self.reason
        append_events(
            DEFAULT_DB_ALIAS,
            run.thread_id,
            run.pk,
            [("run", told | more)],
            thread_status=thread_status,
        )


def make_room(thread_id: str, if_busy: str, by: str) -> None:
    """Let the work of a thread end, so that a new run may begin (RA.2).

    Called with the thread's row locked, before the new run is queued. What waits its turn is
    cancelled; what runs ends after its step, or with "rollback" at once, back to where it
    began. What has something to undo does that before, and is not taken back: its record says what was done (RB.8).
    """
    mode = Run.CancelMode.ROLLBACK if if_busy == "rollback" else Run.CancelMode.STEP
    how = _How(mode, "another run takes its place", by)
    for run in Run.objects.filter(thread_id=thread_id, status__in=LIVE).order_by("id"):
        if run.status == Run.Status.PENDING:
            how.cancel_pending(run, reopen=False)
        else:
            how.cancel_work(run)


def reopen_questions(run: Run, why: str) -> None:
    """Open the questions whose answers `run` will not hand over."""
    for decision in Decision.objects.filter(run=run).select_related("interrupt"):
        Interrupt.objects.filter(
            pk=decision.interrupt_id,
            status=Interrupt.Status.DECIDED,
            round=decision.round,
        ).update(
            status=Interrupt.Status.PENDING,
            reason=why,
            version=F("version") + 1,
            round=F("round") + 1,
        )
        row = decision.interrupt
        told = {
            "interrupt": row.pk,
            "node": row.node,
            "title": row.title,
            "status": Interrupt.Status.PENDING.value,
            "round": decision.round + 1,
        }
        append_events(DEFAULT_DB_ALIAS, run.thread_id, run.pk, [("interrupt", told)])


def wake_next(thread_id: str) -> None:
    """Wake a worker for the run of the thread that is due now, if there is one."""
    for run_id in due_runs(thread_id=thread_id):
        wake(run_id)
