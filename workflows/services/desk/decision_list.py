"""The decisions of this site, newest first, for the page and for export."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from workflows.models import Decision
from workflows.services.access import Person, Rights
from workflows.services.desk.undo_decision import may_take_back
from workflows.services.review_queue import graph_title

MAX_PAGE = 200
COLUMNS = (
    *("number", "question", "title", "workflow", "thread", "step", "round"),
    *("decision", "by", "channel", "reason", "at", "undone_by", "run", "outcome"),
)
# A cell that begins with one of these is a formula to a spreadsheet.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True)
class DecisionFilter:
    """What to list: of one person, workflow, kind; before a decision's number."""

    mine: bool = False
    graph: str = ""
    kind: str = ""
    before: int | None = None


@dataclass(frozen=True)
class DecisionLine:
    """One decision in the list; `outcome` is the status of the run that went on with it."""

    number: int
    question: int
    title: str
    graph: str
    graph_title: str
    node: str
    thread_id: str
    round: int
    kind: str
    who: str
    channel: str
    reason: str
    at: datetime
    undone_by: str
    run: int | None
    outcome: str
    may_undo: bool


def decision_list(
    person: Person,
    wanted: DecisionFilter,
    limit: int = 50,
    rights: Rights | None = None,
) -> list[DecisionLine]:
    """One page of decisions on questions that the person may see."""
    rights = rights or Rights(person)
    rows = _rows(person, wanted, rights)[: max(1, min(limit, MAX_PAGE))]
    return [_line(row, rights) for row in rows]


def as_csv(person: Person, wanted: DecisionFilter) -> Iterator[str]:
    """All of them as CSV, line by line; no cell is a formula to a spreadsheet."""
    yield _csv_line(COLUMNS)
    for row in _rows(person, wanted, Rights(person)).iterator(chunk_size=500):
        yield _csv_line([neutral(str(cell)) for cell in _record(row).values()])


def as_json_lines(person: Person, wanted: DecisionFilter) -> Iterator[str]:
    """All of them as JSON, one object a line."""
    for row in _rows(person, wanted, Rights(person)).iterator(chunk_size=500):
        yield json.dumps(_record(row), ensure_ascii=False) + "\n"


def neutral(cell: str) -> str:
    """A cell that a spreadsheet takes for text, whatever it begins with."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def _rows(person: Person, wanted: DecisionFilter, rights: Rights) -> QuerySet[Decision]:
    rows = rights.limit(Decision.objects.all(), "interrupt__thread__graph")
    if wanted.mine:
        rows = rows.filter(person=person.pk)
    if wanted.graph:
        rows = rows.filter(interrupt__thread__graph=wanted.graph)
    if wanted.kind:
        rows = rows.filter(kind=wanted.kind)
    if wanted.before is not None:
        rows = rows.filter(pk__lt=wanted.before)
    return rows.select_related("interrupt__thread", "run", "undo").order_by("-id")


def _line(row: Decision, rights: Rights) -> DecisionLine:
    question = row.interrupt
    undo = getattr(row, "undo", None)
    return DecisionLine(
        number=row.pk,
        question=question.pk,
        title=question.title,
        graph=question.thread.graph,
        graph_title=graph_title(question.thread.graph),
        node=question.node,
        thread_id=question.thread_id,
        round=row.round,
        kind=row.kind,
        who=row.person_name or "system",
        channel=row.channel,
        reason=row.reason,
        at=row.created_at,
        undone_by=undo.person_name if undo else "",
        run=row.run_id,
        outcome=row.run.status if row.run else "",
        may_undo=may_take_back(row, rights),
    )


def _record(row: Decision) -> dict[str, Any]:
    question = row.interrupt
    undo = getattr(row, "undo", None)
    values = (
        *(row.pk, question.pk, question.title, question.thread.graph),
        *(question.thread_id, question.node, row.round, row.kind),
        *(row.person_name or "system", row.channel, row.reason),
        *(row.created_at.isoformat(), undo.person_name if undo else ""),
        *(row.run_id, row.run.status if row.run else ""),
    )
    return dict(zip(COLUMNS, values, strict=True))


def _csv_line(cells: Any) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="\r\n").writerow(cells)
    return line.getvalue()
