"""A question that is met again: is it the one that was answered, until when is it asked, and what if nobody answers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from workflows.engine.checkpoint.overriding import clock_of
from workflows.engine.drivers.threads import off_the_loop
from workflows.engine.loop.resume import question_digest
from workflows.engine.wait_errors import InterruptTimeout
from workflows.engine.waits import RAISE, Limit


def end_of(context: Any, question_id: str, limit: Limit) -> datetime:
    """When the question is given up; what was fixed when it was first asked stays."""
    run = context.run
    kept = run.waits.get(question_id)
    if kept is not None and kept.until is not None:
        found: datetime = kept.until
        return found
    now: datetime = off_the_loop(clock_of(run.saver))
    return (now + timedelta(seconds=limit.seconds)).astimezone(UTC)


def given_up(context: Any, value: Any, limit: Limit | None) -> Any:
    """What the task gets for a question that was given up; InterruptTimeout where it has nothing for that."""
    if limit is not None and limit.instead is not RAISE:
        return limit.instead
    seconds = None if limit is None else limit.seconds
    raise InterruptTimeout(
        str(value), seconds, context.task.name, context.run.thread_id
    )


def still_asks(context: Any, value: Any, digest: str | None, question_id: str) -> bool:
    """Whether this is the question that was answered, or may pass for it (R5.6)."""
    run = context.run
    mode = run.settings.get("question_changed", "warn")
    if digest is None or mode == "off" or question_digest(value) == digest:
        return True
    text = (
        f"thread {run.thread_id!r}: {context.task.name!r} now asks {value!r}, which "
        "is not the question that was answered"
    )
    if mode == "error":
        if run.rehearsal is not None:
            run.rehearsal.differs(text)
        raise RuntimeError(text)
    if run.warn is not None:
        run.warn(text)
    if mode != "ask":
        return True
    context.driver.refuse(run, question_id)
    return False
