"""The form of a policy as its template draws it: sections of controls, with what is wrong where."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from workflows.services.desk.policy_words import words_of
from workflows.services.desk.rules import Rules
from workflows.web.policy_fields import SECTIONS, UNITS, Spec
from workflows.web.policy_form import PolicyForm, row_id


@dataclass(frozen=True)
class Choice:
    """One that can be chosen or ticked."""

    value: str
    words: str
    is_chosen: bool


@dataclass
class Row:
    """One row of a list; `errors` by part."""

    at: int
    id: str
    text: str = ""
    number: str = ""
    units: list[Choice] = field(default_factory=list)
    groups: list[Choice] = field(default_factory=list)
    priority: str = ""
    errors: dict[str, str] = field(default_factory=dict)
    is_focus: bool = False


@dataclass
class Control:
    """One field; `otherwise` tells what holds where it says nothing."""

    spec: Spec
    id: str
    name: str
    otherwise: str
    text: str = ""
    number: str = ""
    units: list[Choice] = field(default_factory=list)
    choices: list[Choice] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    error: str = ""
    is_focus: bool = False

    @property
    def is_said(self) -> bool:
        """Whether the policy says something here."""
        chosen = any(each.is_chosen and each.value for each in self.choices)
        return bool(self.text or self.number or self.rows or chosen)


@dataclass(frozen=True)
class DrawnSection:
    """Fields that belong together; `is_said` where one of them says something."""

    name: str
    title: str
    controls: list[Control]

    @property
    def is_said(self) -> bool:
        """Whether the policy says something in this section, or something is wrong there."""
        return any(each.is_said or each.error for each in self.controls)


@dataclass(frozen=True)
class Faulty:
    """A line of the list at the top, with the id of the control it is about."""

    id: str
    label: str
    error_text: str


def draw(
    form: PolicyForm, groups: Iterable[str], otherwise: Rules
) -> list[DrawnSection]:
    """The sections with all that was typed."""
    names = list(groups)
    return [
        DrawnSection(
            each.name,
            each.title,
            [_control(spec, form, names, otherwise) for spec in each.fields],
        )
        for each in SECTIONS
    ]


def faults(sections: list[DrawnSection], others: Mapping[str, str]) -> list[Faulty]:
    """All that is wrong, in the order of the page; `others` are places outside the sections."""
    found = [
        Faulty(f"policy-{key}", *_NAMES[key], text) for key, text in others.items()
    ]
    for section in sections:
        for control in section.controls:
            if control.error:
                found.append(Faulty(control.id, control.spec.label, control.error))
            for row in control.rows:
                label = f"{control.spec.label}, {control.spec.row.lower()} {row.at + 1}"
                found += [
                    Faulty(_part_id(row, part), label, text)
                    for part, text in row.errors.items()
                ]
    return found


_NAMES: Mapping[str, tuple[str]] = {
    "workflow": ("Workflow",),
    "node": ("Step",),
    "reason": ("Why",),
    "body": ("The rules as JSON",),
    "rest": ("What only JSON can say",),
}


def _part_id(row: Row, part: str) -> str:
    return f"{row.id}-{part}" if part in {"group", "priority"} else row.id


def _control(
    spec: Spec, form: PolicyForm, groups: list[str], otherwise: Rules
) -> Control:
    typed = form.typed.get(spec.key)
    control = Control(
        spec,
        f"policy-{spec.key}",
        f"p.{spec.key}",
        words_of(spec.key, getattr(otherwise, spec.key)),
        error=form.errors.get(spec.key, ""),
        is_focus=form.focus == f"policy-{spec.key}-add",
    )
    if spec.is_list:
        control.rows = [
            _row(spec, form, at, typed, groups) for at, typed in enumerate(typed or ())
        ]
    elif spec.kind == "ticks":
        control.choices = _ticks(spec, typed or [], groups)
    elif spec.kind == "span":
        control.number = typed["n"] if typed else ""
        control.units = _units(typed["u"] if typed else "", spec)
    elif spec.kind in {"flag", "choice"}:
        control.choices = _one_of(spec, typed or "", groups)
    else:
        control.text = typed or ""
    return control


def _row(spec: Spec, form: PolicyForm, at: int, typed: Any, groups: list[str]) -> Row:
    start = f"{spec.key}.{at}"
    row = Row(
        at,
        row_id(spec.key, at),
        errors={
            path.removeprefix(start).removeprefix("."): text
            for path, text in form.errors.items()
            if path == start or path.startswith(f"{start}.")
        },
        is_focus=form.focus == row_id(spec.key, at),
    )
    if spec.kind == "texts":
        row.text = typed
        return row
    row.number = typed["n"]
    row.units = _units(typed["u"], spec)
    if spec.kind == "steps":
        row.priority = typed["priority"]
        named = [*groups, *({typed["group"]} - {*groups, ""})]
        row.groups = [Choice(each, each, each == typed["group"]) for each in named]
    return row


def _units(chosen: str, spec: Spec) -> list[Choice]:
    usual = chosen or {"claim": "60", "undo": "1"}.get(spec.key, "3600")
    return [Choice(str(size), word, str(size) == usual) for size, word in UNITS]


def _ticks(spec: Spec, ticked: list[str], groups: list[str]) -> list[Choice]:
    known = spec.choices or tuple((name, name) for name in groups)
    values = {value for value, _ in known}
    more = tuple((each, each) for each in ticked if each not in values)
    return [Choice(v, words, v in ticked) for v, words in (*known, *more)]


def _one_of(spec: Spec, chosen: str, groups: list[str]) -> list[Choice]:
    if spec.kind == "flag":
        known: list[tuple[str, str]] = [("true", "Yes"), ("false", "No")]
    elif spec.key == "assign_group":
        known = [('""', "No group")]
        known += [(json.dumps(name), name) for name in groups]
    else:
        known = [
            (value, words[:1].upper() + words[1:]) for value, words in spec.choices
        ]
    if chosen and chosen not in {value for value, _ in known}:
        known.append((chosen, chosen.strip('"')))
    return [Choice(value, words, value == chosen) for value, words in known]
