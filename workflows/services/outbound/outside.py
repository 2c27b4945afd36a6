"""What of a question may be shown outside of the site: on a link's page, and in mails."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from workflows.engine import serde
from workflows.engine.errors import SerdeError
from workflows.models import Interrupt
from workflows.services.desk.rules import Rules
from workflows.services.desk.shape import narrowed, shape_of
from workflows.services.display import show_tree
from workflows.services.one_line import one_line
from workflows.services.questions import stored_question, title_shown
from workflows.services.shapes import APPROVE, EDIT, SCHEMA, ActionCard, Shape
from workflows.storage.sealing import vault

MASK = "••••••"
LONGEST_LINE = 200
_SECRET = re.compile(
    r"pass(word|wd|phrase)?$|secret|token$|api_?key|private_?key|credential|authorization",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Outside:
    """A question as somebody sees it who is not logged in.

    `fields` are (name, tree) pairs; `proposed` is a tree, or None where there is nothing to
    show. `kinds` are the decisions that need no form; of several `cards` each gets the same.
    """

    title: str
    question: str
    kinds: tuple[str, ...]
    proposed: Any = None
    cards: tuple[ActionCard, ...] = ()
    fields: tuple[tuple[str, Any], ...] = ()


def shown_outside(row: Interrupt, rules: Rules) -> Outside:
    """What the page of a link shows of the question; raises Unreadable."""
    shape = narrowed(shape_of(row), rules)
    title = title_shown(row) or shape.question or f"Question #{row.pk}"
    kinds = tuple(kind for kind in shape.kinds if _needs_no_form(shape, kind))
    question = shape.question or title
    if rules.outside is not None:
        fields = _named(row, rules.outside)
        return Outside(title, question, kinds, fields=fields)
    if shape.has_cards:
        cards = tuple(
            ActionCard(each.name, _tree(each.args), each.description)
            for each in shape.cards
        )
        return Outside(title, question, kinds, cards=cards)
    return Outside(title, question, kinds, proposed=_proposed(shape))


def mailed_fields(row: Interrupt, rules: Rules) -> list[tuple[str, str]]:
    """The lines of a mail that the policy allows; none where values are encrypted."""
    if not rules.outside or vault() is not None:
        return []
    return [
        (one_line(name, 60), one_line(value, LONGEST_LINE))
        for name, value in _named(row, rules.outside)
        if not isinstance(value, Mapping | list)
    ]


def without_secrets(tree: Any) -> Any:
    """`tree` with the values masked whose names say that they are secret."""
    if isinstance(tree, Mapping):
        return {
            key: MASK if _SECRET.search(str(key)) else without_secrets(value)
            for key, value in tree.items()
        }
    return [without_secrets(each) for each in tree] if isinstance(tree, list) else tree


def _needs_no_form(shape: Shape, kind: str) -> bool:
    if kind == EDIT:
        return False
    return (
        kind == APPROVE or shape.name != SCHEMA or shape.saying.word(kind) is not None
    )


def _proposed(shape: Shape) -> Any:
    """What is proposed, apart from the words of the question itself."""
    if shape.name == SCHEMA and shape.proposed == {}:
        return None
    proposed = shape.proposed
    if isinstance(proposed, str) and proposed == shape.question:
        return None
    tree = _tree(proposed)
    if isinstance(tree, dict):
        tree = {k: v for k, v in tree.items() if v != shape.question}
    return tree or None


def _tree(value: Any) -> Any:
    try:
        plain = serde.tree(serde.dumps(value))
    except SerdeError:
        return None
    return show_tree(without_secrets(plain)).tree


def _named(row: Interrupt, names: tuple[str, ...]) -> tuple[tuple[str, Any], ...]:
    text = stored_question(row)
    try:
        payload = serde.tree(text) if text else None
    except SerdeError:
        payload = None
    found = payload if isinstance(payload, Mapping) else {}
    return tuple(
        (name, show_tree(without_secrets({name: found[name]})).tree[name])
        for name in names
        if name in found
    )
