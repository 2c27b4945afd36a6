"""Whose turn it is on a thread: one run at a time, and what a new one does about it (RA.2).

"reject" refuses while work is running or waits its turn; "enqueue" lets the new run wait
behind it, first come, first served; "interrupt" lets the running one end after its step;
"rollback" ends it and goes back to the checkpoint where it began.
"""

from __future__ import annotations

from typing import Any

from workflows.engine.errors import ThreadBusyError
from workflows.engine.runtime import current
from workflows.models import Run, Thread
from workflows.services.access import Person, by_of
from workflows.services.action import InvalidAnswer, ThreadBusy
from workflows.services.cancel_run import make_room
from workflows.services.queueing import has_unfinished_run

IF_BUSY = ("reject", "enqueue", "interrupt", "rollback")


def check_if_busy(if_busy: str) -> None:
    """Raise InvalidAnswer for a word that is none of IF_BUSY."""
    if if_busy not in IF_BUSY:
        raise InvalidAnswer(
            {"if_busy": f"is one of {', '.join(IF_BUSY)}, not {if_busy!r}"}
        )


def take_turn(thread: Thread, if_busy: str, person: Person | None) -> bool:
    """Make way for a new run of the thread, whose row is locked; whether it was busy.

    Raises ThreadBusy, and ThreadBusyError in a task of this very thread: such a run would
    wait for the task that waits for it.
    """
    refuse_own_thread(thread.pk)
    if not has_unfinished_run(thread.pk):
        return False
    if if_busy == "reject":
        raise ThreadBusy(
            f"Thread {thread.pk} has a run that has not ended; start again when it has, "
            "or on another thread, or with if_busy='enqueue'."
        )
    if if_busy != "enqueue":
        make_room(thread.pk, if_busy, by_of(person))
    return True


def refuse_own_thread(thread_id: str) -> None:
    """Raise ThreadBusyError in a task of the thread, whatever `if_busy` says."""
    context: Any = current.get()
    run = context.run if context is not None else None
    while run is not None:
        if run.thread_id == thread_id:
            raise ThreadBusyError(
                str(run.run_id or _running(thread_id)), thread_id=thread_id
            )
        run = run.outer


def _running(thread_id: str) -> int | None:
    found = Run.objects.filter(thread_id=thread_id, status=Run.Status.RUNNING)
    return found.values_list("pk", flat=True).first()
