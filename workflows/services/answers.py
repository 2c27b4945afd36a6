"""From what a person decided to the value that `interrupt()` returns in the workflow.

With a response schema it is the form's value; each known shape has the response of its own
field; anything else gets `{"decision", "value", "reason"}`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workflows.services.action import InvalidAnswer
from workflows.services.schema_check import schema_errors
from workflows.services.shapes import (
    APPROVE,
    BATCH,
    EDIT,
    INBOX,
    KINDS,
    REJECT,
    RESPOND,
    SCHEMA,
    TOOL,
    ActionCard,
    Shape,
    follow,
)

# Fields of a form that the button and the reason box fill in by themselves.
_DECISION_FIELDS = ("decision", "action", "verdict")
_FLAG_FIELDS = ("approved", "approve", "accepted")
_REASON_FIELDS = ("reason", "comment", "message", "note")
# Other words that a schema may use for the same decision.
_WORDS = {
    APPROVE: ("approve", "approved", "accept", "accepted", "ok", "yes"),
    EDIT: ("edit", "edited", "approve", "approved", "accept", "accepted", "ok", "yes"),
    REJECT: ("reject", "rejected", "decline", "declined", "deny", "denied", "no"),
    RESPOND: ("respond", "response", "reply", "comment"),
}


def make_answer(shape: Shape, kind: str, value: Any = None, reason: str = "") -> Any:
    """The answer for a question of this shape.

    `value` is what the person sent: the edited proposal, the form's value, the words of a
    response; None leaves the proposal as it is. Raises InvalidAnswer with a text per path.
    """
    if kind not in KINDS:
        raise InvalidAnswer({"kind": f"one of {', '.join(KINDS)}, not {kind!r}"})
    if kind not in shape.kinds:
        raise InvalidAnswer(
            {"kind": f"this question takes {' or '.join(shape.kinds)}, not {kind}"}
        )
    if shape.name == SCHEMA:
        return _schema_answer(shape, kind, value, reason)
    if shape.name == TOOL:
        return _one_decision(shape.cards[0], kind, value, reason)
    if shape.name == BATCH:
        return _batch_answer(shape, kind, value, reason)
    if shape.name == INBOX:
        response = _inbox_answer(shape, kind, value, reason)
        return [response]
    decision = APPROVE if kind == EDIT else kind
    given = shape.proposed if value is None and kind in (APPROVE, EDIT) else value
    return {"decision": decision, "value": given, "reason": reason}


def _schema_answer(shape: Shape, kind: str, value: Any, reason: str) -> Any:
    assert shape.schema is not None  # noqa: S101 - by the shape's name
    top = follow(shape.schema, shape.schema)
    fields = top.get("properties")
    if not isinstance(fields, Mapping):
        return _checked(shape.proposed if value is None else value, shape.schema)
    if value is None:
        value = proposed_form(shape)
    if not isinstance(value, Mapping):
        raise InvalidAnswer({"": "an object with the fields of the form"})
    answer = dict(value)
    said = _say_decision(answer, fields, shape.schema, kind)
    if reason:
        for name in _REASON_FIELDS:
            if name in fields and not answer.get(name):
                answer[name] = reason
                break
    if kind == REJECT and not said:
        raise InvalidAnswer(
            {
                "kind": "this form has no field that says no; "
                "fill it in so that it says what you want, and approve"
            }
        )
    return _checked(answer, shape.schema)


def proposed_form(shape: Shape) -> dict[str, Any]:
    """What the form of a response schema says before anybody has touched it."""
    schema = shape.schema or {}
    fields = follow(schema, schema).get("properties")
    given = shape.proposed if isinstance(shape.proposed, Mapping) else {}
    return {**_defaults(fields if isinstance(fields, Mapping) else {}), **given}


def _checked(answer: Any, schema: Mapping[str, Any]) -> Any:
    errors = schema_errors(answer, schema)
    if errors:
        raise InvalidAnswer(errors)
    return answer


def _defaults(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: spec["default"]
        for name, spec in fields.items()
        if isinstance(spec, Mapping) and "default" in spec
    }


def _say_decision(
    answer: dict[str, Any],
    fields: Mapping[str, Any],
    root: Mapping[str, Any],
    kind: str,
) -> bool:
    """Put the button's word where the form has a place for it; whether it had one."""
    for name in _DECISION_FIELDS:
        words = _allowed_words(follow(fields.get(name), root), root)
        word = next((word for word in _WORDS[kind] if word in words), None)
        if word is not None:
            answer[name] = word
            return True
    for name in _FLAG_FIELDS:
        spec = follow(fields.get(name), root)
        if spec.get("type") == "boolean" and kind != RESPOND:
            answer[name] = kind != REJECT
            return True
    return False


