"""Waiting for the first of several: answers, signals, events, ends of threads, and times (RB.4)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from workflows.engine import ids
from workflows.engine.checkpoint.base import Asked
from workflows.engine.children import check_thread_id, returned_by
from workflows.engine.errors import GraphInterrupt
from workflows.engine.events import beginning, checked_event, payload_of
from workflows.engine.kinds import refused
from workflows.engine.loop.forking import origin_here
from workflows.engine.loop.resume import WITHDRAWN, question_digest
from workflows.engine.response_schemas import describe
from workflows.engine.runtime import LONGEST_QUESTION, check_question, task_context
from workflows.engine.signals import check_topic
from workflows.engine.types import Interrupt
from workflows.engine.waiting import Spot, later, seconds_of
from workflows.engine.waits import ChildWait, EventWait, SignalWait, Sleep, Wait

_CALLER = "first_of()"


class Candidate(Protocol):
    """A wait that has not begun. It is made by `ask`, `signal`, `event`, `timer` or `ending`, and begun by `first_of`."""

    def what(self) -> str:
        """Its part of the name of its place in the body."""

    def begin(self, spot: Spot) -> Asked:
        """What is waited for from now on."""

    def answer(self, spot: Spot) -> Any:
        """How it has ended, an `Answer`; None while it has not."""

    def value(self, found: Any) -> Any:
        """What it came to."""


class _Waits:
    """What candidates have in common that ask nobody."""

    def answer(self, spot: Spot) -> Any:
        return spot.answer

    def value(self, found: Any) -> Any:
        return found


@dataclass(frozen=True)
class _Ask:
    question: Any
    key: str | None
    schema: Any
    policy: Mapping[str, Any] | None

    def what(self) -> str:
        return "ask" if self.key is None else f"ask {self.key}"

    def begin(self, spot: Spot) -> Asked:
        question = Interrupt(self.question, spot.id)
        describe(question, self.schema)
        digest = question_digest(self.question) or ""
        return Asked(question, spot.number, self.key, digest, self.policy)

    def answer(self, spot: Spot) -> Any:
        return spot.context.answer_to(spot.id, self.question, self.schema)

    def value(self, found: Any) -> Any:
        return found


@dataclass(frozen=True)
class _Signal(_Waits):
    topic: str

    def what(self) -> str:
        return f"signal:{self.topic}"

    def begin(self, spot: Spot) -> Asked:
        return spot.asked(SignalWait(spot.id, self.topic))


@dataclass(frozen=True)
class _Event(_Waits):
    name: str
    key: str
    where: dict[str, Any] | None
    since: str | datetime

    def what(self) -> str:
        return f"event:{self.name}:{self.key}"

    def begin(self, spot: Spot) -> Asked:
        since = beginning(spot, self.since)
        return spot.asked(EventWait(spot.id, self.name, self.key, self.where, since))

    def value(self, found: Any) -> Any:
        return payload_of(found)


@dataclass(frozen=True)
class _Timer(_Waits):
    seconds: float

    def what(self) -> str:
        return "timer"

    def begin(self, spot: Spot) -> Asked:
        instead = "leave it out to wait for as long as it takes"
        until = later(spot.now(), self.seconds, "timer()", instead)
        return spot.asked(Sleep(spot.id, until))


@dataclass(frozen=True)
class _Ending(_Waits):
    thread_id: str

    def what(self) -> str:
        return f"end:{self.thread_id}"

    def begin(self, spot: Spot) -> Asked:
        return spot.asked(ChildWait(spot.id, self.thread_id))

    def value(self, found: Any) -> Any:
        return returned_by(self.thread_id, found)


def ask(
    value: Any,
    *,
    key: str | None = None,
    response_schema: Any = None,
    policy: Mapping[str, Any] | None = None,
) -> Candidate:
    """An `interrupt(...)` for `first_of`: its value is the answer."""
    check_question(key, response_schema, policy)
    return _Ask(value, key, response_schema, policy)


def signal(topic: str) -> Candidate:
    """A `wait_signal(topic)` for `first_of`: its value is the payload."""
    check_topic(topic, "signal()")
    return _Signal(topic)


def event(
    name: str,
    *,
    key: str = "",
    where: Mapping[str, Any] | None = None,
    since: str | datetime = "wait",
) -> Candidate:
    """A `wait_event(name, ...)` for `first_of`: its value is the payload."""
    return _Event(name, key, checked_event(name, key, where, since), since)


def timer(duration: float | timedelta) -> Candidate:
    """So many seconds, or a timedelta, for `first_of`: its value is True, or False where somebody has woken the thread."""
    return _Timer(seconds_of(duration, "timer()", "duration"))


def ending(thread: Any) -> Candidate:
    """The end of a thread, a `Child` or an id, for `first_of`: its value is what it returned, or ChildFailed is raised."""
    thread_id = getattr(thread, "thread_id", thread)
    check_thread_id(thread_id, "ending()")
    return _Ending(thread_id)


def first_of(*waits: Candidate) -> tuple[int, Any]:
    """Wait for the first of several: its number among them, from 0, and what it came to.

    `first_of(ask("Pay?"), signal("cancelled"), timer(3600))` asks a person, and takes the question back when the order
    is cancelled or an hour is over. All begin together when the task first comes here; with the first that is
    over the others are withdrawn: a signal that comes later stays in the mailbox, a question takes no answer any more. Of several that
    are found over at once the one that stands first counts. The run ends meanwhile, and the task goes on from its
    beginning, as after a question.

    Raises RuntimeError outside a graph and without a checkpointer, TypeError for what is no wait, ValueError for none.
    """
    _check(waits)
    context: Any = task_context(_CALLER)
    context.meet_stop()
    group = f"first {context.task.count_wait('first')}"
    spots = [
        Spot(context, f"{group}: {each.what()}", number)
        for number, each in enumerate(waits)
    ]
    for number, (each, spot) in enumerate(zip(waits, spots, strict=True)):
        answer = each.answer(spot)
        if answer is not None and answer.digest != WITHDRAWN:
            return number, each.value(answer.value)
    raise _begun(context, group, waits, spots)


def _begun(
    context: Any, group: str, waits: tuple[Candidate, ...], spots: list[Spot]
) -> GraphInterrupt:
    """What ends the body here; what was begun before stays as it was fixed then. A question is due by the first timer."""
    spots[0].check_is_kept("waits for the first of several", "their places")
    asked = [each.begin(spot) for each, spot in zip(waits, spots, strict=True)]
    timers = [each.seconds for each in waits if isinstance(each, _Timer)]
    limit = min(timers, default=math.inf)
    for each, spot in zip(asked, spots, strict=True):
        each.interrupt = spot.kept or each.interrupt
        if limit <= LONGEST_QUESTION and not isinstance(each.interrupt, Wait):
            each.policy = {"due": max(1, math.ceil(limit)), **(each.policy or {})}
        origin = origin_here(context.task)
        each.interrupt.group = ids.interrupt_id(origin, group)
    task = context.task
    task.asked = (*task.asked, *asked)
    found = tuple(each.interrupt for each in asked)
    task.note_asking(found)
    return GraphInterrupt(found)


def _check(waits: tuple[Any, ...]) -> None:
    wanted = "ask(...), signal(...), event(...), timer(...) or ending(...)"
    if not waits:
        raise ValueError(f"{_CALLER}: there is nothing to wait for; give {wanted}")
    for number, each in enumerate(waits):
        if not isinstance(each, _Ask | _Waits):
            raise refused(_CALLER, f"number {number}", each, wanted)
