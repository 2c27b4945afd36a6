"""What operations answer that have done something, and the keys with which they are sent again."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from ninja import Schema
from pydantic import Field

from workflows.models import Run
from workflows.services.in_line import not_before
from workflows.services.keys import check_start_key

KEY = "header.Idempotency-Key"


class RunMade(Schema):
    """A run as it stands now."""

    id: int
    thread_id: str
    workflow: str
    kind: str
    status: str
    queue: str
    priority: int
    created_at: datetime
    not_before: datetime | None = Field(
        description="When a start is due that was to wait."
    )
    cancel_requested: bool


class Forked(Schema):
    """A thread that begins with the history of another one."""

    thread_id: str
    run: int | None = Field(
        description="What goes on there; null where nothing was left to do."
    )


class SignalSent(Schema):
    """Whether it was kept."""

    is_new: bool = Field(description="False where one with its key was sent before.")


class UpdateDone(Schema):
    """What the handler of an update has given as its result."""

    result: Any
    is_cut: bool = Field(description="Parts of it were too long to be sent.")


class StateEdited(Schema):
    """The state as it was saved."""

    checkpoint: str
    questions: list[int] = Field(
        description="The open questions, which are asked again on the new state."
    )


class FieldEffect(Schema):
    """One channel whose value would change; of one that may not be read, only that it does."""

    name: str
    before: Any
    after: Any
    is_new: bool
    is_masked: bool
    is_cut: bool
    problem: str


class Tasks(Schema):
    """Tasks of one node."""

    node: str
    count: int


class Consequences(Schema):
    """What would follow from saving an edit."""

    fields: list[FieldEffect]
    again: list[Tasks] = Field(description="Would run again, though they have run.")
    fresh: list[Tasks] = Field(description="Would be due that are not now.")
    waiting: list[Tasks] = Field(description="Would wait as they do.")
    finished: list[Tasks] = Field(description="Have run, and stand.")
    dropped: list[Tasks] = Field(description="Would not be due any more.")
    calls_kept: list[Tasks] = Field(description="Calls whose results stand.")
    calls_lost: list[Tasks] = Field(description="Calls that would be made again.")
    questions: list[int] = Field(description="Would be asked again.")
    over: list[int] = Field(description="Would not be asked any more.")
    code_changed: list[str]
    warnings: list[str]
    refusal: str = Field(description="Why the engine would refuse to go on.")
    problem: str = Field(description="Why this cannot be done at all.")
    is_end: bool = Field(description="Nothing would be due any more.")


class Effect(Schema):
    """What an edit would do; nothing was written."""

    alone: Consequences = Field(description="Where it is saved alone.")
    resumed: Consequences | None = Field(
        description="Where its question is answered in the same step; null without one."
    )
    faults: dict[str, str] = Field(description="What is wrong, by channel.")


class DecisionMade(Schema):
    """A decision that counts."""

    number: int
    question: int
    round: int
    kind: str
    who: str
    reason: str
    channel: str
    at: datetime
    thread_id: str
    run: int | None = Field(
        description="What hands the answer over; null where the work ends instead."
    )
    is_held: bool = Field(
        description="It waits for the answers to the thread's other questions."
    )
    undo_until: datetime | None = Field(
        description="Until then it can be taken back; null where it is final at once, or held."
    )


class VoteCast(Schema):
    """An approval of a question that waits for more people."""

    question: int
    round: int
    kind: str
    who: str
    at: datetime
    votes: int = Field(description="So many there are.")
    needed: int = Field(description="So many it takes.")


class Claimed(Schema):
    """Who is at work on a question."""

    question: int
    claimed_by: str = Field(description="A user name; empty for nobody.")
    claimed_until: datetime | None


class Commented(Schema):
    """A remark on a question."""

    number: int
    question: int
    who: str
    text: str
    at: datetime


class Arranged(Schema):
    """Who should answer a question, and by when."""

    question: int
    assignee: str
    group: str
    snooze_until: datetime | None
    due_at: datetime | None
    priority: int


class Reopened(Schema):
    """A question that waits again."""

    question: int
    version: int
    round: int
    status: str


class Triggered(Schema):
    """What a schedule has started now, or lets wait."""

    schedule: str
    status: str
    thread_id: str
    run: int | None = Field(description="Null where it waits for a former one.")
    at: datetime


class Paused(Schema):
    """How a schedule stands."""

    schedule: str
    is_paused: bool


def run_made(run: Run) -> RunMade:
    """A run as it stands now."""
    return RunMade(
        id=run.pk,
        thread_id=run.thread_id,
        workflow=run.graph,
        kind=run.kind,
        status=run.status,
        queue=run.queue,
        priority=run.priority,
        created_at=run.created_at,
        not_before=not_before(run),
        cancel_requested=run.cancel_requested_at is not None,
    )


def check_idempotency_key(key: str | None) -> None:
    """Raise InvalidAnswer for what can be no key."""
    check_start_key(KEY, key)


def below(place: str, path: str) -> str:
    """The place of something in a part of the body: `input.amount`."""
    return f"{place}.{path}" if path else place
