"""From what a person decided to the value that `interrupt()` returns in the workflow.

With a response schema it is the form's value; each known shape has the response of its own
field; anything else gets `{"decision", "value", "reason"}`. How each shape says "changes
needed" and "closed without an answer" stands in docs/reference/dashboard.md.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from workflows.services.action import InvalidAnswer
from workflows.services.schema_check import schema_errors
from workflows.services.schema_words import follow
from workflows.services.shapes import (
    APPROVE,
    CHANGES,
    CLOSE,
    EDIT,
    INBOX,
    KINDS,
    REJECT,
    RESPOND,
    SCHEMA,
    TOOL,
    ActionCard,
    Shape,
)

# Begins what a tool call or an inbox is told, whose fields have no decision of that name.
CHANGES_NEEDED = "Changes needed: "

Respond = Callable[[ActionCard, str, Any, str], Any]


def make_answer(shape: Shape, kind: str, value: Any = None, reason: str = "") -> Any:
    """The answer for a question of this shape.

    `value` is what the person sent: the edited proposal, the form's value, the words of a
    response; None leaves the proposal as it is. What should change, or why the question is
    closed, comes as `reason`. Raises InvalidAnswer with a text per path.
    """
    if kind not in KINDS:
        raise InvalidAnswer({"kind": f"one of {', '.join(KINDS)}, not {kind!r}"})
    if shape.name == INBOX and kind == REJECT and CLOSE in shape.kinds:
        # The nearest that an inbox knows of a no.
        kind = CLOSE
    if kind not in shape.kinds and not (kind == CLOSE and shape.can_ignore):
        raise InvalidAnswer(
            {"kind": f"this question takes {' or '.join(shape.kinds)}, not {kind}"}
        )
    if kind == CHANGES and not shape.has_cards and not reason.strip():
        raise InvalidAnswer({"reason": "say what should change"})
    if shape.name == SCHEMA:
        return _schema_answer(shape, kind, value, reason)
    if shape.name == TOOL:
        return _one_decision(shape.cards[0], kind, value, reason)
    if shape.name == INBOX:
        if shape.has_cards:
            return _card_answers(shape, kind, value, reason, _inbox_answer)
        return [_inbox_answer(shape.cards[0], kind, value, reason)]
    if shape.has_cards:
        return {"decisions": _card_answers(shape, kind, value, reason, _one_decision)}
    decision = APPROVE if kind == EDIT else kind
    given = shape.proposed if value is None and kind in (APPROVE, EDIT) else value
    return {"decision": decision, "value": given, "reason": reason}


def _schema_answer(shape: Shape, kind: str, value: Any, reason: str) -> Any:
    assert shape.schema is not None  # noqa: S101 - by the shape's name
    top = follow(shape.schema, shape.schema)
    fields = top.get("properties")
    if not isinstance(fields, Mapping):
        return _checked(shape.proposed if value is None else value, shape.schema)
    if kind == RESPOND and isinstance(value, str):
        value, reason = None, value
    if value is None:
        value = proposed_form(shape)
    if not isinstance(value, Mapping):
        raise InvalidAnswer({"": "an object with the fields of the form"})
    saying = shape.saying
    answer = dict(value)
    word = saying.word(kind)
    if word is not None:
        answer[saying.field] = word
    elif kind not in (APPROVE, EDIT):
        raise InvalidAnswer(
            {
                "kind": "this form has no field that says so; "
                "fill it in so that it says what you want, and approve"
            }
        )
    place = saying.reply if kind == RESPOND else saying.reason
    if reason and place and (kind not in (APPROVE, EDIT) or not answer.get(place)):
        answer[place] = reason
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


def _one_decision(card: ActionCard, kind: str, value: Any, reason: str) -> Any:
    """One decision object about one proposed call."""
    if kind == APPROVE:
        return {"type": "approve"}
    if kind == CHANGES:
        return {"type": "reject", "message": CHANGES_NEEDED + _words(reason)}
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


def _inbox_answer(card: ActionCard, kind: str, value: Any, reason: str) -> Any:
    """One response to one Agent Inbox request."""
    if kind == APPROVE:
        return {"type": "accept", "args": None}
    if kind in (CLOSE, REJECT):
        return {"type": "ignore", "args": None}
    if kind == CHANGES:
        return {"type": "response", "args": CHANGES_NEEDED + _words(reason)}
    if kind == RESPOND:
        return {"type": "response", "args": _words(value, reason)}
    args = card.args if value is None else value
    action = card.name
    if isinstance(args, Mapping) and set(args) == {"action", "args"}:
        action, args = str(args["action"]), args["args"]
    return {"type": "edit", "args": {"action": action, "args": args}}


def _card_answers(
    shape: Shape, kind: str, value: Any, reason: str, respond: Respond
) -> list[Any]:
    """One answer a card, in the cards' order.

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
    answers = []
    errors: dict[str, str] = {}
    for index, (card, said) in enumerate(zip(cards, each, strict=True)):
        if not (isinstance(said, Mapping) and "kind" in said):
            said = {"kind": kind, "value": said, "reason": reason}
        own = str(said["kind"])
        if own not in card.kinds:
            errors[f"{index}.kind"] = f"{card.name} takes {' or '.join(card.kinds)}"
            continue
        words = str(said.get("reason") or reason)
        try:
            answers.append(respond(card, own, said.get("value"), words))
        except InvalidAnswer as error:
            errors.update({f"{index}.{p}": t for p, t in error.errors.items()})
    if errors:
        raise InvalidAnswer(errors)
    return answers


def _words(*texts: Any) -> str:
    """The first of the texts that says something."""
    for text in texts:
        if isinstance(text, str) and text.strip():
            return text
    raise InvalidAnswer({"value": "an answer in words is required"})
