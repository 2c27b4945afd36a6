"""The decisions of a filter as a file: CSV for spreadsheets, JSON with one object a line."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from itertools import islice
from typing import Any

from workflows.services.access import Person, Rights
from workflows.services.desk.decision_list import (
    DecisionFilter,
    DecisionLine,
    decision_lines,
    decision_rows,
)

AT_ONCE = 200
COLUMNS = (
    *("number", "question", "title", "workflow", "thread", "step", "round"),
    *("decision", "by", "channel", "reason", "at", "undone_by", "run", "outcome"),
    *("changes", "policy", "reopened_as"),
)
# A cell that begins with one of these is a formula to a spreadsheet.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def as_csv(person: Person, wanted: DecisionFilter) -> Iterator[str]:
    """All of them as CSV, line by line; no cell is a formula to a spreadsheet."""
    yield _csv_line(COLUMNS)
    for line in _lines(person, wanted):
        record = _record(line)
        record["changes"] = "\n".join(
            f"{each['field']}: {each['old']} -> {each['new']}"
            for each in record["changes"]
        )
        record["policy"] = "; ".join(record["policy"])
        record["reopened_as"] = " ".join(map(str, record["reopened_as"]))
        yield _csv_line([neutral(str(cell)) for cell in record.values()])


def as_json_lines(person: Person, wanted: DecisionFilter) -> Iterator[str]:
    """All of them as JSON, one object a line."""
    for line in _lines(person, wanted):
        yield json.dumps(_record(line), ensure_ascii=False) + "\n"


def neutral(cell: str) -> str:
    """A cell that a spreadsheet takes for text, whatever it begins with."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def _lines(person: Person, wanted: DecisionFilter) -> Iterator[DecisionLine]:
    rights = Rights(person)
    rows = decision_rows(person, wanted, rights).iterator(chunk_size=AT_ONCE)
    while some := list(islice(rows, AT_ONCE)):
        yield from decision_lines(some, rights)


def _record(line: DecisionLine) -> dict[str, Any]:
    changes = [
        {"field": row.path or "value", "old": row.old_text, "new": row.new_text}
        for row in line.changes.rows
    ]
    values = (
        *(line.number, line.question, line.title, line.graph),
        *(line.thread_id, line.node, line.round, line.kind),
        *(line.who, line.channel, line.reason, line.at.isoformat(), line.undone_by),
        *(line.run, line.outcome, changes, list(line.policy)),
        [each.question for each in line.reopened if each.question],
    )
    return dict(zip(COLUMNS, values, strict=True))


def _csv_line(cells: Any) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="\r\n").writerow(cells)
    return line.getvalue()
