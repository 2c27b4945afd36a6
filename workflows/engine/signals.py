"""Waiting for a signal: a message to a thread, sent by whoever knows its id (RB.2)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from workflows.engine.kinds import check_line, refused
from workflows.engine.loop.resume import TIMED_OUT
from workflows.engine.wait_errors import WaitTimeout
from workflows.engine.waiting import Spot, later, next_spot, seconds_of
from workflows.engine.waits import RAISE, SignalWait

LONGEST_TOPIC = 200
"""Characters."""


def wait_signal(
    topic: str, timeout: float | timedelta | None = None, default: Any = RAISE
) -> Any:
    """Wait until somebody sends this thread a signal on `topic`; returns its payload.

    The run ends as "waiting", nothing is held meanwhile, and the task goes on from its beginning, as after a
    question. Signals of a topic are taken in the order in which they were sent, each once; one that was sent before
    is there already. Works in nodes, `@task`s and entrypoints, also in coroutines. Send with
    `durableweb.durable.send_signal`, or answer by `Command(resume={wait.id: payload})`.

    After `timeout` (seconds, or a timedelta; the instant is fixed when the task first comes here) without a signal
    it returns `default`, or raises WaitTimeout where none is given. Raises RuntimeError outside a graph and without a
    checkpointer; TypeError or ValueError for a topic or a timeout that is none.
    """
    check_topic(topic, "wait_signal()")
    seconds = limit_of(timeout, "wait_signal()")
    spot = next_spot(f"signal:{topic}", "wait_signal()")
    if spot.answer is not None:
        return answer_to(spot, topic, "signal", seconds, default)
    until = spot.until or end_of(spot, seconds, "wait_signal()")
    raise spot.stop_for(
        SignalWait(spot.id, topic, until), f"waits for signal {topic!r}", "its place"
    )


def answer_to(
    spot: Spot, topic: str, kind: str, seconds: float | None, default: Any
) -> Any:
    """What a wait returns that is over: what came, else the default; raises WaitTimeout where there is none."""
    if spot.answer.digest != TIMED_OUT:
        return spot.answer.value
    if default is not RAISE:
        return default
    context = spot.context
    thread_id = context.run.thread_id
    raise WaitTimeout(topic, seconds, context.task.name, thread_id, kind)


def limit_of(timeout: Any, where: str) -> float | None:
    """A timeout in seconds; TypeError or ValueError for what is none."""
    return None if timeout is None else seconds_of(timeout, where, "timeout")


def end_of(spot: Spot, seconds: float | None, where: str) -> datetime | None:
    """The instant at which a wait is given up that begins now."""
    if seconds is None:
        return None
    instead = "leave timeout out to wait for as long as it takes"
    return later(spot.now(), seconds, where, instead)


def check_topic(topic: Any, where: str, name: str = "topic") -> None:
    """Refuse what can be no topic: TypeError for what is no text, ValueError for one that is empty, too long or unprintable."""
    wanted = f"a text of 1 to {LONGEST_TOPIC} printable characters, such as 'paid'"
    check_line(topic, where, name, wanted, LONGEST_TOPIC)
    if not topic:
        raise refused(where, name, topic, wanted, ValueError)
