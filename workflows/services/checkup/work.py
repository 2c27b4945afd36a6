"""The runs of a thread: whether one waits for a worker, and whether the worker of one lives."""

from __future__ import annotations

from workflows.models import Run
from workflows.services import queues
from workflows.services.access import Rights
from workflows.services.checkup.check import (
    FINE,
    NONE,
    STUCK,
    WAITS,
    Check,
    Fact,
    Offer,
    Way,
    capital,
)
from workflows.services.checkup.patient import Patient
from workflows.services.findings import WAIT_SECONDS
from workflows.services.lines import full_hands, may_begin
from workflows.services.move_run import NONE as NOWHERE
from workflows.services.move_run import MoveRun, places
from workflows.services.nudge_run import NudgeRun
from workflows.services.queueing import HELD
from workflows.services.release_run import ReleaseRun, is_lost
from workflows.storage.leases import lease_seconds

DEPLOY = "Deploy the workflow again under this name, or cancel the run."
RESTART = "Start the workers again with the code that is here."
DECLARE = (
    "Declare the queue again under this name, move the run to another, or cancel it."
)
# As long as it takes the sweeps to take a run from a worker that is gone.
SWEEP_SECONDS = 5.0


def is_queued(patient: Patient) -> Check:
    """A run that waits to begin: its turn, its time, or a worker."""
    name, question = "queue", "Does a run wait to begin?"
    if not patient.pending:
        return Check(name, question, NONE, "No run waits to begin.")
    due = [run for run in patient.pending if run.due_at <= patient.now]
    run = min(due or patient.pending, key=lambda each: (each.due_at, each.pk))
    facts: tuple[Fact, ...] = (
        Fact(
            f"run {run.pk}, due",
            run.due_at if run.due_at != HELD else "when it is let go",
            "run",
            run.pk,
        ),
    )
    if run.due_at == HELD:
        text = f"Run {run.pk} carries an answer, which waits for the thread's other questions."
        what = "the other questions of the thread"
        return Check(name, question, WAITS, text, "", what, None, facts)
    if not due:
        text = f"Run {run.pk} is to begin in {patient.ahead(run.due_at)}."
        return Check(name, question, WAITS, text, "", "", run.due_at, facts)
    if patient.running:
        text = f"Run {run.pk} waits its turn: run {patient.running.pk} is at work, and a thread has one at a time."
        what = f"the end of run {patient.running.pk}"
        return Check(name, question, WAITS, text, "", what, None, facts)
    return _waits_for_worker(patient, run, facts)


def _waits_for_worker(patient: Patient, run: Run, facts: tuple[Fact, ...]) -> Check:
    name, question = "queue", "Does a run wait to begin?"
    since, do = patient.since(run.due_at), f"{capital(patient.do_for_worker())}."
    ways = _cancel(patient, run)
    if not patient.worker_lives:
        text = f"Run {run.pk} has waited for a worker for {since}, and none is alive."
        return Check(name, question, STUCK, text, do, facts=facts, ways=ways)
    if run.graph not in patient.known:
        text = (
            f"Run {run.pk} has waited for {since} for a worker that knows its workflow."
        )
        return Check(name, question, STUCK, text, DEPLOY, facts=facts, ways=ways)
    if not patient.some_worker_knows(run.graph):
        text = (
            f"Run {run.pk} has waited for {since}: no worker that is alive has its workflow, "
            "though it is known here."
        )
        return Check(name, question, STUCK, text, RESTART, facts=facts, ways=ways)
    if run.queue and (run.queue in full_hands() or not may_begin(run.pk)):
        return _waits_in_line(patient, run, facts, ways)
    if not patient.is_before(run.due_at, WAIT_SECONDS):
        text = f"Run {run.pk} was told to the workers {since} ago."
        return Check(name, question, WAITS, text, "", "a worker", None, facts)
    offers = patient.offered(
        Offer(
            "nudge",
            "Tell the workers again",
            f"Puts run {run.pk} before the workers once more. It is begun once, however often they "
            "are told. Nothing else changes.",
        ),
        NudgeRun(patient.person, run.pk),
    )
    text = f"Run {run.pk} could begin, and no worker has begun it for {since}."
    return Check(name, question, STUCK, text, do, facts=facts, offers=offers, ways=ways)


