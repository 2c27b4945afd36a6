"""The records a form is drawn from; templates read them and nothing else."""

import re
from dataclasses import dataclass, field
from typing import Any

from workflows.web.schema import MISSING, Shape

_INPUT_TYPES = {
    "date": "date",
    "time": "time",
    "datetime": "datetime-local",
    "file": "file",
}
_INPUT_MODES = {"integer": "numeric", "number": "decimal"}


@dataclass
class Choice:
    """One option of a select; `value` is what the form posts."""

    value: str
    label: str
    chosen: bool = False


@dataclass
class Branch:
    """One alternative of a union, with the fields that belong to it."""

    value: str
    label: str
    chosen: bool
    body: "Field"


@dataclass
class Field:
    """One control, or a group of them.

    `name` is the html name and the path at once: the form's prefix followed by a JSON
    pointer. `raw` is the text in the control; `origin` the text that was proposed; `tag`
    the type of a value that JSON cannot say and that is edited as text; `source_at` the
    place of a list's entry in the proposal, which removing others does not change.
    """

    name: str
    shape: Shape
    label: str
    required: bool = False
    tag: str = ""
    source_at: int | None = None
    raw: str = ""
    origin: str | None = None
    value: Any = MISSING
    present: bool = True
    checked: bool = False
    choices: list[Choice] = field(default_factory=list)
    children: list["Field"] = field(default_factory=list)
    branches: list[Branch] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    @property
    def kind(self) -> str:
        return self.shape.kind

    @property
    def help(self) -> str:
        return self.shape.help

    @property
    def nullable(self) -> bool:
        return self.shape.nullable

    @property
    def is_conversation(self) -> bool:
        """Whether the entries of this list are messages."""
        return bool(self.shape.schema.get("format") == "conversation")

    @property
    def entry(self) -> str:
        """What one entry of this list is called."""
        return "message" if self.is_conversation else "entry"

    @property
    def id(self) -> str:
        """An html id that is unique because the escape is reversible."""
        return "f" + re.sub(r"[^A-Za-z0-9]", _escape, self.name)

    @property
    def input_type(self) -> str:
        return _INPUT_TYPES.get(self.kind, "text")

    @property
    def input_mode(self) -> str:
        return "decimal" if self.tag == "Decimal" else _INPUT_MODES.get(self.kind, "")

    @property
    def rows(self) -> int:
        lines = self.raw.count("\n") + 1 + len(self.raw) // 90
        return max(4, min(lines + 1, 24))

    @property
    def template(self) -> str:
        """The fragment that draws this field."""
        group = self.kind in {"object", "array", "union", "const"}
        return f"workflows/forms/_{self.kind if group else 'control'}.html"

    @property
    def error_text(self) -> str:
        return " ".join(self.errors)

    @property
    def is_changed(self) -> bool:
        return self.origin is not None and self.origin != self.raw

    @property
    def described_by(self) -> str:
        parts = [f"{self.id}-help"] if self.help else []
        if self.errors:
            parts.append(f"{self.id}-error")
        return " ".join(parts)

    @property
    def pointer(self) -> str:
        """Where in the value this field stands, as a JSON pointer.

        The branches of a union (`~b0`) are steps of the form, not of the value.
        """
        start = self.name.find("/")
        return "" if start < 0 else re.sub(r"/~b\d+", "", self.name[start:])


def walk(root: Field) -> list[Field]:
    """List a field with all below it, in the order of the page."""
    found = [root]
    for child in root.children:
        found.extend(walk(child))
    for branch in root.branches:
        if branch.chosen:
            found.extend(walk(branch.body))
    return found


def join(name: str, key: str | int) -> str:
    """Go one step down from a field's name."""
    text = str(key).replace("~", "~0").replace("/", "~1")
    return f"{name}/{text}"


def _escape(match: re.Match[str]) -> str:
    return "-" if match.group() == "/" else f"_{ord(match.group()):x}_"
