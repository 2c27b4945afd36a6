"""The workflows of this site."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from ninja import Router, Schema
from pydantic import Field

from workflows.api.door import operation, person_of
from workflows.api.shapes import WorkflowName
from workflows.services.access import READ
from workflows.services.workflow_list import workflow_detail, workflow_list

router = Router(tags=["Workflows"])


class WorkflowLine(Schema):
    """A workflow, and what the token may do with it."""

    name: str
    title: str
    description: str
    may_start: bool
    may_decide: bool = Field(
        description="Whether its questions are put to the owner; rules may say more of one."
    )
    may_edit: bool = Field(description="Whether the state of any thread may be edited.")


class Workflows(Schema):
    """All workflows that may be seen, by title."""

    items: list[WorkflowLine]


class WorkflowDetail(WorkflowLine):
    """A workflow with what it takes."""

    input_schema: dict[str, Any] | None = Field(
        description="JSON Schema of the input; null where it cannot be described, and for "
        "those who do not start the workflow."
    )
    editable: list[str] = Field(description="The fields of the state that people edit.")
    updates: list[str] = Field(description="The updates that its threads answer.")
    queue: str = Field(description="The queue of its starts; empty for none.")


@operation(
    router,
    "GET",
    "/workflows",
    READ,
    response=Workflows,
    summary="List the workflows",
)
def workflows(request: HttpRequest) -> dict[str, Any]:
    """The workflows that the owner of the token may see. Hidden ones, which only code starts, are not among them."""
    return {"items": workflow_list(person_of(request))}


@operation(
    router,
    "GET",
    "/workflows/{name}",
    READ,
    response=WorkflowDetail,
    summary="Get a workflow",
)
def workflow(request: HttpRequest, name: WorkflowName) -> Any:
    """One workflow with the schema of its input, by which a start is checked."""
    return workflow_detail(person_of(request), name)
