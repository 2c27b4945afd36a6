"""What somebody has sent as the value of a decision, with the types of what was proposed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workflows.services.action import InvalidAnswer
from workflows.services.shapes import Shape
from workflows.services.tagged import restore

_CALLS = ({"name", "args"}, {"action", "args"})


def restored_answer(shape: Shape, value: Any) -> Any:
    """`value` for `make_answer`; `shape` is that of the question as trees (`shape_shown`).

    What comes back as it was proposed is the value it was, and what was typed stays plain data.
    Raises InvalidAnswer.
    """
    try:
        if not shape.has_cards or not isinstance(value, list):
            return _restored(value, shape.proposed)
        cards = [*shape.cards, *[None] * len(value)]
        return [
            _said(each, card.args if card else None)
            for each, card in zip(value, cards, strict=False)
        ]
    except Exception as error:
        raise InvalidAnswer({"value": f"no value of this question: {error}"}) from error


def _said(said: Any, args: Any) -> Any:
    if isinstance(said, Mapping) and "kind" in said:
        return {**said, "value": _restored(said.get("value"), args)}
    return _restored(said, args)


def _restored(value: Any, shown: Any) -> Any:
    if isinstance(value, Mapping) and set(value) in _CALLS:
        is_call = isinstance(shown, Mapping) and set(shown) == set(value)
        if not is_call:
            return {**value, "args": restore(value["args"], shown)}
    return restore(value, shown)
