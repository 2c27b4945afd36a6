"""Waiting for another thread to end: a child, which has a history and a worker of its own (RB.5)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from workflows.engine.kinds import check_text, refused
from workflows.engine.signals import answer_to, end_of, limit_of
from workflows.engine.wait_errors import ChildFailed
from workflows.engine.waiting import next_spot
from workflows.engine.waits import RAISE, ChildEnded, ChildWait

_CALLER = "Child.result()"
LONGEST_ID = 200
"""Characters."""


def result_of(
    thread_id: str, timeout: float | timedelta | None = None, default: Any = RAISE
) -> Any:
    """Wait until the thread has ended; returns what its workflow returned (see `services.children.Child`)."""
    check_thread_id(thread_id, _CALLER)
    seconds = limit_of(timeout, _CALLER)
    spot = next_spot(f"result:{thread_id}", _CALLER)
    if spot.answer is not None:
        return returned_by(
            thread_id, answer_to(spot, thread_id, "child", seconds, default)
        )
    if thread_id == spot.context.run.thread_id:
        wanted = "the id of another thread: a task cannot wait for the end of its own"
        raise refused(_CALLER, "thread_id", thread_id, wanted, ValueError)
    until = spot.until or end_of(spot, seconds, _CALLER)
    raise spot.stop_for(
        ChildWait(spot.id, thread_id, until),
        f"waits for thread {thread_id!r}",
        "its place",
    )


def returned_by(thread_id: str, found: Any) -> Any:
    """What a thread has returned with whose end a wait is answered; raises ChildFailed where it has not."""
    if not isinstance(found, ChildEnded):
        return found
    if found.error is not None:
        raise ChildFailed(thread_id, found.error)
    return found.value


def check_thread_id(thread_id: Any, where: str) -> None:
    """Refuse what can be no thread's id: TypeError for what is no text, ValueError for one that is empty or too long."""
    wanted = f"the id of a thread, a text of 1 to {LONGEST_ID} characters"
    check_text(thread_id, where, "thread_id", wanted)
    if not 0 < len(thread_id) <= LONGEST_ID:
        raise refused(where, "thread_id", thread_id, wanted, ValueError)
