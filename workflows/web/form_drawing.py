"""A value to the fields that show it."""

from dataclasses import replace
from typing import Any

from workflows.services.tagged import text_tag
from workflows.web import form_values
from workflows.web.form_fields import Branch, Choice, Field, join, walk
from workflows.web.schema import MAX_ITEMS, MISSING, Document, Shape, readable

_TEXTS = {"text", "long", "date", "time", "datetime", "file"}
_TAKES_TAGS = _TEXTS | {"number"}
_TYPES = {
    "object": dict,
    "array": list,
    "boolean": bool,
    "integer": int,
    "number": (int, float),
}


class Drawing:
    """Draws the fields of one document."""

    def __init__(self, document: Document) -> None:
        self.document = document

    def draw(
        self, schema: Any, name: str, label: str, required: bool, value: Any, depth: int
    ) -> Field:
        shape = self.document.shape(schema, depth)
        if value is MISSING:
            value = shape.default
        shape, value, tag = untagged(shape, value)
        shape = self.settled(shape, value)
        field = self.blank(shape, name, label, required)
        field.tag = tag
        field.value = value
        field.present = value is not None and value is not MISSING
        if shape.kind == "object":
            field.present = field.present or (required and not shape.nullable)
            source = value if isinstance(value, dict) else {}
            field.children = [
                self.draw(
                    part,
                    join(name, key),
                    readable(key),
                    key in shape.required,
                    source.get(key, MISSING),
                    depth + 1,
                )
                for key, part in shape.properties.items()
            ]
        elif shape.kind == "array":
            items = value if isinstance(value, list) else []
            for at, item in enumerate(items):
                child = self.draw(
                    shape.items,
                    join(name, at),
                    f"{field.entry.capitalize()} {at + 1}",
                    True,
                    item,
                    depth + 1,
                )
                child.source_at = at
                field.children.append(child)
        elif shape.kind == "union":
            field.branches = self._branches(field, value, depth)
        else:
            self._fill(field, value)
        return field

    def blank(self, shape: Shape, name: str, label: str, required: bool) -> Field:
        return Field(name, shape, shape.label or label, required)

    def _branches(self, field: Field, value: Any, depth: int) -> list[Branch]:
        chosen = self.variant_of(field.shape, value)
        branches = []
        for index, variant in enumerate(field.shape.variants):
            body = self.draw(
                variant.schema,
                f"{field.name}/~b{index}",
                "",
                True,
                value if index == chosen else MISSING,
                depth + 1,
            )
            branches.append(alternative(field.shape, index, body, index == chosen))
        return branches

    def settled(self, shape: Shape, value: Any) -> Shape:
        """The shape, or JSON where its control could not show this value."""
        is_lost = (
            shape.kind == "union"
            and value is not MISSING
            and value is not None
            and not (shape.tag and isinstance(value, dict))
            and self.variant_of(shape, value) is None
        )
        if is_lost or not fits(shape, value):
            return Shape("json", shape.schema, shape.nullable)
        return shape

    def variant_of(self, shape: Shape, value: Any) -> int | None:
        """Which alternative of a union the value is; None where it is none."""
        if value is MISSING or value is None:
            return None
        for index, variant in enumerate(shape.variants):
            if shape.tag:
                if isinstance(value, dict) and same(value.get(shape.tag), variant.tag):
                    return index
            elif _is_of(self.document.shape(variant.schema), value):
                return index
        return None

    def _fill(self, field: Field, value: Any) -> None:
        shape = field.shape
        if shape.kind == "boolean":
            field.checked = value is True
            if not field.required or shape.nullable:
                field.choices = yes_no(value)
        elif shape.kind == "select":
            field.choices = [
                Choice(str(at), shape.name_of(at), same(choice, value))
                for at, choice in enumerate(shape.choices)
            ]
        elif shape.kind == "const":
            field.value = shape.choices[0]
            field.raw = str(field.value)
        elif shape.kind != "json" or value is not MISSING:
            field.raw = form_values.to_raw(shape, value)
        field.raw = field.raw or next((c.value for c in field.choices if c.chosen), "")


def alternative(shape: Shape, index: int, body: Field, is_chosen: bool) -> Branch:
    """One alternative of a union, whose name and tag its own button says already."""
    if body.kind == "object":
        body.label = ""
    for child in body.children:
        if (
            shape.tag
            and child.kind == "const"
            and child.name == join(body.name, shape.tag)
        ):
            child.label = ""
    return Branch(str(index), shape.variants[index].label, is_chosen, body)


def mark_origin(field: Field, proposed: Field) -> None:
    """Remember in each field the text that was proposed, to mark what changed."""
    before = {item.name: item for item in walk(proposed)}
    for item in walk(field):
        other = before.get(item.name)
        if other is not None and other.kind == item.kind:
            item.origin = other.raw


def untagged(shape: Shape, value: Any) -> tuple[Shape, Any, str]:
    """The shape, text and tag of a value that is edited as text; others as they are."""
    tag = text_tag(value)
    if not tag or shape.kind not in _TAKES_TAGS:
        if isinstance(value, str) and not form_values.is_showable(shape, value):
            shape = replace(shape, kind="text")
        return shape, value, ""
    kind = {"date": "date", "datetime": "datetime"}.get(tag, "text")
    return replace(shape, kind=kind), value["v"], tag


def fits(shape: Shape, value: Any) -> bool:
    """Whether the control can show this value; a tagged value or a surprise cannot."""
    if value is MISSING or value is None:
        return True
    wanted: Any = str if shape.kind in _TEXTS else _TYPES.get(shape.kind)
    if wanted is None:
        return shape.kind != "select" or any(same(c, value) for c in shape.choices)
    if isinstance(value, bool) and shape.kind in {"integer", "number"}:
        return False
    if isinstance(value, dict) and "$t" in value:
        return False
    if isinstance(value, list) and len(value) > MAX_ITEMS:
        return False
    if isinstance(value, str) and not form_values.is_showable(shape, value):
        return False
    return isinstance(value, wanted)


def _is_of(shape: Shape, value: Any) -> bool:
    """Whether a value is of this alternative's kind."""
    if shape.kind == "object":
        return isinstance(value, dict) and shape.required <= value.keys()
    if shape.kind == "const":
        return same(shape.choices[0], value)
    return fits(shape, value)


def yes_no(value: Any) -> list[Choice]:
    return [Choice("1", "Yes", value is True), Choice("0", "No", value is False)]


def same(one: Any, other: Any) -> bool:
    return type(one) is type(other) and bool(one == other)
