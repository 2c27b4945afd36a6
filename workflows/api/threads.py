"""Threads: the list of them, and each without its state and its events."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from django.http import HttpRequest
from ninja import Query, Router, Schema
from pydantic import Field

from workflows.api.door import operation, person_of
from workflows.api.parts import Label, QuestionLine, RunLine
from workflows.api.shapes import (
    NEXT,
    Paging,
    ThreadId,
    Tree,
    page_of,
    place_in,
)
from workflows.services.access import READ
from workflows.services.action import InvalidAnswer
from workflows.services.thread_attributes import attribute_values
from workflows.services.thread_history import thread_outline
from workflows.services.thread_list import is_cursor, thread_list
from workflows.services.where import WhereError

router = Router(tags=["Threads"])


class ThreadFilter(Paging):
    """Which threads."""

    workflow: str = Field("", max_length=200, description="Those of one workflow.")
    status: (
        Literal["idle", "busy", "interrupted", "waiting", "error", "late"] | None
    ) = Field(
        None, description="`late`: those that were to go on by themselves and did not."
    )
    where: str = Field(
        "",
        description="What attributes and fields must be: `amount > 100 and status = "
        "'interrupted'`.",
    )


class Awaited(Schema):
    """Something that is waited for: a signal, an event, or the end of a thread."""

    kind: str = Field(description="signal, event or child.")
    name: str = Field(description="The topic; of a child its thread's id.")
    key: str = Field(description="That of the event, as far as known.")


class ThreadLine(Schema):
    """A thread as the list has it."""

    id: str
    title: str
    workflow: str = Field(validation_alias="graph")
    status: str = Field(
        validation_alias="by_itself",
        description="idle, busy, interrupted (it asks a person), waiting or error.",
    )
    outcome: str = Field(
        validation_alias="status",
        description="How its last run ended, while nothing goes on; else the status.",
    )
    changed_at: datetime = Field(description="When the status came.")
    questions: int = Field(description="How many questions are open.")
    wake_at: datetime | None = Field(description="When it goes on by itself.")
    is_late: bool = Field(description="Whether it was to wake some time ago.")
    awaits: list[Awaited]

    @staticmethod
    def resolve_awaits(found: Any) -> list[Any]:
        """What is waited for, without its kinds."""
        return [each for alike in found.awaits for each in alike.all]


class Threads(Schema):
    """A page of threads."""

    items: list[ThreadLine]
    next: str | None = Field(description=NEXT)


class Waiter(Schema):
    """A node that waits for signals, events or threads."""

    node: str = Field(description="Empty where what happened does not tell which.")
    until: datetime | None
    awaits: list[Awaited]


class Sleep(Schema):
    """What a thread waits for besides people."""

    until: datetime | None = Field(description="When the first goes on by itself.")
    nodes: list[str] = Field(description="Those that sleep.")
    waiters: list[Waiter]
    is_all: bool = Field(description="Whether nobody is asked beside it.")
    is_late: bool
    is_in_line: bool = Field(description="Whether it waits for its queue by now.")


class Child(Schema):
    """A thread that this one has started."""

    id: str
    started_at: datetime
    at_end: str = Field(description="What becomes of it when this thread ends.")


class Family(Schema):
    """The newest threads that it has started, and those that have started it."""

    children: list[Child]
    children_count: int
    parents: list[str]
    parents_count: int


class Signal(Schema):
    """A signal that nobody has taken yet."""

    topic: str
    who: str
    at: datetime
    payload: Tree
    problem: str


class ThreadDetail(Schema):
    """A thread without its state and its events."""

    id: str
    title: str
    workflow: str = Field(validation_alias="graph")
    status: str = Field(description="idle, busy, interrupted, waiting or error.")
    checkpoint: str = Field(validation_alias="head", description="The newest one.")
    seq: int = Field(description="The number of its last event.")
    by: str = Field(description="Who began it.")
    created_at: datetime
    updated_at: datetime
    runs: list[RunLine] = Field(description="The newest 50, the newest first.")
    questions: list[QuestionLine] = Field(description="Those that are open.")
    labels: list[Label]
    attributes: dict[str, Any]
    sleep: Sleep | None
    signals: list[Signal] = Field(description="The oldest that nobody has taken.")
    signals_count: int
    family: Family
    may_continue: bool
    may_wake: bool
    may_signal: bool
    may_edit: bool
    may_cancel: bool

    @staticmethod
    def resolve_attributes(found: Any) -> dict[str, Any]:
        """The attributes as values, where a page has parts of a text."""
        return attribute_values(found.id)


@operation(
    router, "GET", "/threads", READ, response=Threads, summary="List the threads"
)
def threads(request: HttpRequest, wanted: Query[ThreadFilter]) -> dict[str, Any]:
    """Threads, the one whose status changed last first."""
    try:
        found = thread_list(
            person_of(request),
            graph=wanted.workflow or None,
            status=wanted.status,
            where=wanted.where,
            limit=wanted.limit + 1,
            after=place_in(wanted.cursor, is_cursor),
        )
    except WhereError as error:
        text = f"at character {error.position + 1}: {error.reason}"
        raise InvalidAnswer({"query.where": text}) from error
    return page_of(found, wanted.limit, lambda each: each.cursor)


@operation(
    router,
    "GET",
    "/threads/{thread_id}",
    READ,
    response=ThreadDetail,
    summary="Get a thread",
)
def thread(request: HttpRequest, thread_id: ThreadId) -> Any:
    """How a thread stands: its runs, open questions, labels and attributes, what it waits for, and what may be done.

    Its state, its steps and its events have addresses of their own.
    """
    return thread_outline(person_of(request), thread_id)
