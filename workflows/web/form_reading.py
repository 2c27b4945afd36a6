"""Posted data to a value, with errors at their fields."""

from collections.abc import Mapping
from typing import Any, Protocol

from workflows.services.tagged import EXAMPLES, is_readable
from workflows.web import form_values
from workflows.web.form_drawing import Drawing, alternative, untagged, yes_no
from workflows.web.form_fields import Choice, Field, join
from workflows.web.form_values import Unreadable
from workflows.web.schema import MAX_FILE_BYTES, MAX_ITEMS, MISSING, readable

ADD = "_add"
REMOVE = "_remove"
# Its value is the entry's name, a colon, and "up" or "down".
MOVE = "_move"


class Posted(Protocol):
    """Django's QueryDict, as far as a form needs it."""

    def get(self, key: str, default: str, /) -> Any: ...

    def __contains__(self, key: object, /) -> bool: ...


class Reader:
    """Walks the schema along what was posted."""

    def __init__(
        self, drawing: Drawing, data: Posted, files: Mapping[str, Any]
    ) -> None:
        self.drawing = drawing
        self.document = drawing.document
        self.data = data
        self.files = files
        self.added = str(data.get(ADD, ""))
        self.removed = str(data.get(REMOVE, ""))
        self.moved, _, self.direction = str(data.get(MOVE, "")).rpartition(":")

    def read(
        self, schema: Any, name: str, label: str, required: bool, old: Any, depth: int
    ) -> tuple[Field, Any]:
        shape = self.document.shape(schema, depth)
        shape, old, tag = untagged(shape, old)
        shape = self.drawing.settled(shape, old)
        field = self.drawing.blank(shape, name, label, required)
        field.tag = tag
        if shape.kind == "object":
            value = self._object(field, old, depth)
        elif shape.kind == "array":
            value = self._array(field, old, depth)
        elif shape.kind == "union":
            value = self._union(field, old, depth)
        elif shape.kind == "const":
            field.raw = str(shape.choices[0])
            value = shape.choices[0] if required or old is not MISSING else MISSING
        elif shape.kind == "boolean":
            value = self._boolean(field)
        elif shape.kind == "select":
            value = self._select(field)
        elif shape.kind == "file":
            value = self._file(field, old)
        else:
            value = self._text(field, old)
        if tag and isinstance(value, str):
            value = self._tagged(field, value)
        field.value = value
        return field, value

    def _object(self, field: Field, old: Any, depth: int) -> Any:
        shape, name = field.shape, field.name
        source = old if isinstance(old, dict) else {}
        if self._may_be_unset(field) and f"{name}/~set" not in self.data:
            field.present = False
            field.children = self.drawing.draw(
                shape.schema, name, field.label, field.required, MISSING, depth
            ).children
            return None if shape.nullable else MISSING
        found = {
            key: item for key, item in source.items() if key not in shape.properties
        }
        for key, part in shape.properties.items():
            child, value = self.read(
                part,
                join(name, key),
                readable(key),
                key in shape.required,
                source.get(key, MISSING),
                depth + 1,
            )
            field.children.append(child)
            if value is not MISSING:
                found[key] = value
        return _in_order_of(source, found)

    def _array(self, field: Field, old: Any, depth: int) -> Any:
        source = old if isinstance(old, list) else []
        count = self._count(field)
        kept = self._places(field, count)
        found = []
        for new_at, at in enumerate(kept):
            came_from = self._came_from(join(field.name, at), at, len(source))
            child, value = self.read(
                field.shape.items,
                join(field.name, at),
                f"Entry {new_at + 1}",
                True,
                MISSING if came_from is None else source[came_from],
                depth + 1,
            )
            child.source_at = came_from
            field.children.append(child)
            found.append(None if value is MISSING else value)
        if self.added == field.name and len(found) < MAX_ITEMS:
            field.children.append(
                self.drawing.draw(
                    field.shape.items,
                    join(field.name, len(kept)),
                    f"Entry {len(kept) + 1}",
                    True,
                    MISSING,
                    depth + 1,
                )
            )
        if kept != list(range(count)):
            self._renumber(field)
        if not found and not field.required and old in (MISSING, None):
            return None if old is None else MISSING
        self._note(field, form_values.check(field.shape, found))
        return found

    def _places(self, field: Field, count: int) -> list[int]:
        """The posted entries in their new order, without one that was taken out."""
        names = [join(field.name, at) for at in range(count)]
        kept = [at for at in range(count) if names[at] != self.removed]
        if self.moved in names:
            at = names.index(self.moved)
            other = at - 1 if self.direction == "up" else at + 1
            if 0 <= other < count:
                kept[at], kept[other] = kept[other], kept[at]
        return kept

    def _count(self, field: Field) -> int:
        try:
            count = int(self.data.get(f"{field.name}/~n", "0"))
        except ValueError:
            count = 0
        return max(0, min(count, MAX_ITEMS))

    def _came_from(self, name: str, at: int, length: int) -> int | None:
        text = str(self.data.get(f"{name}/~from", str(at)))
        came_from = int(text) if text.isascii() and text.isdigit() else length
        return came_from if came_from < length else None

    def _renumber(self, field: Field) -> None:
        for new_at, child in enumerate(field.children):
            before, after = child.name, join(field.name, new_at)
            if before != after:
                _rename(child, before, after)

    def _union(self, field: Field, old: Any, depth: int) -> Any:
        chosen = str(self.data.get(field.name, ""))
        result: Any = MISSING
        was = self.drawing.variant_of(field.shape, old)
        for index, variant in enumerate(field.shape.variants):
            name = f"{field.name}/~b{index}"
            before = old if index == was else MISSING
            if str(index) == chosen:
                body, result = self.read(
                    variant.schema, name, "", True, before, depth + 1
                )
                if isinstance(result, dict) and field.shape.tag:
                    result = {field.shape.tag: variant.tag, **result}
            else:
                body = self.drawing.draw(
                    variant.schema, name, "", True, before, depth + 1
                )
            field.branches.append(
                alternative(field.shape, index, body, str(index) == chosen)
            )
        if result is MISSING:
            if field.nullable:
                return None
            if field.required:
                self._note(field, "Choose one.")
        return result

    def _boolean(self, field: Field) -> Any:
        if field.required and not field.nullable:
            field.checked = field.name in self.data
            return field.checked
        raw = str(self.data.get(field.name, ""))
        value: Any = {"1": True, "0": False}.get(raw, MISSING)
        field.raw = raw
        field.choices = yes_no(value)
        if value is MISSING and field.nullable:
            return None
        return value

    def _select(self, field: Field) -> Any:
        raw = str(self.data.get(field.name, ""))
        field.raw = raw
        value: Any = MISSING
        for at, choice in enumerate(field.shape.choices):
            chosen = str(at) == raw
            field.choices.append(Choice(str(at), field.shape.name_of(at), chosen))
            value = choice if chosen else value
        if value is MISSING:
            if raw:
                self._note(field, "Choose one of the options.")
            return self._empty(field)
        return value

    def _file(self, field: Field, old: Any) -> Any:
        upload = self.files.get(field.name)
        if upload is None:
            return self._text(field, old) if old is not MISSING else self._empty(field)
        if upload.size > MAX_FILE_BYTES:
            self._note(field, "Choose a file of at most 2 MiB.")
            return MISSING
        try:
            text = upload.read().decode("utf-8")
        except UnicodeDecodeError as problem:
            place = problem.start + 1
            self._note(field, f"The file is not UTF-8 text: byte {place}.")
            return MISSING
        return self._checked(field, text)

    def _text(self, field: Field, old: Any) -> Any:
        raw = str(self.data.get(field.name, ""))
        shown = form_values.to_raw(field.shape, old)
        if old is not MISSING and _same_text(raw, shown):
            field.raw = shown
            self._note(field, form_values.check(field.shape, old))
            return old
        field.raw = raw = raw.replace("\r\n", "\n")
        is_text = field.kind in {"text", "long", "file"}
        if not (raw if is_text else raw.strip()):
            if is_text and isinstance(old, str) and not field.nullable:
                return self._checked(field, "")
            return self._empty(field)
        return self._checked(field, raw)

    def _checked(self, field: Field, raw: str) -> Any:
        try:
            value = form_values.from_raw(field.shape, raw)
        except Unreadable as problem:
            self._note(field, str(problem))
            return MISSING
        self._note(field, form_values.check(field.shape, value))
        return value

    def _tagged(self, field: Field, text: str) -> Any:
        text = text.strip()
        if not is_readable(field.tag, text):
            self._note(
                field, f"This is not a {field.tag}; an example: {EXAMPLES[field.tag]}"
            )
        return {"$t": field.tag, "v": text}

    def _empty(self, field: Field) -> Any:
        if field.nullable:
            return None
        if field.required:
            self._note(field, "Fill this in.")
        return MISSING

    def _may_be_unset(self, field: Field) -> bool:
        return field.nullable or not field.required

    def _note(self, field: Field, text: str) -> None:
        if text:
            field.errors.append(text)


def _same_text(posted: str, shown: str) -> bool:
    return posted.replace("\r\n", "\n") == shown.replace("\r\n", "\n")


def _in_order_of(source: Mapping[str, Any], found: dict[str, Any]) -> dict[str, Any]:
    """Keep the proposal's order of keys; new ones follow."""
    known = {key: found[key] for key in source if key in found}
    return {**known, **found}


def _rename(field: Field, before: str, after: str) -> None:
    field.name = after + field.name[len(before) :]
    for child in field.children:
        _rename(child, before, after)
    for branch in field.branches:
        _rename(branch.body, before, after)
