"""The checks of one thread in their order, and the verdict that follows from them.

A further check is one function from a `Patient` to a `Check`, and one line in CHECKS.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime

from django.utils import timezone
from django.utils.dateformat import format as date_format

from workflows.models import Run, Thread
from workflows.services.access import Rights
from workflows.services.checkup.check import (
    FINE,
    NONE,
    STUCK,
    WAITS,
    Check,
    Checkup,
)
from workflows.services.checkup.failing import fits_code, has_failed, loses_workers
from workflows.services.checkup.locks import is_blocked
from workflows.services.checkup.patient import Patient
from workflows.services.checkup.waits import asks, awaits, sleeps
from workflows.services.checkup.work import is_led, is_queued
from workflows.services.failures import FAILED

# The verdict names the first that is stuck, so causes come before what follows from them.
CHECKS: tuple[Callable[[Patient], Check], ...] = (
    fits_code,
    loses_workers,
    has_failed,
    is_led,
    is_queued,
    sleeps,
    awaits,
    asks,
    is_blocked,
)

SHOWN = (STUCK, WAITS, FINE, NONE)
"""What tells most is read first."""


def check_up(thread: Thread, rights: Rights | None = None) -> Checkup:
    """Why the thread does not go on, as it stands now. Writes nothing.

    `rights` are those of whoever asks and has found the thread; without them nothing is offered
    and nothing left out.
    """
    patient = Patient(thread, rights)
    checks = tuple(_for(patient, check(patient)) for check in CHECKS)
    stuck = [check for check in checks if check.mark == STUCK]
    return Checkup(
        thread_id=thread.pk,
        graph=thread.graph,
        status=thread.status,
        at=patient.now,
        is_stuck=bool(stuck),
        verdict=_stuck(stuck[0]) if stuck else _well(patient, checks),
        checks=tuple(sorted(checks, key=lambda check: SHOWN.index(check.mark))),
    )


def _for(patient: Patient, check: Check) -> Check:
    """What is inside is for those who operate the workflow."""
    if patient.operates:
        return check
    return replace(check, facts=tuple(f for f in check.facts if not f.is_inner))


def _stuck(check: Check) -> str:
    text = f"It is stuck: {_inside(check.text)}"
    return f"{text} Do: {_inside(check.do)}" if check.do else text


def _well(patient: Patient, checks: Iterable[Check]) -> str:
    waits = [check for check in checks if check.mark in (WAITS, FINE)]
    what = " and for ".join(
        dict.fromkeys(check.waits_for for check in waits if check.waits_for)
    )
    ends = [check.until for check in waits if check.until is not None]
    until = f"until {_instant(min(ends))}" if ends else ""
    if what:
        latest = f", {until} at the latest" if until else ""
        return f"Nothing is wrong: it waits for {what}{latest}."
    if patient.running:
        return f"Nothing is wrong: run {patient.running.pk} is at work."
    if until:
        return f"Nothing is wrong: it sleeps {until}."
    last = patient.last
    if last is None:
        return "Nothing is wrong: it has not begun."
    if last.status == Run.Status.CANCELLED:
        return f"Nothing is wrong: it was cancelled with run {last.pk}."
    if last.status in FAILED:
        return f"It has ended: run {last.pk} failed, and what the thread had done is undone."
    return f"Nothing is wrong: it has ended with run {last.pk}."


def _inside(text: str) -> str:
    """A sentence as a part of another; names that are all capitals stay so."""
    return text if text[1:2].isupper() else text[:1].lower() + text[1:]


def _instant(moment: datetime) -> str:
    return date_format(timezone.localtime(moment), "j M Y, H:i")
