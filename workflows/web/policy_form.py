"""A policy as a form: from what it says to fields, and from what was typed back to what it says.

What the form has no field for is kept beside it, so that nothing is lost on the way from JSON
to the form and back.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

from django.http import QueryDict

from workflows.services import strict_json
from workflows.services.desk.policy_words import LABELS
from workflows.services.desk.rules import InvalidPolicy, read_part
from workflows.services.strict_json import JsonProblem
from workflows.web.policy_fields import FIELDS, UNITS, Spec, empty_row

MAX_ROWS = 50
LONGEST = 2_000
_LIST_PARTS = ("n", "u", "group", "priority")
_MISSING = object()


@dataclass
class PolicyForm:
    """What stands in the fields, by key, and what is wrong there (`escalate.0.after`).

    `rest` is what the form has no field for. `focus` is the id of what was just added or moved.
    """

    typed: dict[str, Any] = field(default_factory=dict)
    rest: dict[str, Any] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    focus: str = ""

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> PolicyForm:
        """The form of a policy that says this."""
        form = cls()
        for key, value in body.items():
            spec = FIELDS.get(key)
            shown = _MISSING if spec is None else _shown(spec, value)
            if spec is None or shown is _MISSING or not _is_same(spec, shown, value):
                form.rest[key] = value
            else:
                form.typed[key] = shown
        return form

    @classmethod
    def read(cls, post: QueryDict) -> PolicyForm:
        """What was typed, as it was typed."""
        form = cls()
        for key, spec in FIELDS.items():
            form.typed[key] = _posted(spec, post)
        try:
            rest = strict_json.parse(post.get("rest", "")[:20_000] or "{}")
        except JsonProblem:
            rest = {}
        dropped = set(post.getlist("drop"))
        if isinstance(rest, dict):
            form.rest = {k: v for k, v in rest.items() if k not in dropped}
        return form

    @property
    def rest_text(self) -> str:
        """What the form has no field for, on its way through the page."""
        return json.dumps(self.rest, ensure_ascii=False)

    def press(self, post: QueryDict) -> bool:
        """Do what a button of a list says; False where none was pressed."""
        for name, act in (("_add", _add), ("_remove", _remove), ("_move", _move)):
            words = post.get(name, "").split(":")
            spec = FIELDS.get(words[0])
            if spec is not None and spec.is_list:
                self.focus = act(spec, self.typed[spec.key], words[1:])
                return True
        return False

    def body(self) -> dict[str, Any]:
        """What the form says; raises InvalidPolicy with a text for each field."""
        said: dict[str, Any] = {}
        self.errors = {}
        for key, spec in FIELDS.items():
            if key in self.typed:
                value = self._value(spec, self.typed[key])
                if value is not _MISSING:
                    said[key] = value
        twice = self.rest.keys() & said.keys()
        said = {**{k: v for k, v in self.rest.items() if k not in twice}, **said}
        try:
            read_part({k: v for k, v in said.items() if k not in self._wrong_keys})
        except InvalidPolicy as refusal:
            self.errors |= refusal.errors
        if self.errors:
            raise InvalidPolicy(self.errors)
        return {key: said[key] for key in [*LABELS, *said] if key in said}

    @property
    def _wrong_keys(self) -> set[str]:
        return {path.split(".")[0] for path in self.errors}

    def _value(self, spec: Spec, typed: Any) -> Any:
        if not spec.is_list:
            try:
                return _value(spec, typed)
            except ValueError as error:
                self.errors[spec.key] = str(error)
                return _MISSING
        rows = []
        for at, row in enumerate(typed):
            try:
                rows.append(_row_value(spec, row))
            except _AtPart as error:
                where = f".{error.part}" if error.part else ""
                self.errors[f"{spec.key}.{at}{where}"] = str(error)
        return rows if rows else _MISSING


class _AtPart(ValueError):
    """What is wrong with a row, and at which of its parts."""

    def __init__(self, text: str, part: str = "") -> None:
        super().__init__(text)
        self.part = part


def _value(spec: Spec, typed: Any) -> Any:
    """The value of a field that has no rows; _MISSING where it is empty."""
    if spec.kind == "ticks":
        return list(typed) if typed else _MISSING
    if spec.kind == "span":
        return _span(typed["n"], typed["u"]) if typed["n"].strip() else _MISSING
    text = _clean(typed)
    if not text:
        return _MISSING
    if spec.kind == "count":
        return _whole(text)
    if spec.kind in {"flag", "choice", "json"}:
        try:
            return strict_json.parse(text)
        except JsonProblem as error:
            raise ValueError(str(error)) from error
    return text


def _row_value(spec: Spec, row: Any) -> Any:
    if spec.kind == "texts":
        try:
            text = _clean(row)
        except ValueError as error:
            raise _AtPart(str(error)) from error
        if not text:
            raise _AtPart("say something here, or remove the row")
        return text
    if not row["n"].strip():
        raise _AtPart("say how long, or remove the row", "n")
    try:
        after = _span(row["n"], row["u"])
    except ValueError as error:
        raise _AtPart(str(error), "n") from error
    if spec.kind == "spans":
        return after
    step: dict[str, Any] = {"after": after}
    if row["group"]:
        step["group"] = row["group"]
    if row["priority"].strip():
        try:
            step["priority"] = _whole(row["priority"])
        except ValueError as error:
            raise _AtPart(str(error), "priority") from error
    try:
        read_part({spec.key: [step]})
    except InvalidPolicy as error:
        raise _AtPart(error.errors[spec.key], "priority") from error
    return step


def _clean(text: str) -> str:
    """The text without spaces around it; raises ValueError where it cannot be kept."""
    fault = strict_json.text_fault(text)
    if fault:
        raise ValueError(f"your text {fault}")
    return text.strip()


def _span(number: str, unit: str) -> int:
    """Seconds from a number and the seconds of its unit."""
    sizes = {str(size) for size, _ in UNITS}
    try:
        seconds = Decimal(number.strip().replace(",", ".")) * int(
            unit if unit in sizes else "1"
        )
    except InvalidOperation as error:
        raise ValueError("takes a number, such as 2") from error
    if not seconds.is_finite() or seconds != seconds.to_integral_value():
        raise ValueError("takes a number of whole seconds")
    if not 0 <= seconds <= 10**9:
        raise ValueError("takes a number from 0 up to a year")
    return int(seconds)


def _whole(text: str) -> int:
    digits = text.strip().removeprefix("-").removeprefix("+")
    if not (digits.isascii() and digits.isdigit() and len(digits) < 10):
        raise ValueError("takes a whole number")
    return int(text)


def _shown(spec: Spec, value: Any) -> Any:
    """A value as it would be typed; _MISSING where the field cannot hold it."""
    try:
        if spec.kind == "ticks":
            return [str(each) for each in value] or _MISSING
        if spec.kind == "span":
            return _parts(value)
        if spec.kind == "texts":
            return [str(each) for each in value] or _MISSING
        if spec.kind == "spans":
            return [_parts(each) for each in value] or _MISSING
        if spec.kind == "steps":
            return [
                {
                    **_parts(each["after"]),
                    "group": each.get("group", ""),
                    "priority": str(each.get("priority", "") or ""),
                }
                for each in value
            ] or _MISSING
        if spec.kind == "json":
            return json.dumps(value, ensure_ascii=False)
        if spec.kind in {"flag", "choice"}:
            return json.dumps(value)
        return _MISSING if value == "" else str(value)
    except (TypeError, KeyError, AttributeError):
        return _MISSING


def _parts(seconds: Any) -> dict[str, str]:
    """Seconds in the greatest unit that takes them whole."""
    if isinstance(seconds, bool) or not isinstance(seconds, int) or seconds < 0:
        raise TypeError("no span")
    unit = next(
        s for s, _ in reversed(UNITS) if seconds % s == 0 and (seconds or s == 1)
    )
    return {"n": str(seconds // unit), "u": str(unit)}


def _is_same(spec: Spec, shown: Any, value: Any) -> bool:
    """Whether the field, read again, says what the policy said."""
    form = PolicyForm(typed={spec.key: shown})
    try:
        again = form.body()
        return read_part(again) == read_part({spec.key: value})
    except InvalidPolicy:
        return False


def _posted(spec: Spec, post: QueryDict) -> Any:
    name = f"p.{spec.key}"
    if spec.kind == "ticks":
        return [text[:300] for text in post.getlist(name)]
    if spec.kind == "span":
        return {part: post.get(f"{name}.{part}", "")[:LONGEST] for part in ("n", "u")}
    if spec.is_list:
        return list(_posted_rows(spec, post, name))
    return post.get(name, "")[: 20_000 if spec.kind == "json" else LONGEST]


def _posted_rows(spec: Spec, post: QueryDict, name: str) -> Iterator[Any]:
    count = post.get(f"{name}.rows", "")
    number = int(count) if count.isascii() and count.isdigit() and len(count) < 4 else 0
    for at in range(min(number, MAX_ROWS)):
        if spec.kind == "texts":
            yield post.get(f"{name}.{at}", "")[:LONGEST]
        else:
            yield {
                part: post.get(f"{name}.{at}.{part}", "")[:300] for part in _LIST_PARTS
            }


def _add(spec: Spec, rows: list[Any], _: list[str]) -> str:
    if len(rows) < MAX_ROWS:
        rows.append(empty_row(spec))
    return row_id(spec.key, len(rows) - 1)


def _remove(spec: Spec, rows: list[Any], words: list[str]) -> str:
    at = _place(words, rows)
    if at is not None:
        del rows[at]
    return f"policy-{spec.key}-add"


def _move(spec: Spec, rows: list[Any], words: list[str]) -> str:
    at = _place(words, rows)
    to = None if at is None else at + (-1 if words[1:] == ["up"] else 1)
    if at is None or to is None or not 0 <= to < len(rows):
        return f"policy-{spec.key}-add"
    rows[at], rows[to] = rows[to], rows[at]
    return row_id(spec.key, to)


def _place(words: list[str], rows: list[Any]) -> int | None:
    text = words[0] if words else ""
    is_number = text.isascii() and text.isdigit() and len(text) < 4
    return int(text) if is_number and int(text) < len(rows) else None


def row_id(key: str, at: int) -> str:
    """The id of the first control of a row."""
    return f"policy-{key}-{at}"
