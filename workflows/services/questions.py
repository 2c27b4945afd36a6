"""The text of a stored question, and the line that it is called by on pages."""

from __future__ import annotations

from django.db.models import QuerySet

from workflows.engine import serde
from workflows.engine.errors import SerdeError
from workflows.engine.serde.vault import is_sealed
from workflows.models import Interrupt
from workflows.storage.interrupts import title_of
from workflows.storage.sealing import QUESTION, unseal, vault

_LISTED = ("id", "thread_id", "title", "node", "status", "asked_at")


def stored_question(row: Interrupt) -> str:
    """The tagged JSON text of what `row` asks; "" where it does not decrypt."""
    try:
        return unseal(row.value, row.thread_id, QUESTION)
    except SerdeError:
        return ""


def title_shown(row: Interrupt) -> str:
    """The question's title: of an encrypted one the row holds the node's name alone."""
    if vault() is None or not is_sealed(row.value):
        return row.title
    try:
        return title_of(serde.tree(stored_question(row)))
    except SerdeError:
        return row.title


def with_titles(rows: QuerySet[Interrupt]) -> QuerySet[Interrupt]:
    """`rows` with what a list of questions shows, and no more."""
    return rows.only(*_LISTED) if vault() is None else rows.only(*_LISTED, "value")