def _waits_in_line(
    patient: Patient, run: Run, facts: tuple[Fact, ...], ways: tuple[Way, ...]
) -> Check:
    """A run that its queue does not let in yet (RB.9)."""
    name, question = "queue", "Does a run wait to begin?"
    known = places(run, Rights(patient.person))
    others = [(each, each or "none: begin at once") for each in known]
    offers = patient.offered(
        Offer(
            "move",
            "Move it to another queue",
            f"Run {run.pk} keeps its priority and since when it waits, and what goes on with it later "
            "stands in the new queue too. In none it begins as soon as a worker has a hand free, "
            "whatever the limits of this one are for.",
            "Queue",
            tuple(others),
        ),
        MoveRun(patient.person, run.pk, NOWHERE),
    )
    if run.queue not in queues.names():
        text = f"Run {run.pk} waits in the queue {run.queue}, which the code does not declare."
        return Check(
            name, question, STUCK, text, DECLARE, facts=facts, offers=offers, ways=ways
        )
    text = f"Run {run.pk} waits for its queue {run.queue} to let it in."
    what = f"the queue {run.queue}"
    return Check(name, question, WAITS, text, "", what, None, facts, offers, ways)


def is_led(patient: Patient) -> Check:
    """A run at work, and whether whoever holds its lease lives."""
    name, question = "lease", "Is a run at work, and does its worker live?"
    run = patient.running
    if run is None:
        return Check(name, question, NONE, "No run is at work.")
    facts = (
        Fact("run", f"{run.pk}", "run", run.pk),
        Fact("worker", run.owner or "unknown", is_inner=True),
        *((Fact("lease until", run.lease_until),) if run.lease_until else ()),
        *((Fact("began", run.started_at),) if run.started_at else ()),
    )
    ways = _cancel(patient, run)
    if is_lost(run):
        return _lost(patient, run, facts, ways)
    late = _late(patient, run)
    if late:
        return Check(name, question, STUCK, *late, facts=facts, ways=ways)
    began = f", for {patient.since(run.started_at)}" if run.started_at else ""
    text = f"Run {run.pk} is at work{began}, and its worker lives."
    return Check(name, question, FINE, text, facts=facts, ways=ways)


def _lost(
    patient: Patient, run: Run, facts: tuple[Fact, ...], ways: tuple[Way, ...]
) -> Check:
    name, question = "lease", "Is a run at work, and does its worker live?"
    offers = patient.offered(
        Offer(
            "release",
            "Take it from its worker",
            f"Gives run {run.pk} back to the queue, as any worker would by itself: another begins "
            "its present step again. What was saved stays, and a worker that comes back writes "
            "nothing any more. After too many such ends the run is parked instead.",
        ),
        ReleaseRun(patient.person, run.pk),
    )
    since = patient.since(run.lease_until)
    text = f"The worker of run {run.pk} is gone: its lease ended {since} ago."
    if run.lease_until is not None and run.lease_until > patient.now:
        text = f"The worker of run {run.pk} is gone: its process has ended."
    elif not patient.is_before(run.lease_until, SWEEP_SECONDS):
        what = "another worker to take it over"
        return Check(name, question, WAITS, text, "", what, None, facts, offers, ways)
    do = "Take it from its worker here, or by manage.py recover; workers that live do so by themselves."
    if not patient.worker_lives:
        do = f"{capital(patient.do_for_worker())}: it takes the run up by itself."
    return Check(name, question, STUCK, text, do, facts=facts, offers=offers, ways=ways)


def _late(patient: Patient, run: Run) -> tuple[str, str] | None:
    """What is wrong with a run at work that was to have ended, and what to do."""
    grace = WAIT_SECONDS + lease_seconds()
    do = (
        "Its node does not ask runtime.check(): wait, or end its worker; the run then ends as it "
        "was to."
    )
    if patient.is_before(run.deadline, grace):
        since = patient.since(run.deadline)
        return f"Run {run.pk} was to end {since} ago, and is still at work.", do
    is_now = run.cancel_mode == Run.CancelMode.NOW
    if is_now and patient.is_before(run.cancel_requested_at, grace):
        since = patient.since(run.cancel_requested_at)
        return f"Run {run.pk} was cancelled {since} ago, and is still at work.", do
    return None


def _cancel(patient: Patient, run: Run) -> tuple[Way, ...]:
    return (
        (Way(f"Cancel run {run.pk}", "run_cancel", run.pk),) if patient.operates else ()
    )
