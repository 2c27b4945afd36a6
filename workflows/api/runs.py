"""Runs: the list of them, and each with its input."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from django.http import HttpRequest
from ninja import Query, Router, Schema
from pydantic import Field

from workflows.api.door import operation, person_of
from workflows.api.parts import RunLine
from workflows.api.shapes import NEXT, Paging, Tree, number_in, page_of
from workflows.services.access import READ
from workflows.services.cancel_run import may_cancel
from workflows.services.thread_history import run_list, run_record_of

router = Router(tags=["Runs"])


class RunFilter(Paging):
    """Which runs."""

    workflow: str = Field("", max_length=200)
    status: (
        Literal[
            "pending",
            "running",
            "success",
            "error",
            "interrupted",
            "waiting",
            "timeout",
            "cancelled",
            "attention",
            "due",
            "lost",
        ]
        | None
    ) = Field(
        None,
        description="Also `attention` (it failed for a reason that settings or code mend), "
        "`due` (a worker is to begin it) and `lost` (its worker is gone).",
    )
    queue: str = Field("", max_length=200)
    failure: str = Field(
        "",
        max_length=200,
        description="How it failed: the name of an exception, or the word of a reason.",
    )
    node: str = Field("", max_length=200, description="Where it failed.")


class Runs(Schema):
    """A page of runs."""

    items: list[RunLine]
    next: str | None = Field(description=NEXT)


class Line(Schema):
    """Where a run stands in the line of its queue."""

    queue: str
    partition: str
    is_known: bool = Field(description="Whether the code declares the queue.")
    slots: int | None = Field(
        description="How many may be at work; null for any number."
    )
    busy: int
    before: int = Field(description="How many runs come first.")
    opens: datetime | None = Field(
        description="When its rate lets a start begin again."
    )


class Heartbeat(Schema):
    """What a task said last of its progress."""

    node: str
    details: Tree
    at: datetime


class RunDetail(RunLine):
    """A run with its input; the traceback is for those who operate the workflow."""

    input: Tree = Field(description="That of a start; secret fields are masked.")
    traceback: str
    heartbeats: list[Heartbeat]
    line: Line | None
    is_undoing: bool = Field(
        description="Whether it was cancelled, and undoes what its thread has done."
    )
    may_cancel: bool = False


@operation(router, "GET", "/runs", READ, response=Runs, summary="List the runs")
def runs(request: HttpRequest, wanted: Query[RunFilter]) -> dict[str, Any]:
    """Runs, the newest first."""
    found = run_list(
        person_of(request),
        graph=wanted.workflow or None,
        status=wanted.status,
        failure=wanted.failure,
        node=wanted.node,
        queue=wanted.queue or None,
        limit=wanted.limit + 1,
        before=number_in(wanted.cursor),
    )
    return page_of(found, wanted.limit, lambda each: each.id)


@operation(
    router, "GET", "/runs/{run_id}", READ, response=RunDetail, summary="Get a run"
)
def run(request: HttpRequest, run_id: int) -> Any:
    """One run. What it has done is told by the events of its thread."""
    person = person_of(request)
    found = RunDetail.from_orm(run_record_of(person, run_id, with_input=True))
    found.may_cancel = may_cancel(person, run_id)
    return found
