"""Parts that several answers have: runs, open questions, states, votes."""

from __future__ import annotations

from datetime import datetime

from ninja import Schema
from pydantic import Field

from workflows.api.shapes import Tree, Words


class RunLine(Schema):
    """A run as a list has it."""

    id: int
    thread_id: str
    thread_title: str
    workflow: str = Field(validation_alias="graph")
    kind: str = Field(description="What began it: start, resume, continue, wake ...")
    status: str = Field(
        description="pending, running, success, error, interrupted (it asks a person), "
        "waiting, timeout or cancelled."
    )
    reason: str = Field(description="A word for what stopped it; empty for nothing.")
    by: str = Field(description="Who began it.")
    queue: str
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    not_before: datetime | None = Field(
        description="When a start is due that was to wait."
    )
    start_by: datetime | None = Field(
        description="When it is given up unless it has begun."
    )
    deadline: datetime | None = Field(
        description="When it is given up if still at work."
    )
    recoveries: int = Field(description="How often it was taken over by a worker.")
    error: str
    error_node: str
    error_attempt: int | None
    warnings: str
    cancel_requested: bool
    cancel_mode: str
    cancel_reason: str


class QuestionLine(Schema):
    """An open question as the queue has it."""

    number: int
    title: Words
    workflow: str = Field(validation_alias="graph")
    node: str
    thread_id: str
    thread_title: str
    status: str
    version: int = Field(description="Goes back with the decision.")
    round: int = Field(description="How often it was asked; goes back as well.")
    asked_at: datetime
    due_at: datetime | None
    is_overdue: bool
    is_put_off: bool
    priority: int
    assignee: str
    group: str
    claimed_by: str = Field(description="Who is at work on it; empty for nobody.")
    is_mine: bool = Field(description="Whether the owner of the token has claimed it.")
    may_decide: bool
    refusal: Words = Field(
        validation_alias="reason", description="Why the answer before did not fit."
    )


class StateField(Schema):
    """A field of the state."""

    name: str
    value: Tree = Field(validation_alias="tree")
    is_masked: bool = Field(
        description="Whether it is secret, and its value is not told."
    )
    is_editable: bool
    is_cut: bool = Field(description="Whether the value is told in part only.")
    problem: str = Field(description="Why it cannot be read.")


class State(Schema):
    """The state of a thread after a step."""

    checkpoint: str = Field(description="Empty before the first step.")
    step: int | None
    fields: list[StateField]
    next: list[str] = Field(description="The nodes that are due after it.")
    is_undoing: bool = Field(description="Whether nothing is left but to undo.")
    is_undone: bool
    problem: str = Field(description="Why it cannot be read.")


class Label(Schema):
    """A name that somebody gave a step."""

    text: str
    checkpoint: str
    namespace: str = Field(
        description="The place of a graph below; empty for the thread itself."
    )
    step: int | None
    who: str = Field(description="Empty for a program.")
    at: datetime


class Vote(Schema):
    """An approval of a question that needs several."""

    who: str
    at: datetime
    is_mine: bool
