"""Asking a person about proposed values, until the answer is one that can be used."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from durableweb.types import interrupt

T = TypeVar("T")


@dataclass(frozen=True)
class Answer(Generic[T]):
    """What the person decided. `value` is what `read` made of the values they saw."""

    approved: bool
    value: T
    reason: str


def ask(
    question: Mapping[str, Any], read: Callable[[Mapping[str, Any]], T]
) -> Answer[T]:
    """Ask `question` and return the answer, with the values as the person left them.

    `question` is shown as it is; the person may edit its values before approving. `read`
    picks what is needed from the edited values and raises ValueError, in words for the
    person, or KeyError when they cannot be used: then the question is asked again with
    that hint.

    The node that calls this runs from its first line for every answer, and each
    `interrupt` returns the answer recorded for it. So there must be no effect before the
    call that may not happen twice.
    """
    asked = dict(question)
    while True:
        answer = interrupt(asked)
        try:
            return _read_answer(answer, question, read)
        except KeyError as error:
            asked = {**question, "hint": f"{error.args[0]} is missing in the values."}
        except ValueError as error:
            asked = {**question, "hint": str(error)}


def _read_answer(
    answer: Any,
    question: Mapping[str, Any],
    read: Callable[[Mapping[str, Any]], T],
) -> Answer[T]:
    if not isinstance(answer, Mapping):
        raise ValueError("Please approve or reject.")
    reason = str(answer.get("reason") or "")
    match answer.get("decision"):
        case "approve":
            value = answer.get("value")
            edited = value if isinstance(value, Mapping) else question
            return Answer(approved=True, value=read(edited), reason=reason)
        case "reject":
            # What was rejected is as it was asked; an edit beside a "no" means nothing.
            return Answer(approved=False, value=read(question), reason=reason)
    raise ValueError("Please approve or reject; a remark alone decides nothing.")
