"""What kind of question an interrupt asks, recognised from its payload without user code.

The known shapes are: a response schema, one tool approval, a batch of action requests, Agent
Inbox requests (one, or several in a list), and anything else. `answers.py` gives each its own
kind of answer, `schema_words.py` finds the decision's place in a response schema.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from workflows.services.schema_words import NOTHING, Saying, follow, saying_of

SCHEMA = "schema"
TOOL = "tool_approval"
BATCH = "batch"
INBOX = "agent_inbox"
PLAIN = "plain"

APPROVE, EDIT, REJECT, RESPOND = "approve", "edit", "reject", "respond"
# Sent back with what should change; closed without an answer.
CHANGES, CLOSE = "changes", "close"
KINDS = (APPROVE, EDIT, REJECT, RESPOND, CHANGES, CLOSE)
# What a question takes unless it says otherwise; closing is for its workflow to allow.
USUAL = (APPROVE, EDIT, REJECT, RESPOND, CHANGES)

_QUESTION_KEYS = ("question", "title", "prompt", "message", "description", "text")
PROPOSAL_KEYS = ("proposed", "proposal", "draft", "value", "data")
# What each permission of an Agent Inbox request lets people do.
_INBOX_FLAGS = {
    "allow_accept": (APPROVE,),
    "allow_edit": (EDIT,),
    "allow_respond": (RESPOND, CHANGES),
    "allow_ignore": (CLOSE,),
}


@dataclass(frozen=True)
class ActionCard:
    """One proposed call: its name, its arguments and what may be decided about it."""

    name: str
    args: Any
    description: str = ""
    kinds: tuple[str, ...] = USUAL


@dataclass(frozen=True)
class Shape:
    """A recognised question.

    `kinds` are the decisions that it takes. `proposed` is what a person may edit before it
    is approved. `saying` tells where a response schema has a place for the decision.
    `can_ignore` says that its answers have a word for "closed without an answer".
    """

    name: str
    question: str
    kinds: tuple[str, ...]
    proposed: Any = None
    cards: tuple[ActionCard, ...] = ()
    schema: dict[str, Any] | None = None
    saying: Saying = NOTHING
    can_ignore: bool = False

    @property
    def has_cards(self) -> bool:
        """Whether each of several proposed calls gets a decision of its own."""
        return self.name == BATCH or (self.name == INBOX and len(self.cards) > 1)


def recognise(payload: Any, schema: Any = None) -> Shape:
    """The shape of a question from its plain payload and its response schema."""
    if isinstance(schema, Mapping) and schema:
        return _schema_shape(payload, dict(schema))
    if isinstance(payload, Mapping):
        if payload.get("type") == "tool_approval" and "name" in payload:
            return _tool_shape(payload)
        if isinstance(payload.get("action_requests"), list):
            return _batch_shape(payload)
        if _is_inbox(payload):
            return _inbox_shape([payload])
    if isinstance(payload, list) and payload and all(map(_is_inbox, payload)):
        return _inbox_shape(payload)
    return Shape(PLAIN, question_of(payload), USUAL, payload, can_ignore=True)


def question_of(payload: Any) -> str:
    """The question in words, as far as the payload has any."""
    if isinstance(payload, str):
        return payload
    if isinstance(payload, Mapping):
        for key in _QUESTION_KEYS:
            found = payload.get(key)
            if isinstance(found, str) and found.strip():
                return found
    return ""


def _schema_shape(payload: Any, schema: dict[str, Any]) -> Shape:
    top = follow(schema, schema)
    fields = top.get("properties")
    proposed: Any = None
    if isinstance(fields, Mapping):
        proposed = _proposal_for(payload, fields)
    elif isinstance(payload, Mapping):
        proposed = next((payload[k] for k in PROPOSAL_KEYS if k in payload), None)
    saying = saying_of(top, schema)
    said = {APPROVE, EDIT, *saying.words}
    # Words that would reach nobody are not asked for.
    said -= set() if saying.reason else {CHANGES}
    said -= set() if saying.reply else {RESPOND}
    kinds = tuple(k for k in KINDS if k in said)
    return Shape(
        SCHEMA,
        question_of(payload),
        kinds,
        proposed,
        schema=schema,
        saying=saying,
        can_ignore=CLOSE in kinds,
    )


def _proposal_for(payload: Any, fields: Mapping[str, Any]) -> dict[str, Any]:
    """What the payload already says about the fields of the form."""
    if not isinstance(payload, Mapping):
        return {}
    found: dict[str, Any] = {}
    for key in PROPOSAL_KEYS:
        inner = payload.get(key)
        if isinstance(inner, Mapping):
            found.update({k: v for k, v in inner.items() if k in fields})
    asked = {k for k in ("question", "title", "prompt") if k in payload}
    found.update({k: v for k, v in payload.items() if k in fields and k not in asked})
    return found


def _tool_shape(payload: Mapping[str, Any]) -> Shape:
    card = ActionCard(
        str(payload["name"]), payload.get("args"), _text(payload.get("description"))
    )
    question = card.description or f"Run {card.name}?"
    return Shape(TOOL, question, USUAL, payload.get("args"), (card,))


def _batch_shape(payload: Mapping[str, Any]) -> Shape:
    allowed = {}
    for config in payload.get("review_configs") or []:
        if isinstance(config, Mapping) and isinstance(
            config.get("allowed_decisions"), Sequence
        ):
            named = set(config["allowed_decisions"])
            # Sending back is a rejection that says what should change.
            named |= {CHANGES} if REJECT in named else set()
            kinds = tuple(k for k in USUAL if k in named)
            allowed[config.get("action_name")] = kinds
    cards = tuple(
        ActionCard(
            str(request.get("name", "")),
            request.get("args", request.get("arguments")),
            _text(request.get("description")),
            allowed.get(request.get("name")) or USUAL,
        )
        for request in payload["action_requests"]
        if isinstance(request, Mapping)
    )
    names = ", ".join(card.name for card in cards)
    question = question_of(payload) or f"Run {names}?"
    return Shape(BATCH, question, _common(cards), [c.args for c in cards], cards)


def _common(cards: Sequence[ActionCard]) -> tuple[str, ...]:
    """What may be decided about all cards at once; about each, where that is nothing."""
    kinds = tuple(k for k in KINDS if all(k in card.kinds for card in cards))
    return kinds or USUAL


def _is_inbox(payload: Any) -> bool:
    if not isinstance(payload, Mapping):
        return False
    request = payload.get("action_request")
    return isinstance(request, Mapping) and "action" in request


def _inbox_shape(requests: Sequence[Mapping[str, Any]]) -> Shape:
    cards = tuple(map(_inbox_card, requests))
    first = cards[0]
    if len(cards) > 1:
        names = ", ".join(card.name for card in cards)
        proposed: Any = [card.args for card in cards]
        kinds = _common(cards)
        can_ignore = CLOSE in kinds
        return Shape(INBOX, f"{names}?", kinds, proposed, cards, can_ignore=can_ignore)
    question = first.description or f"{first.name}?"
    can_ignore = CLOSE in first.kinds
    return Shape(INBOX, question, first.kinds, first.args, cards, can_ignore=can_ignore)


def _inbox_card(payload: Mapping[str, Any]) -> ActionCard:
    request = payload["action_request"]
    config = payload.get("config")
    config = config if isinstance(config, Mapping) else {}
    allowed = {
        kind
        for flag, kinds in _INBOX_FLAGS.items()
        if config.get(flag, True)
        for kind in kinds
    }
    if not allowed - {CLOSE}:
        # A question that could only be ignored is no question: an answer in words stays open.
        allowed.add(RESPOND)
    return ActionCard(
        str(request["action"]),
        request.get("args"),
        _text(payload.get("description")),
        tuple(kind for kind in KINDS if kind in allowed),
    )


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
