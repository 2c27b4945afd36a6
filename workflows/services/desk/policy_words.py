"""What a policy says, as a person reads it: a label and a few words for each of its keys."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from workflows.services.desk.rules import Escalation
from workflows.services.desk.words import span

LABELS: Mapping[str, str] = {
    "decide_groups": "Groups that decide",
    "quorum": "Approvals needed",
    "four_eyes": "Four eyes",
    "priority": "Priority at first",
    "assign_group": "Given to the group",
    "assign_person": "Given to the person",
    "claim": "A claim lasts",
    "undo": "Time to take back",
    "due": "Due after",
    "remind": "Reminders before it is due",
    "escalate": "Escalation when it is overdue",
    "timeout": "Time runs out after",
    "timeout_action": "When time runs out",
    "timeout_answer": "Default answer",
    "decisions": "Decisions offered",
    "close": "Closing without an answer",
    "reasons": "Usual reasons",
    "mail": "Notices by mail",
    "link": "Links to decide work for",
    "outside": "Fields shown outside",
}
DECISION_WORDS: Mapping[str, str] = {
    "approve": "Approve",
    "edit": "Approve with changes",
    "reject": "Reject",
    "respond": "Answer in words",
    "changes": "Send back with what should change",
    "close": "Close without an answer",
}
TIMEOUT_WORDS: Mapping[str, str] = {
    "none": "nothing happens",
    "answer": "it gets the default answer",
    "reject": "it is rejected",
    "workflow": "the workflow is told, and goes on as it says for this case",
    "fail": "its run fails",
}
CLOSE_WORDS: Mapping[str, str] = {
    "": "not offered",
    "cancel": "offered; ends the run",
    "ignore": "offered; the workflow is told",
}
_SPANS = ("claim", "undo", "due", "timeout", "link")


@dataclass(frozen=True)
class Said:
    """One key of a policy in words; `source` is who says so, where that was asked."""

    key: str
    label: str
    words: str
    source: str = ""


@dataclass(frozen=True)
class ChangedKey:
    """One key that two versions of a policy say differently; "" where one is silent."""

    label: str
    old: str
    new: str


def described(body: Mapping[str, Any]) -> list[Said]:
    """All that the policy says, in the order of LABELS; keys that nobody knows come last."""
    known = [key for key in LABELS if key in body]
    others = [key for key in body if key not in LABELS]
    return [
        Said(key, LABELS.get(key, key), words_of(key, body[key]))
        for key in (*known, *others)
    ]


def changed_keys(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[ChangedKey]:
    """What leads from one version to the next."""
    keys = [*LABELS, *sorted({*old, *new} - LABELS.keys())]
    return [
        ChangedKey(
            LABELS.get(key, key),
            words_of(key, old[key]) if key in old else "",
            words_of(key, new[key]) if key in new else "",
        )
        for key in keys
        if (key in old, old.get(key)) != (key in new, new.get(key))
    ]


def words_of(key: str, value: Any) -> str:
    """One value in words. What no policy can say is shown as JSON."""
    try:
        return _words(key, value)
    except (TypeError, ValueError, KeyError, AttributeError):
        return json.dumps(value, ensure_ascii=False, default=str)


def _words(key: str, value: Any) -> str:
    if value is None:
        return _nothing(key)
    if key in _SPANS:
        return "none" if value == 0 else span(value)
    if key == "timeout_answer":
        return json.dumps(value, ensure_ascii=False)
    if key in ("four_eyes", "mail"):
        return "yes" if value else "no"
    if key == "quorum":
        return f"{value} {'person' if value == 1 else 'people'}"
    if key == "timeout_action":
        return TIMEOUT_WORDS[value]
    if key == "close":
        return CLOSE_WORDS[value]
    if key == "decisions":
        return ", ".join(DECISION_WORDS[each] for each in value)
    if key == "remind":
        return ", ".join(span(each) for each in value) or "none"
    if key == "escalate":
        return "; ".join(_step(each) for each in value) or "none"
    if isinstance(value, list | tuple):
        return ", ".join(str(each) for each in value) or "none"
    return str(value) if value != "" else "nobody"


def _nothing(key: str) -> str:
    return {
        "decide_groups": "whoever the workflow names",
        "undo": "as long as on the whole site",
        "link": "as long as on the whole site",
        "decisions": "all that the question takes",
        "outside": "the proposal on the link’s page, nothing in a mail",  # noqa: RUF001
    }.get(key, "none")


def _step(step: Mapping[str, Any] | Escalation) -> str:
    said: Mapping[str, Any] = asdict(step) if isinstance(step, Escalation) else step
    acts = []
    if said.get("group"):
        acts.append(f"to {said['group']}")
    if said.get("priority"):
        acts.append(f"priority {said['priority']:+d}")
    return " ".join([f"after {span(said.get('after', 0))}", ", ".join(acts)]).strip()
