"""The fields of the form for a policy: one for each key that a policy may say, in sections.

A field that is left empty says nothing, so that what is beneath the policy holds.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from workflows.services.desk.policy_words import (
    CLOSE_WORDS,
    DECISION_WORDS,
    LABELS,
    TIMEOUT_WORDS,
)

UNITS = ((1, "seconds"), (60, "minutes"), (3600, "hours"), (86400, "days"))


@dataclass(frozen=True)
class Spec:
    """One field: its key, the kind of its control, help in a sentence, and what goes with it.

    Kinds: `count` a number, `span` a number with a unit, `flag` yes or no, `choice` one of
    `choices` (JSON of the value, words), `text`, `json`; `ticks` boxes to tick; and the lists
    `texts`, `spans` and `steps`, whose rows are added one by one.
    """

    key: str
    kind: str
    help: str
    unit: str = ""
    choices: tuple[tuple[str, str], ...] = ()
    row: str = ""

    @property
    def label(self) -> str:
        """What the field is called."""
        return LABELS[self.key]

    @property
    def is_list(self) -> bool:
        """Whether it has rows."""
        return self.kind in {"texts", "spans", "steps"}


@dataclass(frozen=True)
class Section:
    """Fields that belong together."""

    name: str
    title: str
    fields: tuple[Spec, ...]


def _choices(words: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple((json.dumps(value), text) for value, text in words.items())


SECTIONS = (
    Section(
        "who",
        "Who decides",
        (
            Spec(
                "decide_groups",
                "ticks",
                "Only people of these groups may decide. With none ticked, it is whoever may "
                "decide anyway.",
            ),
            Spec(
                "quorum",
                "count",
                "How many different people have to approve. One rejection is always enough.",
                "people",
            ),
            Spec(
                "four_eyes",
                "flag",
                "“Yes” keeps whoever started the work, or edited its state last, from "
                "deciding it themselves.",
            ),
        ),
    ),
    Section(
        "routing",
        "When a question is asked",
        (
            Spec(
                "assign_group",
                "choice",
                "A new question is given to this group; its people are told.",
            ),
            Spec(
                "assign_person",
                "text",
                "A new question is given to this person, by user name.",
            ),
            Spec(
                "priority",
                "count",
                "From -100 to 100; what is more urgent stands higher in the queue.",
            ),
        ),
    ),
    Section(
        "time",
        "By when",
        (
            Spec(
                "due",
                "span",
                "Counted from when it is asked; overdue questions are marked.",
            ),
            Spec(
                "remind",
                "spans",
                "How long before it is due its people are reminded.",
                row="Reminder",
            ),
            Spec(
                "escalate",
                "steps",
                "What happens when it is overdue: it goes to another group, becomes more "
                "urgent, and its people are told.",
                row="Step",
            ),
            Spec("timeout", "span", "Counted from when it is asked."),
            Spec(
                "timeout_action",
                "choice",
                "What becomes of a question that nobody has decided by then.",
                choices=_choices(TIMEOUT_WORDS),
            ),
            Spec(
                "timeout_answer",
                "json",
                "What the workflow gets as the default answer, as JSON. Only used with “it "
                "gets the default answer”.",
            ),
            Spec(
                "claim",
                "span",
                "How long a question that somebody has claimed is kept for them.",
            ),
            Spec(
                "undo",
                "span",
                "How long a decision can be taken back before its workflow goes on; 0 for "
                "not at all.",
            ),
        ),
    ),
    Section(
        "answers",
        "What may be answered",
        (
            Spec(
                "decisions",
                "ticks",
                "Only these are offered. With none ticked, all that the question takes.",
                choices=tuple(DECISION_WORDS.items()),
            ),
            Spec(
                "close",
                "choice",
                "Whether a question can be put away without an answer, and what that does.",
                choices=_choices(CLOSE_WORDS),
            ),
            Spec(
                "reasons",
                "texts",
                "Offered when somebody rejects, in this order; the first nine have the keys "
                "1 to 9.",
                row="Reason",
            ),
        ),
    ),
    Section(
        "telling",
        "How people are told",
        (
            Spec(
                "mail",
                "flag",
                "“No” keeps notices about these questions out of people’s mail.",  # noqa: RUF001
            ),
            Spec(
                "link",
                "span",
                "How long a link in a mail works by which its reader decides; 0 for no links.",
            ),
            Spec(
                "outside",
                "texts",
                "The fields of the question that such a link and a mail show.",
                row="Field",
            ),
        ),
    ),
)
FIELDS: Mapping[str, Spec] = {f.key: f for each in SECTIONS for f in each.fields}


def empty_row(spec: Spec) -> Any:
    """A new row of a list, as it is typed."""
    if spec.kind == "texts":
        return ""
    return {"n": "", "u": "3600", "group": "", "priority": ""}
