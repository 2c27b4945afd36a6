"""What was decided: the list, and each decision with what came of it."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from django.http import HttpRequest
from ninja import Query, Router, Schema
from pydantic import Field

from workflows.api.door import operation, person_of
from workflows.api.parts import Vote
from workflows.api.shapes import NEXT, Instant, Paging, Tree, Words, number_in, page_of
from workflows.services.access import READ
from workflows.services.desk.decision_list import DecisionFilter, decision_list
from workflows.services.desk.decision_page import decision_page

router = Router(tags=["Decisions"])


class Wanted(Paging):
    """Which decisions."""

    who: Literal["mine", "team", "all"] = Field(
        "all",
        description="By the owner of the token, by whoever shares a group with them, or by anybody.",
    )
    workflow: str = Field("", max_length=200)
    kind: (
        Literal["approve", "edit", "reject", "respond", "changes", "close", "timeout"]
        | None
    ) = None
    channel: Literal["web", "bulk", "command", "timeout", "link", "api"] | None = Field(
        None, description="By which way it was made."
    )
    since: Instant | None = Field(None, description="Made then or later.")
    until: Instant | None = Field(None, description="Made before then.")


class Fork(Schema):
    """A fork on which the question was asked again."""

    who: str
    reason: str
    at: datetime
    run: int | None
    question: int | None = Field(description="Null while the run has not asked it.")
    status: str


class DecisionLine(Schema):
    """A decision as the list has it."""

    number: int
    question: int
    title: Words
    workflow: str = Field(validation_alias="graph")
    node: str
    thread_id: str
    round: int
    kind: str
    who: str
    channel: str
    reason: str
    at: datetime
    policy: list[Words] = Field(description="How it stands to the rules of its day.")
    run: int | None = Field(description="The run that went on with it.")
    outcome: str = Field(description="The status of that run.")
    undone_by: str = Field(description="Who took it back; empty for nobody.")
    is_held: bool
    is_mine: bool
    may_undo: bool
    reopened: list[Fork]
    again_of: int | None = Field(
        description="The decision whose question was asked anew here."
    )


class Decisions(Schema):
    """A page of decisions."""

    items: list[DecisionLine]
    next: str | None = Field(description=NEXT)


class WholeDecision(DecisionLine):
    """A decision with what it changed."""

    before: Tree = Field(
        description="What was proposed, and under `state` what was edited of it.",
    )
    after: Tree = Field(
        description="The same as it was sent; equal where nothing was changed.",
    )

    @staticmethod
    def resolve_before(found: Any) -> Any:
        """What was proposed."""
        return found.changes.before

    @staticmethod
    def resolve_after(found: Any) -> Any:
        """What was sent."""
        return found.changes.after


class AuditLine(Schema):
    """An entry of the audit about the question; `seal` is its link in the chain."""

    number: int
    at: datetime
    what: str
    who: str
    channel: str
    token: str = Field(
        description="With which token they came; empty for a person at a page."
    )
    seal: str


class DecisionDetail(Schema):
    """A decision with its votes and its entries in the audit."""

    decision: WholeDecision = Field(validation_alias="line")
    votes: list[Vote]
    audit: list[AuditLine]
    steps: list[str] = Field(
        description="The nodes that would run again if it were reopened."
    )
    together: list[int] = Field(description="The other questions that they ask.")
    why_not_reopen: str


@operation(
    router,
    "GET",
    "/decisions",
    READ,
    response=Decisions,
    summary="List the decisions",
)
def decisions(request: HttpRequest, wanted: Query[Wanted]) -> dict[str, Any]:
    """What was decided, the newest first. What each changed is told with it alone."""
    filters = DecisionFilter(
        scope=wanted.who,
        graph=wanted.workflow,
        kind=wanted.kind or "",
        channel=wanted.channel or "",
        since=wanted.since,
        until=wanted.until,
        before=number_in(wanted.cursor),
    )
    found = decision_list(
        person_of(request), filters, wanted.limit + 1, with_changes=False
    )
    return page_of(found, wanted.limit, lambda each: each.number)


@operation(
    router,
    "GET",
    "/decisions/{number}",
    READ,
    response=DecisionDetail,
    summary="Get a decision",
)
def decision(request: HttpRequest, number: int) -> Any:
    """One decision: what it changed, the approvals before it, what is sealed of it in the audit."""
    return decision_page(person_of(request), number)
