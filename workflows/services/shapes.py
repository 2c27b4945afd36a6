"""What kind of question an interrupt asks, recognised from its payload without user code.

The known shapes are: a response schema, one tool approval, a batch of action requests, an
Agent Inbox request (single or in a list), and anything else. `answers.py` gives each its own
kind of answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

SCHEMA = "schema"
TOOL = "tool_approval"
BATCH = "batch"
INBOX = "agent_inbox"
PLAIN = "plain"

APPROVE, EDIT, REJECT, RESPOND = "approve", "edit", "reject", "respond"
KINDS = (APPROVE, EDIT, REJECT, RESPOND)

_QUESTION_KEYS = ("question", "title", "prompt", "message", "description", "text")
_PROPOSAL_KEYS = ("proposed", "proposal", "draft", "value", "data")
_INBOX_FLAGS = {
    "allow_accept": APPROVE,
    "allow_edit": EDIT,
    "allow_ignore": REJECT,
    "allow_respond": RESPOND,
}


@dataclass(frozen=True)
class ActionCard:
    """One proposed call: its name, its arguments and what may be decided about it."""

    name: str
    args: Any
    description: str = ""
    kinds: tuple[str, ...] = KINDS


@dataclass(frozen=True)
class Shape:
    """A recognised question.

    `kinds` are the decisions that it takes. `proposed` is what a person may edit before it
    is approved. `in_list` says that an Agent Inbox request came as a list of one.
    """

    name: str
    question: str
    kinds: tuple[str, ...]
    proposed: Any = None
    cards: tuple[ActionCard, ...] = ()
    schema: dict[str, Any] | None = None
    in_list: bool = False
    extra: Mapping[str, Any] = field(default_factory=dict)


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
            return _inbox_shape(payload, in_list=False)
    if isinstance(payload, list) and len(payload) == 1 and _is_inbox(payload[0]):
        return _inbox_shape(payload[0], in_list=True)
    return Shape(PLAIN, question_of(payload), KINDS, payload)


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


def follow(schema: Any, root: Mapping[str, Any]) -> dict[str, Any]:
    """`schema` with a leading local `$ref` followed; an unknown one gives an empty schema."""
    seen = 0
    while isinstance(schema, Mapping) and "$ref" in schema and seen < 20:
        ref = schema["$ref"]
        target: Any = root
        if not isinstance(ref, str) or not ref.startswith("#"):
            return {}
        for part in ref[1:].strip("/").split("/") if ref != "#" else []:
            step = part.replace("~1", "/").replace("~0", "~")
            target = target.get(step) if isinstance(target, Mapping) else None
        schema, seen = target, seen + 1
    return dict(schema) if isinstance(schema, Mapping) else {}


def _schema_shape(payload: Any, schema: dict[str, Any]) -> Shape:
    top = follow(schema, schema)
    fields = top.get("properties")
    proposed: Any = None
    if isinstance(fields, Mapping):
        proposed = _proposal_for(payload, fields)
    elif isinstance(payload, Mapping):
        proposed = next((payload[k] for k in _PROPOSAL_KEYS if k in payload), None)
    return Shape(SCHEMA, question_of(payload), KINDS, proposed, schema=schema)


def _proposal_for(payload: Any, fields: Mapping[str, Any]) -> dict[str, Any]:
    """What the payload already says about the fields of the form."""
    if not isinstance(payload, Mapping):
        return {}
    found: dict[str, Any] = {}
    for key in _PROPOSAL_KEYS:
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
    return Shape(TOOL, question, KINDS, payload.get("args"), (card,))


def _batch_shape(payload: Mapping[str, Any]) -> Shape:
    allowed = {}
    for config in payload.get("review_configs") or []:
        if isinstance(config, Mapping) and isinstance(
            config.get("allowed_decisions"), Sequence
        ):
            kinds = tuple(k for k in KINDS if k in config["allowed_decisions"])
            allowed[config.get("action_name")] = kinds
    cards = tuple(
        ActionCard(
            str(request.get("name", "")),
            request.get("args", request.get("arguments")),
            _text(request.get("description")),
            allowed.get(request.get("name")) or KINDS,
        )
        for request in payload["action_requests"]
        if isinstance(request, Mapping)
    )
    kinds = tuple(k for k in KINDS if all(k in card.kinds for card in cards))
    names = ", ".join(card.name for card in cards)
    question = question_of(payload) or f"Run {names}?"
    return Shape(BATCH, question, kinds or KINDS, [c.args for c in cards], cards)


def _is_inbox(payload: Any) -> bool:
    if not isinstance(payload, Mapping):
        return False
    request = payload.get("action_request")
    return isinstance(request, Mapping) and "action" in request


def _inbox_shape(payload: Mapping[str, Any], *, in_list: bool) -> Shape:
    request = payload["action_request"]
    config = payload.get("config")
    config = config if isinstance(config, Mapping) else {}
    kinds = tuple(kind for flag, kind in _INBOX_FLAGS.items() if config.get(flag, True))
    if not set(kinds) - {REJECT}:
        # A question that could only be ignored is no question: an answer in words stays open.
        kinds = (*kinds, RESPOND)
    card = ActionCard(
        str(request["action"]),
        request.get("args"),
        _text(payload.get("description")),
        kinds,
    )
    question = card.description or f"{card.name}?"
    return Shape(INBOX, question, kinds, request.get("args"), (card,), in_list=in_list)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
