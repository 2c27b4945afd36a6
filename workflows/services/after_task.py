"""Where on a thread a call of a `@task` is on record after which somebody wants to begin another one (RB.14)."""

from __future__ import annotations

from typing import NamedTuple

from django.db import DEFAULT_DB_ALIAS

from workflows.models import Thread
from workflows.services.access import Rights
from workflows.services.recorded_calls import CallsOfStep
from workflows.services.state import read_state
from workflows.services.step import goes_on
from workflows.storage import sealing
from workflows.storage.bodies import Cut, RecordedCall, calls_at, steps_with_calls

_CALLER = "fork_thread()"


class PlaceOfCall(NamedTuple):
    """The checkpoint at which the body was due, and where its record ends with the call."""

    checkpoint: str
    cut: Cut


def find_call(thread: Thread, name: str, checkpoint: str | None) -> PlaceOfCall:
    """The call of this name that was made after `checkpoint`, by default in the newest step that has one.

    Raises LookupError where there is none, ValueError where it is not clear which, or where none can be the last to stand.
    """
    steps = [checkpoint or ""]
    if checkpoint is None:
        steps = steps_with_calls(DEFAULT_DB_ALIAS, thread.pk)
    known = ""
    for each in steps:
        calls = CallsOfStep(
            calls_at(DEFAULT_DB_ALIAS, thread.pk, each, sealing.vault())
        )
        found = calls.named(name)
        if found:
            return _place(thread, name, each, calls, found)
        known = known or calls.listed()
    where = "has" if checkpoint is None else f"has after checkpoint {checkpoint!r}"
    raise LookupError(
        f"{_CALLER}: thread {thread.pk!r} {where} no call of a task {name!r} on record; "
        + (f"the newest there: {known}" if known else "there is none at all")
    )


def _place(
    thread: Thread,
    name: str,
    checkpoint: str,
    calls: CallsOfStep,
    found: list[RecordedCall],
) -> PlaceOfCall:
    if len(found) > 1:
        raise ValueError(
            f"{_CALLER}: after_task={name!r} may mean several calls of thread {thread.pk!r}: {calls.listed(found)}; "
            "name one of them"
        )
    call = found[0]
    why = ""
    if not call.has_ended:
        why = "has not ended, so it is not there to stand; name one before it"
    elif calls.is_of_handler(call):
        why = "was made by an error handler, which runs only after its node; leave after_task out"
    elif not goes_on(read_state(thread, Rights(None), checkpoint)):
        why = "undoes what was done, and is not the work of a fork"
    if why:
        raise ValueError(
            f"{_CALLER}: the call {calls.listed(found)} of thread {thread.pk!r} {why}"
        )
    return PlaceOfCall(checkpoint, calls.cut_after(call))
