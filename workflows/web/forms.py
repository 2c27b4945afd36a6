"""A form from a JSON Schema: a value to fields, posted data to a value with errors.

Two walks over the same schema, one for each direction. What a person did not touch comes
back exactly as it was proposed, so a control that shows less than the value holds (line
ends, fractions of a second) cannot change it. Adding, removing and moving entries of a list are
buttons that post the form, so nothing here needs JavaScript.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from workflows.web.form_drawing import Drawing, mark_origin
from workflows.web.form_fields import Field, walk
from workflows.web.form_reading import ADD, MOVE, REMOVE, Posted, Reader
from workflows.web.schema import MISSING, Document, Schema

__all__ = ["ADD", "MOVE", "REMOVE", "Form", "Reading", "attach"]


@dataclass
class Reading:
    """What was posted: the value (if it holds together), and the fields to show again."""

    value: Any
    root: Field

    @property
    def errors(self) -> dict[str, str]:
        """Error texts by the html name of their field."""
        return {f.name: f.error_text for f in walk(self.root) if f.errors}

    @property
    def faulty(self) -> list[Field]:
        return [field for field in walk(self.root) if field.errors]


class Form:
    """One schema under one prefix of html names."""

    def __init__(self, schema: Schema | None, *, prefix: str = "v") -> None:
        self.document = Document(schema)
        self.drawing = Drawing(self.document)
        self.prefix = prefix

    @property
    def takes_files(self) -> bool:
        """Whether the page must post as multipart."""
        root = self.draw()
        return any(field.kind == "file" for field in walk(root))

    def draw(self, value: Any = MISSING, proposed: Any = MISSING) -> Field:
        """Make the fields that show `value`; changes are marked against `proposed`."""
        field = self.drawing.draw(self.document.root, self.prefix, "", True, value, 0)
        _without_frame(field)
        if proposed is not MISSING:
            mark_origin(field, self.draw(proposed))
        return field

    def read(
        self,
        data: Posted,
        files: Mapping[str, Any] | None = None,
        proposed: Any = MISSING,
    ) -> Reading:
        """Read posted data; `proposed` is the value the form was drawn from."""
        reader = Reader(self.drawing, data, files or {})
        field, value = reader.read(
            self.document.root, self.prefix, "", True, proposed, 0
        )
        _without_frame(field)
        if proposed is not MISSING:
            mark_origin(field, self.draw(proposed))
        return Reading(value, field)


def attach(root: Field, errors: Mapping[str, str]) -> list[str]:
    """Put a service's errors at their fields; returns the texts that fit no field.

    Places may be JSON pointers (`/items/0`) or paths (`$.items[0]`, `items.0`).
    """
    fields = {field.pointer: field for field in walk(root)}
    left = []
    for place, text in errors.items():
        field = fields.get(_pointer(place))
        if field is None or (field is root and field.children):
            left.append(f"{place}: {text}" if place not in ("", "$") else text)
        else:
            field.errors.append(text)
    return left


def _without_frame(root: Field) -> None:
    """The outermost object is the form itself and needs no heading of its own."""
    if root.kind == "object":
        root.label = ""


def _pointer(place: str) -> str:
    if not place or place.startswith("/"):
        return place
    path = place.removeprefix("$").replace("[", ".").replace("]", "")
    return (
        path.replace(".", "/")
        if path[:1] in {"", "."}
        else f"/{path}".replace(".", "/")
    )
