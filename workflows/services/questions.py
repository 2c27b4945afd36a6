"""The text of a stored question, and the line that it is called by on pages."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from workflows.engine import serde
from workflows.engine.errors import DecryptionError, SerdeError, UnknownTypeError
from workflows.engine.loop.resume import question_digest
from workflows.engine.serde.vault import is_sealed
from workflows.models import Interrupt
from workflows.services.action import Unreadable
from workflows.storage.interrupts import title_of
from workflows.storage.sealing import QUESTION, unseal, vault

_LISTED = ("id", "thread_id", "title", "node", "status", "asked_at")


def read_question(row: Interrupt) -> Any:
    """What `row` asks, as the task gave it.

    Raises Unreadable where it does not decrypt, is damaged, or holds a type that this code does
    not know: whoever goes on with an answer would not know it either (R10.5, R10.7).
    """
    try:
        text = unseal(row.value, row.thread_id, QUESTION)
        asked = serde.loads(text)
    except DecryptionError as error:
        raise Unreadable(f"Question #{row.pk} cannot be read: {error}") from error
    except UnknownTypeError as error:
        raise Unreadable(f"Question #{row.pk} cannot be answered: {error}.") from error
    except SerdeError as error:
        raise Unreadable(f"Question #{row.pk} is damaged: {error}") from error
    if not _is_what_was_asked(row, text, asked):
        raise Unreadable(
            f"Question #{row.pk} is damaged: its text does not match the digest of what "
            "was asked."
        )
    return asked


def why_unreadable(row: Interrupt) -> str:
    """Why `row` can get no answer as it is stored; "" where it can."""
    try:
        read_question(row)
    except Unreadable as refusal:
        return str(refusal)
    return ""


def _is_what_was_asked(row: Interrupt, text: str, asked: Any) -> bool:
    """Whether the digest is that of the text; True where there is none to compare with."""
    if not row.digest or question_digest(asked) == row.digest:
        return True
    # An object that an upgrade has changed while it was read (R10.6) is not what was stored.
    return '"$t"' in text and serde.dumps(asked) != text


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
