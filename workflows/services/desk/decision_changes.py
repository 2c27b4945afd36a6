"""What a decision changed: the proposal as it was asked and as it was sent, the state before and after.

Each shape of question has a place of its own for what a person edited; here they are laid side
by side as plain trees. Of a decision that let the proposal stand nothing differs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from workflows.engine import serde
from workflows.engine.errors import SerdeError
from workflows.models import Decision
from workflows.services.access import Rights
from workflows.services.answers import proposed_form
from workflows.services.diff import DiffRow, diff
from workflows.services.display import show_stored
from workflows.services.schema_words import follow
from workflows.services.shapes import (
    APPROVE,
    EDIT,
    INBOX,
    SCHEMA,
    TOOL,
    ActionCard,
    Shape,
    recognise,
)
from workflows.services.state import read_state
from workflows.services.thread_history import decision_record
from workflows.storage.sealing import QUESTION

STATE = "state"


@dataclass(frozen=True)
class Changes:
    """Two trees; they are equal where nothing was changed. Fields of the state stand under `state`."""

    before: Any = None
    after: Any = None

    @property
    def rows(self) -> list[DiffRow]:
        """The places that differ, for a file."""
        return diff(_bare(self.before), _bare(self.after))


NO_CHANGES = Changes()


def changes_of(decision: Decision, rights: Rights) -> Changes:
    """What the decision changed, as far as this person may read it.

    `decision` comes with its question and its thread. What is secret in the state is masked
    on both sides, what cannot be read is left out.
    """
    question = decision.interrupt
    record = decision_record(decision, question.thread, rights)
    before: Any = {}
    after: Any = {}
    if decision.kind in (APPROVE, EDIT):
        shape = _shape_of(decision)
        if shape is not None:
            before, after = _sides(shape, record.answer)
    if isinstance(record.edits, Mapping) and record.edits:
        old, new = _state(decision, record.edits, rights)
        before = {**_named(before), STATE: old}
        after = {**_named(after), STATE: new}
    return Changes(before, after)


def _shape_of(decision: Decision) -> Shape | None:
    question = decision.interrupt
    asked = show_stored(decision.original, question.thread_id, QUESTION)
    if asked.problem:
        return None
    try:
        schema = serde.tree(question.response_schema or "null")
    except SerdeError:
        return None
    return recognise(asked.tree, schema)


def _sides(shape: Shape, answer: Any) -> tuple[Any, Any]:
    """What was proposed, and what was sent in its place."""
    if shape.name == SCHEMA:
        return _form_sides(shape, answer)
    if shape.name == TOOL:
        return _card_sides(shape.cards[:1], [answer])
    if shape.name == INBOX:
        return _card_sides(shape.cards, answer)
    if shape.has_cards:
        given = answer.get("decisions") if isinstance(answer, Mapping) else None
        return _card_sides(shape.cards, given)
    if isinstance(answer, Mapping) and "value" in answer:
        return shape.proposed, answer["value"]
    return {}, {}


def _form_sides(shape: Shape, answer: Any) -> tuple[Any, Any]:
    schema = shape.schema or {}
    if not isinstance(follow(schema, schema).get("properties"), Mapping):
        return shape.proposed, answer
    if not isinstance(answer, Mapping):
        return {}, {}
    saying = shape.saying
    # The decision and its reason have columns of their own.
    said = {saying.field, saying.reason, saying.reply}
    asked = proposed_form(shape)
    return (
        {name: part for name, part in asked.items() if name not in said},
        {name: part for name, part in answer.items() if name not in said},
    )


def _card_sides(cards: tuple[ActionCard, ...], answers: Any) -> tuple[Any, Any]:
    """The arguments of the proposed calls; with several, under their names."""
    given = answers if isinstance(answers, list) else []
    pairs = [
        (card, _edited(card, said)) for card, said in zip(cards, given, strict=False)
    ]
    if len(cards) == 1:
        return (cards[0].args, pairs[0][1]) if pairs else ({}, {})
    names = [f"{card.name} [{at}]" for at, card in enumerate(cards, 1)]
    return (
        {name: card.args for name, (card, _) in zip(names, pairs, strict=False)},
        {name: args for name, (_, args) in zip(names, pairs, strict=False)},
    )


def _edited(card: ActionCard, said: Any) -> Any:
    """The arguments as they were sent: the proposed ones unless they were edited."""
    if not isinstance(said, Mapping) or said.get("type") != EDIT:
        return card.args
    action = said.get("edited_action") or said.get("args")
    if not isinstance(action, Mapping):
        return card.args
    name = action.get("name") or action.get("action")
    args = action.get("args")
    if name == card.name or not isinstance(args, Mapping):
        return args
    return {**args, "(call)": name}


def _state(
    decision: Decision, edits: Mapping[str, Any], rights: Rights
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The edited fields before and after; one whose old value is gone has only the new."""
    thread = decision.interrupt.thread
    then = read_state(thread, rights, decision.checkpoint)
    old = {each.name: each for each in then.fields if not each.problem}
    before = {
        name: "•••" if old[name].is_masked else old[name].tree
        for name in edits
        if name in old
    }
    # A masked value that was edited would look as if it had not been.
    after = {
        name: "••• (changed)" if part == before.get(name) == "•••" else part
        for name, part in edits.items()
    }
    return before, after


def _named(side: Any) -> dict[str, Any]:
    return dict(side) if isinstance(side, Mapping) else {"value": side}


def _bare(tree: Any) -> Any:
    """The tree with its tagged texts, such as dates, as the texts they hold."""
    if isinstance(tree, dict):
        if tree.keys() == {"$t", "v"} and isinstance(tree["v"], str):
            return tree["v"]
        return {key: _bare(part) for key, part in tree.items()}
    if isinstance(tree, list):
        return [_bare(part) for part in tree]
    return tree
