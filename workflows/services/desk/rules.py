"""The rules under which a question is decided: what a policy may say.

Four places speak, the later one over the earlier: the defaults here, `register(...,
policy={...})`, `interrupt(..., policy={...})`, and the policies that people keep in the
browser (for every workflow, for one, for one node of it). Each gives a part of the same
mapping, so one read tells all of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from workflows.services.action import Refused
from workflows.services.shapes import KINDS

DAY = 24 * 60 * 60
LONGEST_SECONDS = 366 * DAY
TIMEOUT_ACTIONS = ("none", "answer", "reject", "workflow", "fail")
CLOSE_ACTIONS = ("", "cancel", "ignore")


class InvalidPolicy(Refused):
    """A policy says something that cannot be; `errors` maps each key to a text."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        told = "; ".join(f"{key}: {text}" for key, text in errors.items())
        super().__init__(f"The policy cannot be used. {told}")
        self.errors = dict(errors)


@dataclass(frozen=True)
class Escalation:
    """What happens `after` seconds past due: another group, and how much more urgent."""

    after: int
    group: str = ""
    priority: int = 0


@dataclass(frozen=True)
class Rules:
    """Everything that a policy may say; times are seconds.

    `decide_groups` None leaves it to `register` and the roles. `quorum` is how many people
    must approve; one rejection is enough. `four_eyes` bars whoever started the run or edited
    its state last. `undo` None is the site's `UNDO_SECONDS`. `due` counts from when the question was asked, `remind` before it is due,
    `escalate` after, `timeout` again from when it was asked. `decisions` None leaves it to the
    question which decisions it takes; `close` lets people close it without an answer: by
    cancelling its run, or with its own word for "ignored".
    `escalate` after, `timeout` again from when it was asked. `mail` lets notices of the
    question leave as mail. `link` is how long a link by which it is decided works (None the
    site's `APPROVAL_LINK_SECONDS`, 0 no links), and `outside` names the fields of the
    question that such a link and a mail show; None shows the proposal on the link's page and
    nothing in a mail.
    """

    decide_groups: tuple[str, ...] | None = None
    quorum: int = 1
    four_eyes: bool = False
    claim: int = 15 * 60
    undo: int | None = None
    due: int | None = None
    remind: tuple[int, ...] = ()
    escalate: tuple[Escalation, ...] = ()
    timeout: int | None = None
    timeout_action: str = "none"
    timeout_answer: Any = None
    priority: int = 0
    assign_group: str = ""
    assign_person: str = ""
    reasons: tuple[str, ...] = ()
    decisions: tuple[str, ...] | None = None
    close: str = ""
    mail: bool = True
    link: int | None = None
    outside: tuple[str, ...] | None = None
    sources: tuple[str, ...] = field(default=("default",), compare=False)

    @property
    def ends(self) -> int | None:
        """Seconds after which a question is given up; None where it waits as long as it takes."""
        return None if self.timeout_action == "none" else self.timeout

    def with_part(self, part: Mapping[str, Any], source: str) -> Rules:
        """These rules with what `part` says instead; raises InvalidPolicy."""
        if not part:
            return self
        return replace(self, **read_part(part), sources=(*self.sources, source))


def read_part(part: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that a mapping as people and code write it sets; raises InvalidPolicy."""
    errors: dict[str, str] = {}
    read: dict[str, Any] = {}
    for key, value in part.items():
        reader = _READERS.get(key)
        if reader is None:
            errors[str(key)] = (
                f"unknown; a policy may say {', '.join(sorted(_READERS))}"
            )
            continue
        try:
            read[key] = reader(value)
        except (TypeError, ValueError) as error:
            errors[key] = str(error)
    if errors:
        raise InvalidPolicy(errors)
    return read


def as_mapping(rules: Rules) -> dict[str, Any]:
    """The rules as a mapping that `read_part` takes, with what differs from the default."""
    found: dict[str, Any] = {}
    for each in fields(Rules):
        value = getattr(rules, each.name)
        if each.name == "sources" or value == getattr(DEFAULT, each.name):
            continue
        if each.name == "escalate":
            value = [{f.name: getattr(e, f.name) for f in fields(e)} for e in value]
        found[each.name] = list(value) if isinstance(value, tuple) else value
    return found


def _count(low: int, high: int) -> Callable[[Any], int]:
    def read(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise TypeError("takes a whole number")
        if not low <= value <= high:
            raise ValueError(f"takes a number from {low} to {high}")
        return value

    return read


def _or_none(reader: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda value: None if value is None else reader(value)


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError("takes true or false")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str) or len(value) > 300:
        raise TypeError("takes a text of at most 300 characters")
    return value


def _texts(value: Any) -> tuple[str, ...]:
    if isinstance(value, str) or not isinstance(value, list | tuple):
        raise TypeError("takes a list of texts")
    return tuple(_text(each) for each in value)


def _seconds_list(value: Any) -> tuple[int, ...]:
    if not isinstance(value, list | tuple):
        raise TypeError("takes a list of seconds")
    return tuple(sorted((_seconds(each) for each in value), reverse=True))


def _escalations(value: Any) -> tuple[Escalation, ...]:
    if not isinstance(value, list | tuple):
        raise TypeError("takes a list of steps {after, group, priority}")
    steps = []
    for each in value:
        if not isinstance(each, Mapping) or not set(each) <= {
            "after",
            "group",
            "priority",
        }:
            raise TypeError("a step is {after: seconds, group: name, priority: number}")
        steps.append(
            Escalation(
                _seconds(each.get("after", 0)),
                _text(each.get("group", "")),
                _priority(each.get("priority", 0)),
            )
        )
    return tuple(sorted(steps, key=lambda step: step.after))


def _action(value: Any) -> str:
    if value not in TIMEOUT_ACTIONS:
        raise ValueError(f"takes one of {', '.join(TIMEOUT_ACTIONS)}")
    return str(value)


def _close(value: Any) -> str:
    if value not in CLOSE_ACTIONS:
        raise ValueError('takes "cancel" or "ignore", or "" for neither')
    return str(value)


def _decisions(value: Any) -> tuple[str, ...]:
    named = _texts(value)
    if not named or not set(named) <= set(KINDS):
        raise ValueError(f"takes a list of {', '.join(KINDS)}")
    return named


_seconds = _count(0, LONGEST_SECONDS)
_priority = _count(-100, 100)
_READERS: dict[str, Callable[[Any], Any]] = {
    "decide_groups": _or_none(_texts),
    "quorum": _count(1, 100),
    "four_eyes": _flag,
    "claim": _count(10, DAY),
    "undo": _or_none(_count(0, DAY)),
    "due": _or_none(_seconds),
    "remind": _seconds_list,
    "escalate": _escalations,
    "timeout": _or_none(_seconds),
    "timeout_action": _action,
    "timeout_answer": lambda value: value,
    "priority": _priority,
    "assign_group": _text,
    "assign_person": _text,
    "reasons": _texts,
    "decisions": _or_none(_decisions),
    "close": _close,
    "mail": _flag,
    "link": _or_none(_seconds),
    "outside": _or_none(_texts),
}
DEFAULT = Rules()
