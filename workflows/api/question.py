"""One question as a program reads it to decide it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from ninja import Schema
from pydantic import Field

from workflows.api.parts import State, Vote
from workflows.api.shapes import Tree, Words


class Card(Schema):
    """One proposed call, which is decided by itself where `has_cards`."""

    name: Words
    args: Tree
    description: Words
    kinds: list[str] = Field(description="What may be decided about it.")


class Claim(Schema):
    """Who is at work on a question, until when."""

    who: str
    until: datetime
    is_mine: bool


class Comment(Schema):
    """A remark on a question."""

    number: int
    who: str
    text: str
    at: datetime


class Sibling(Schema):
    """Another question of the same thread."""

    number: int
    title: Words
    node: str
    status: str
    asked_at: datetime


class Answered(Schema):
    """A decision on the question."""

    number: int
    round: int
    kind: str
    who: str
    reason: str
    at: datetime
    answer: Tree = Field(description="What the workflow was given.")
    original: Tree = Field(description="What it had asked.")
    edits: Tree = Field(
        description="What was changed of the state; secrets are masked."
    )
    run: int | None
    checkpoint: str
    is_held: bool = Field(
        description="Whether its run waits for the other questions of the thread."
    )


class QuestionDetail(Schema):
    """A question with all that its page shows."""

    number: int
    title: Words
    question: Words = Field(description="What it asks, in a sentence.")
    status: str = Field(
        description="pending; decided, resolved, superseded, withdrawn or expired."
    )
    shape: str = Field(
        description="schema, tool_approval, batch, inbox or plain: what its answer is."
    )
    kinds: list[str] = Field(description="The decisions that it takes.")
    payload: Tree = Field(description="What the workflow asked.")
    proposed: Tree = Field(
        description="The part of it that may be edited with approval."
    )
    response_schema: dict[str, Any] | None = Field(
        validation_alias="schema", description="JSON Schema of the answer, if any."
    )
    cards: list[Card]
    has_cards: bool = Field(description="Whether each card is decided by itself.")
    is_cut: bool = Field(description="Whether the payload is told in part only.")
    problem: str = Field(description="Why it cannot be read.")
    workflow: str = Field(validation_alias="graph")
    node: str
    thread_id: str
    thread_title: str
    thread_status: str
    run: int | None
    version: int = Field(description="Goes back with the decision.")
    round: int = Field(description="How often it was asked; goes back as well.")
    checkpoint: str = Field(description="That of the state; goes back with edits.")
    asked_at: datetime
    due_at: datetime | None
    ends_at: datetime | None = Field(
        description="When it is given up without an answer."
    )
    snoozed_until: datetime | None = Field(description="Until when it was put off.")
    priority: int
    assignee: str
    group: str
    started_by: str
    state: State
    siblings: list[Sibling]
    decision: Answered | None = Field(description="That of this round.")
    earlier: list[Answered] = Field(description="Those of the rounds before.")
    refusal: Words = Field(description="Why the answer before did not fit.")
    claim: Claim | None
    votes: list[Vote] = Field(description="The approvals of this round.")
    needed: int = Field(description="How many approvals it takes.")
    policy: Words = Field(description="Its rules in words.")
    reasons: list[str] = Field(description="The reasons from which one is chosen.")
    close_ends_run: bool = Field(
        description="Whether closing it without an answer ends its run."
    )
    comments: list[Comment]
    may_decide: bool
    why_not: str = Field(description="Why the token may not decide it.")
    may_edit: bool
    may_arrange: bool
    may_undo: bool
    seq: int = Field(description="The number of the last event that this tells of.")