def _allowed_words(spec: Mapping[str, Any], root: Mapping[str, Any]) -> set[str]:
    words = {word for word in spec.get("enum", ()) if isinstance(word, str)}
    if isinstance(spec.get("const"), str):
        words.add(spec["const"])
    for branch in (*spec.get("anyOf", ()), *spec.get("oneOf", ())):
        words |= _allowed_words(follow(branch, root), root)
    return words


def _one_decision(card: ActionCard, kind: str, value: Any, reason: str) -> Any:
    """One decision object about one proposed call."""
    if kind == APPROVE:
        return {"type": "approve"}
    if kind == REJECT:
        return {"type": "reject", "message": reason} if reason else {"type": "reject"}
    if kind == RESPOND:
        return {"type": "respond", "message": _words(value, reason)}
    args = card.args if value is None else value
    name = card.name
    if isinstance(args, Mapping) and set(args) == {"name", "args"}:
        name, args = str(args["name"]), args["args"]
    if not isinstance(args, Mapping):
        raise InvalidAnswer({"args": "an object with the arguments of the call"})
    return {"type": "edit", "edited_action": {"name": name, "args": dict(args)}}


def _batch_answer(shape: Shape, kind: str, value: Any, reason: str) -> Any:
    """One decision a card, in the cards' order.

    `value` is a list with one `{"kind", "value", "reason"}` a card; without one the same
    decision holds for all. Plain edited arguments, one a card, are taken with kind edit.
    """
    cards = shape.cards
    if value is None:
        each: list[Any] = [{"kind": kind, "reason": reason}] * len(cards)
    elif isinstance(value, list) and len(value) == len(cards):
        each = value
    elif kind == RESPOND:
        each = [{"kind": kind, "value": value, "reason": reason}] * len(cards)
    else:
        raise InvalidAnswer({"": f"a list with one decision for each of {len(cards)}"})
    decisions = []
    errors: dict[str, str] = {}
    for index, (card, said) in enumerate(zip(cards, each, strict=True)):
        if not (isinstance(said, Mapping) and "kind" in said):
            said = {"kind": kind, "value": said, "reason": reason}
        own = str(said["kind"])
        if own not in card.kinds:
            errors[f"{index}.kind"] = f"{card.name} takes {' or '.join(card.kinds)}"
            continue
        try:
            decisions.append(
                _one_decision(
                    card, own, said.get("value"), str(said.get("reason") or reason)
                )
            )
        except InvalidAnswer as error:
            errors.update({f"{index}.{p}": t for p, t in error.errors.items()})
    if errors:
        raise InvalidAnswer(errors)
    return {"decisions": decisions}


def _inbox_answer(shape: Shape, kind: str, value: Any, reason: str) -> Any:
    card = shape.cards[0]
    if kind == APPROVE:
        return {"type": "accept", "args": None}
    if kind == REJECT:
        return {"type": "ignore", "args": None}
    if kind == RESPOND:
        return {"type": "response", "args": _words(value, reason)}
    args = card.args if value is None else value
    action = card.name
    if isinstance(args, Mapping) and set(args) == {"action", "args"}:
        action, args = str(args["action"]), args["args"]
    return {"type": "edit", "args": {"action": action, "args": args}}


def _words(value: Any, reason: str) -> str:
    text = value if isinstance(value, str) else ""
    if not (text or reason).strip():
        raise InvalidAnswer({"value": "an answer in words is required"})
    return text or reason
