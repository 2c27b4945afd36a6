"""The state of a thread now and after each of its steps."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import HttpRequest
from ninja import Query, Router, Schema
from pydantic import Field

from workflows.api.door import operation, person_of
from workflows.api.parts import Label, State
from workflows.api.shapes import NEXT, Paging, ThreadId, page_of, place_in
from workflows.services.access import READ
from workflows.services.step import step_detail
from workflows.services.step_list import state_at, step_list

router = Router(tags=["Threads"])
LONGEST = 100


class StateAsked(Schema):
    """Which state, and how much of it."""

    checkpoint: str = Field(
        "", max_length=LONGEST, description="After which step; the newest by default."
    )
    whole: list[str] = Field(
        [], max_length=50, description="The fields whose values are not to be cut."
    )


class StepLine(Schema):
    """A step as the history has it."""

    checkpoint: str
    parent: str = Field(description="The checkpoint before it; empty for none.")
    step: int = Field(validation_alias="number")
    source: str = Field(description="What made it: input, loop, update or fork.")
    run: int | None
    at: datetime
    labels: list[str]
    is_head: bool


class Steps(Schema):
    """A page of steps."""

    items: list[StepLine]
    next: str | None = Field(description=NEXT)


class StepDetail(Schema):
    """A step with the state after it."""

    checkpoint: str
    step: int = Field(validation_alias="number")
    source: str
    at: datetime
    state: State
    labels: list[Label]
    is_head: bool
    may_label: bool
    may_fork: bool
    is_undone_since: bool = Field(
        description="Whether the thread had done something until then that was undone later."
    )


@operation(
    router,
    "GET",
    "/threads/{thread_id}/state",
    READ,
    response=State,
    summary="Get the state of a thread",
)
def state(request: HttpRequest, thread_id: ThreadId, asked: Query[StateAsked]) -> Any:
    """The fields of the state, now or after the step of a checkpoint.

    Secret fields are masked unless the token has the scope `secrets` and its owner may read
    them; that is noted in the audit. Long values are cut, but for the fields that `whole` names.
    """
    person = person_of(request)
    return state_at(person, thread_id, asked.checkpoint, frozenset(asked.whole))


@operation(
    router,
    "GET",
    "/threads/{thread_id}/steps",
    READ,
    response=Steps,
    summary="List the steps of a thread",
)
def steps(
    request: HttpRequest, thread_id: ThreadId, wanted: Query[Paging]
) -> dict[str, Any]:
    """The steps that are kept of a thread, the newest first."""
    found = step_list(
        person_of(request),
        thread_id,
        limit=wanted.limit + 1,
        before=place_in(wanted.cursor, lambda text: len(text) <= LONGEST),
    )
    return page_of(found, wanted.limit, lambda each: each.checkpoint)


@operation(
    router,
    "GET",
    "/threads/{thread_id}/steps/{checkpoint}",
    READ,
    response=StepDetail,
    summary="Get a step",
)
def step(request: HttpRequest, thread_id: ThreadId, checkpoint: str) -> Any:
    """One step with the state after it, its labels, and what may be done with it."""
    return step_detail(person_of(request), thread_id, checkpoint)
