"""The shape of a stored question, with the decisions that its rules leave."""

from __future__ import annotations

from dataclasses import replace

from workflows.engine import serde
from workflows.engine.errors import SerdeError
from workflows.models import Interrupt
from workflows.services.action import Unreadable
from workflows.services.desk.rules import Rules
from workflows.services.questions import read_question, stored_question
from workflows.services.shapes import (
    APPROVE,
    CLOSE,
    EDIT,
    KINDS,
    SCHEMA,
    Shape,
    recognise,
)


def shape_of(row: Interrupt) -> Shape:
    """The shape of a stored question; raises Unreadable where it cannot be read."""
    payload = read_question(row)
    schema = _plain(row, row.response_schema) if row.response_schema else None
    return recognise(payload, schema)


def shape_shown(row: Interrupt) -> Shape:
    """The same with all values as trees, as people are shown them; of one that cannot be read, that of nothing."""
    return recognise(_tree(stored_question(row)), _tree(row.response_schema))


def narrowed(shape: Shape, rules: Rules) -> Shape:
    """The shape with the decisions that the rules allow; never with none at all.

    Closing without an answer is there only where the question or a rule allows it.
    """
    wanted = rules.decisions
    if wanted is not None and shape.name == SCHEMA and {APPROVE, EDIT} & set(wanted):
        # To approve a form is to fill it in.
        wanted = (*wanted, APPROVE, EDIT)
    kinds = _kept(shape.kinds, wanted)
    may_close = rules.close == "cancel" or (
        rules.close == "ignore" and shape.can_ignore
    )
    if may_close and (wanted is None or CLOSE in wanted):
        kinds = tuple(k for k in KINDS if k in kinds or k == CLOSE)
    return replace(
        shape,
        kinds=kinds or shape.kinds,
        cards=tuple(
            replace(card, kinds=_kept(card.kinds, wanted) or card.kinds)
            for card in shape.cards
        ),
    )


def closes_by_cancelling(rules: Rules) -> bool:
    """Whether closing without an answer ends the run; else the workflow is answered."""
    return rules.close == "cancel"


def _kept(kinds: tuple[str, ...], wanted: tuple[str, ...] | None) -> tuple[str, ...]:
    return kinds if wanted is None else tuple(k for k in kinds if k in wanted)


def _tree(text: str) -> object:
    if not text:
        return None
    try:
        return serde.tree(text)
    except SerdeError:
        return None


def _plain(row: Interrupt, text: str) -> object:
    try:
        return serde.tree(text)
    except SerdeError as error:
        raise Unreadable(f"Question #{row.pk} is damaged: {error}") from error
