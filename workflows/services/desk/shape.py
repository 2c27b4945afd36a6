"""The shape of a stored question."""

from __future__ import annotations

from workflows.engine import serde
from workflows.engine.errors import SerdeError
from workflows.models import Interrupt
from workflows.services.shapes import Shape, recognise
from workflows.storage.sealing import QUESTION, unseal


def shape_of(row: Interrupt) -> Shape:
    """The shape of a stored question; where a type is unknown, of its plain tree."""
    text = unseal(row.value, row.thread_id, QUESTION)
    try:
        payload = serde.loads(text)
    except SerdeError:
        payload = serde.tree(text)
    schema = serde.tree(row.response_schema) if row.response_schema else None
    return recognise(payload, schema)
