"""The queue of open questions."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from django.http import HttpRequest
from ninja import Query, Router, Schema
from pydantic import AfterValidator, Field

from workflows.api.door import operation, person_of
from workflows.api.parts import QuestionLine
from workflows.api.question import QuestionDetail
from workflows.api.shapes import NEXT, Paging, page_of, place_in
from workflows.services.access import DECIDE, READ
from workflows.services.desk.deciding import Decider
from workflows.services.desk.queue_fields import read_field
from workflows.services.desk.queue_view import (
    LONGEST,
    MOST_FIELDS,
    WHO,
    QueueView,
    cursor_of,
    is_cursor,
    page,
)
from workflows.services.review_item import review_item
from workflows.services.review_queue import queue_items

router = Router(tags=["Questions"])


def _whose(text: str) -> str:
    if text and text not in WHO and not re.fullmatch("@.+", text, re.DOTALL):
        raise ValueError(f"{text!r} is none of {', '.join(WHO)} or @name")
    return text


def _fields(texts: list[str]) -> list[str]:
    if len(texts) > MOST_FIELDS or any(len(text) > LONGEST for text in texts):
        raise ValueError(f"at most {MOST_FIELDS}, of {LONGEST} characters each")
    problem = next(filter(None, (read_field(text).problem for text in texts)), "")
    if problem:
        raise ValueError(problem)
    return texts


class QueueFilter(Paging):
    """Which open questions, in which order."""

    workflow: str = Field("", max_length=200, description="Those of one workflow.")
    node: str = Field("", max_length=LONGEST, description="Those of one step of it.")
    who: Annotated[str, AfterValidator(_whose)] = Field(
        "",
        max_length=LONGEST,
        description="`me`, `mine` (also those of nobody and of my groups), `nobody`, "
        "`claimed`, or `@name` for somebody's.",
    )
    group: str = Field("", max_length=LONGEST, description="Those given to a group.")
    due: Literal["overdue", "soon", "today", "week", "none"] | None = None
    q: str = Field(
        "", max_length=LONGEST, description="Words of the title, or a number."
    )
    age: int = Field(
        0, ge=0, lt=10**9, description="They have waited for so many seconds at least."
    )
    put_off: bool = Field(False, description="Those that were put off, not the others.")
    field: Annotated[list[str], AfterValidator(_fields)] = Field(
        [],
        description="What a field must be: `payload.amount > 500`, `state.city = Rome`.",
    )
    sort: Literal["age", "due", "priority"] = Field("age", description="What is first.")

    def view(self) -> QueueView:
        """The same as the queue knows it."""
        return QueueView(
            graph=self.workflow,
            node=self.node,
            who=self.who,
            group=self.group,
            due=self.due or "",
            text=self.q.strip(),
            age=self.age,
            snoozed=self.put_off,
            fields=tuple(map(read_field, self.field)),
            sort=self.sort,
        )


class Questions(Schema):
    """A page of open questions."""

    items: list[QuestionLine]
    next: str | None = Field(description=NEXT)


@operation(
    router,
    "GET",
    "/questions",
    READ,
    response=Questions,
    summary="List the open questions",
)
def questions(request: HttpRequest, wanted: Query[QueueFilter]) -> dict[str, Any]:
    """The queue: questions that wait for an answer, the one that has waited longest first.

    Those that somebody has put off are left out, unless they are asked for.
    """
    person, sort = person_of(request), wanted.sort
    decider = Decider(person)
    after = place_in(wanted.cursor, lambda text: is_cursor(text, sort))
    rows = wanted.view().rows(person, decider.rights)
    found = page(rows, sort, after, wanted.limit + 1)
    lines = page_of(found, wanted.limit, lambda row: cursor_of(row, sort))
    return {**lines, "items": queue_items(lines["items"], decider)}


@operation(
    router,
    "GET",
    "/questions/{number}",
    READ,
    response=QuestionDetail,
    summary="Get a question",
)
def question(request: HttpRequest, number: int) -> Any:
    """All that is needed to decide a question, open or not.

    Its `version` and `round` go back with the decision. That secret fields of the state were
    seen is noted in the audit.
    """
    person = person_of(request)
    decider = Decider(person)
    found = QuestionDetail.from_orm(review_item(person, number, decider))
    found.may_arrange &= decider.rights.allows(DECIDE)
    return found
