"""How the last run of a thread has ended, whether the code fits, and whether its workers die."""

from __future__ import annotations

from django.conf import settings

from workflows.engine.loop.identity import Stamp
from workflows.models import Checkpoint, Run, Thread
from workflows.services.cancel_run import can_cancel
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
    node_word,
)
from workflows.services.checkup.patient import Patient
from workflows.services.checkup.work import DEPLOY
from workflows.services.code_stamps import stamp_in, stamp_of
from workflows.services.continue_run import ContinueRun
from workflows.services.desk.deciding import Decider
from workflows.services.doctor import DO_PARKED
from workflows.services.failures import FAILED, kind_of
from workflows.services.state_to_edit import can_open_editor

CRASH_LOOP = "crash_loop"
# Reasons that say that the code or its keys do not fit what is saved.
CODE_REASONS = ("graph_changed", "unknown_type", "not_decrypted")


def has_failed(patient: Patient) -> Check:
    """The last run, where it failed for good, or stopped before its end."""
    name, question = "failure", "Has its last run failed?"
    run = patient.last
    if run is None:
        return Check(name, question, NONE, "It has no run yet.")
    if patient.is_at_work:
        return Check(name, question, NONE, "A run has not ended yet.")
    if run.status in FAILED:
        return _failed(patient, run)
    is_paused = patient.thread.status == Thread.Status.INTERRUPTED
    if run.status == Run.Status.INTERRUPTED and is_paused and not patient.questions:
        text = f"Run {run.pk} stopped at a breakpoint."
        what = "somebody to go on from the breakpoint"
        offers = _go_on(patient)
        return Check(name, question, WAITS, text, "", what, None, (), offers)
    if run.status == Run.Status.CANCELLED:
        text = f"No: run {run.pk} was cancelled."
        return Check(
            name, question, FINE, text, facts=_ended(run), offers=_go_on(patient)
        )
    return Check(
        name, question, FINE, f"No: run {run.pk} ended well.", facts=_ended(run)
    )


def _failed(patient: Patient, run: Run) -> Check:
    where = f" in {node_word(run.error_node)}" if run.error_node else ""
    tries = f", at attempt {run.error_attempt}" if run.error_attempt else ""
    if run.status == Run.Status.TIMEOUT:
        text = f"Run {run.pk} was ended at its limit of time{where}."
    else:
        text = f"Run {run.pk} failed{where}{tries}: {kind_of(run)}."
    if patient.is_undone:
        text = f"{text[:-1]}, and what the thread had done is undone."
        return Check(
            "failure", "Has its last run failed?", FINE, text, facts=_ended(run)
        )
    facts = (
        *_ended(run),
        *((Fact("reason", run.reason),) if run.reason else ()),
    )
    do = "Mend the cause, then go on: finished steps are not repeated."
    if run.reason in DO_PARKED:
        do = f"{capital(DO_PARKED[run.reason])}."
    offers = _go_on(patient)
    if patient.questions:
        do = "Answer what it asks beside, or cancel it; then mend the cause and go on."
    return Check(
        "failure",
        "Has its last run failed?",
        STUCK,
        text,
        do,
        facts=facts,
        offers=offers,
        ways=_ways(patient, run),
    )


def _ways(patient: Patient, run: Run) -> tuple[Way, ...]:
    """The state may be mended, and what a failed run has begun beside may be ended."""
    if patient.rights is None or not patient.operates:
        return ()
    thread, decider = patient.thread, Decider(patient.person, patient.rights)
    ways: tuple[Way, ...] = ()
    if can_open_editor(decider, thread):
        ways += (Way("Edit the state", "thread_state", thread.pk),)
    if can_cancel(run):
        ways += (Way(f"Cancel run {run.pk}", "run_cancel", run.pk),)
    return ways


def _ended(run: Run) -> tuple[Fact, ...]:
    at = (Fact("ended", run.finished_at),) if run.finished_at else ()
    return (Fact("run", f"{run.pk}", "run", run.pk), *at)


def _go_on(patient: Patient) -> tuple[Offer, ...]:
    return patient.offered(
        Offer(
            "continue",
            "Go on",
            "Queues a run that goes on from the last finished step. What has finished is not "
            "done again; what failed begins again.",
        ),
        ContinueRun(patient.person, patient.thread.pk),
    )


def fits_code(patient: Patient) -> Check:
    """Whether the code is the one that has saved the thread, and fits it."""
    name, question = "code", "Does the code stand in its way?"
    run, graph = patient.last, patient.thread.graph
    facts: tuple[Fact, ...] = (Fact("workflow", graph or "unknown"),)
    if graph not in patient.known:
        text = f"The workflow “{graph}” is not registered here."
        is_over = patient.thread.status == Thread.Status.IDLE and not patient.is_at_work
        return Check(
            name, question, NONE if is_over else STUCK, text, DEPLOY, facts=facts
        )
    saved, now = _saved(patient.thread), stamp_of(graph)
    if saved is not None:
        facts += (Fact("saved by code", _short(saved)),)
    if now is not None:
        facts += (Fact("code here", _short(now)),)
    ended = run is not None and run.status in FAILED and not patient.is_at_work
    if run is not None and ended and run.reason in CODE_REASONS:
        text = f"Run {run.pk} was given up: {run.reason}."
        do = f"{capital(DO_PARKED[run.reason])}."
        return Check(name, question, STUCK, text, do, facts=facts)
    if saved is None or now is None:
        return Check(
            name, question, NONE, "Nothing is saved yet that it could not fit."
        )
    if saved.is_same_code(now):
        return Check(
            name, question, FINE, "The code is the one that has saved it.", facts=facts
        )
    text = "The code has changed since it was saved; the next run goes on with the present one, unless that refuses it."
    return Check(name, question, FINE, text, facts=(*facts, *_changes(saved, now)))


def _changes(saved: Stamp, now: Stamp) -> tuple[Fact, ...]:
    return tuple(Fact("differs", line) for line in saved.difference(now)[:5])


def _saved(thread: Thread) -> Stamp | None:
    rows = Checkpoint.objects.filter(thread=thread, namespace="", id=thread.head)
    return stamp_in(rows.values_list("metadata", flat=True).first() or "")


def _short(stamp: Stamp) -> str:
    print_of = stamp.fingerprint[:12] or "unknown"
    return f"{print_of}, version {stamp.version}" if stamp.version else print_of


def loses_workers(patient: Patient) -> Check:
    """Whether its workers have died, and whether it was parked for that."""
    name, question = "crashes", "Have its workers died?"
    run = patient.running or next(iter(patient.pending), patient.last)
    if run is None or not run.recoveries:
        return Check(name, question, FINE, "No worker of its last run has died.")
    times = "once" if run.recoveries == 1 else f"{run.recoveries} times"
    most = settings.MAX_RECOVERIES
    facts = (Fact("recoveries", f"{run.recoveries} of {most}", "run", run.pk),)
    if run.reason == CRASH_LOOP and not patient.is_at_work:
        text = f"Run {run.pk} was parked: its worker died {run.recoveries + 1} times."
        do = f"{capital(DO_PARKED[CRASH_LOOP])}."
        return Check(name, question, STUCK, text, do, facts=facts)
    text = f"The worker of run {run.pk} died {times}; beyond {most} the run is parked."
    return Check(name, question, FINE, text, facts=facts)
