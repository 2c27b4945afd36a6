"""JSON Schema as a form sees it: references resolved, null taken out, one kind a node.

What is not known here becomes kind "json", for that node alone: a text box that holds
JSON, so no schema can make a whole form unusable.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from workflows.services.tagged import TEXTS, text_tag

Schema = Mapping[str, Any]

MISSING: Any = type("Missing", (), {"__repr__": lambda self: "MISSING"})()
"""Says that a key has no value at all, where None would be JSON's null."""

LONG_TEXT = 80
MAX_NESTING = 8
# Deeper than this, a part that contains itself is edited as JSON: fields multiply by level.
MAX_RECURSION = 3
MAX_ITEMS = 200
MAX_FILE_BYTES = 2 * 1024 * 1024

MAX_VARIANTS = 8
_KIND_WORDS = {
    **{"text": "Text", "long": "Text", "file": "File", "date": "Date", "time": "Time"},
    **{"datetime": "Date and time", "integer": "Whole number", "number": "Number"},
    **{"boolean": "Yes or no", "object": "Several fields", "array": "List"},
    "select": "One of a list",
}
_SCALARS = {"string", "integer", "number", "boolean"}
_ANNOTATIONS = ("title", "description", "default", "examples")


@dataclass(frozen=True)
class Variant:
    """One alternative of a union; objects may be told apart by the value of their tag."""

    tag: Any
    label: str
    schema: Schema


@dataclass(frozen=True)
class Shape:
    """What a form has to know of one node of the schema.

    `kind` is one of text, long, integer, number, boolean, select, const, date, time,
    datetime, file, object, array, union, json. `names` are what people read for `choices`,
    where the author named them. A union without `tag` is told apart by what fits.
    """

    kind: str
    schema: Schema
    nullable: bool = False
    choices: tuple[Any, ...] = ()
    names: tuple[str, ...] = ()
    properties: Mapping[str, Schema] = field(default_factory=dict)
    required: frozenset[str] = frozenset()
    items: Schema | None = None
    tag: str = ""
    variants: tuple[Variant, ...] = ()

    @property
    def label(self) -> str:
        """The author's own name for the node, or nothing."""
        return str(self.schema.get("title", ""))

    @property
    def help(self) -> str:
        return str(self.schema.get("description", ""))

    @property
    def default(self) -> Any:
        return self.schema.get("default", MISSING)

    def name_of(self, at: int) -> str:
        """What people read for the choice at that place."""
        return self.names[at] if at < len(self.names) else str(self.choices[at])


class Document:
    """A whole schema, which its parts refer to by `$ref`."""

    def __init__(self, schema: Schema | bool | None) -> None:
        self.root: Schema = schema if isinstance(schema, Mapping) else {}
        self._circles: dict[str, bool] = {}

    def shape(self, schema: Any, depth: int = 0) -> Shape:
        """Describe one node; a node nested too deep, or unknown, is JSON."""
        if not isinstance(schema, Mapping):
            return Shape("json", {})
        node = self._resolve(schema)
        node, nullable = self._without_null(node)
        limit = MAX_RECURSION if self._contains_itself(schema) else MAX_NESTING
        if depth > limit:
            return Shape("json", node, nullable)
        return (
            self._constant(node, nullable)
            or self._union(node, nullable)
            or (self._typed(node, nullable))
        )

    def _constant(self, node: Schema, nullable: bool) -> Shape | None:
        if "const" in node:
            return Shape("const", node, nullable, choices=(node["const"],))
        choices = node.get("enum")
        if not isinstance(choices, list) or not choices:
            return None
        if len(choices) == 1 and not nullable:
            return Shape("const", node, choices=tuple(choices))
        return Shape("select", node, nullable, choices=tuple(choices))

    def _union(self, node: Schema, nullable: bool) -> Shape | None:
        options = node.get("oneOf") or node.get("anyOf")
        if not options:
            return None
        branches = [self._resolve(option) for option in options]
        values = [_constant_of(branch) for branch in branches]
        if MISSING not in values:
            names = tuple(
                str(option.get("title") or branch.get("title") or value)
                for option, branch, value in zip(options, branches, values, strict=True)
            )
            return Shape("select", node, nullable, choices=tuple(values), names=names)
        tag = str(node.get("discriminator", {}).get("propertyName", ""))
        tag = tag or self._common_tag(branches)
        if not tag:
            return self._untagged(node, nullable, options, branches)
        variants = []
        for option, branch in zip(options, branches, strict=True):
            value = _constant_of(
                self._resolve(branch.get("properties", {}).get(tag, {}))
            )
            if value is MISSING:
                return Shape("json", node, nullable)
            label = str(option.get("title") or readable(str(value)))
            variants.append(Variant(value, label, branch))
        return Shape("union", node, nullable, tag=tag, variants=tuple(variants))

    def _untagged(
        self, node: Schema, nullable: bool, options: list[Any], branches: list[Schema]
    ) -> Shape:
        """Alternatives of different kinds, each with a control of its own."""
        kinds = [
            "select" if "enum" in branch else self._typed(branch, False).kind
            for branch in branches
        ]
        if "json" in kinds or len(options) > MAX_VARIANTS:
            return Shape("json", node, nullable)
        variants = tuple(
            Variant(MISSING, str(branch.get("title") or _KIND_WORDS[kind]), option)
            for option, branch, kind in zip(options, branches, kinds, strict=True)
        )
        return Shape("union", node, nullable, variants=variants)

    def _common_tag(self, branches: list[Schema]) -> str:
        """Name a property that is a different constant in each branch."""
        first = branches[0].get("properties", {})
        for name in first:
            values = [
                _constant_of(self._resolve(branch.get("properties", {}).get(name, {})))
                for branch in branches
            ]
            if MISSING not in values and len({repr(v) for v in values}) == len(values):
                return str(name)
        return ""

    def _typed(self, node: Schema, nullable: bool) -> Shape:
        kind = node.get("type")
        if kind == "object" or (kind is None and "properties" in node):
            properties = node.get("properties") or {}
            if not properties:
                return Shape("json", node, nullable)
            required = frozenset(node.get("required", ()))
            return Shape(
                "object", node, nullable, properties=properties, required=required
            )
        if kind == "array":
            items = node.get("items")
            if not isinstance(items, Mapping) or not items or "prefixItems" in node:
                return Shape("json", node, nullable)
            if self.shape(items).kind == "json":
                return Shape("json", node, nullable)
            return Shape("array", node, nullable, items=items)
        if kind == "string":
            return Shape(_text_kind(node), node, nullable)
        if kind in _SCALARS:
            return Shape(str(kind), node, nullable)
        return Shape("json", node, nullable)

    def _resolve(self, schema: Schema) -> Schema:
        """Follow `$ref` inside the document and fold `allOf` of one part."""
        seen: set[str] = set()
        node = schema
        while True:
            if "$ref" in node:
                reference = str(node["$ref"])
                if reference in seen:
                    return {}
                seen.add(reference)
                target = _without_class_words(self._lookup(reference))
            elif len(node.get("allOf", ())) == 1:
                target = node["allOf"][0]
            else:
                return node
            kept = {key: node[key] for key in _ANNOTATIONS if key in node}
            node = {**target, **kept}

    def _contains_itself(self, schema: Schema) -> bool:
        """Whether following this reference leads back to it."""
        reference = schema.get("$ref")
        if not isinstance(reference, str):
            return False
        if reference not in self._circles:
            self._circles[reference] = self._leads_to(reference)
        return self._circles[reference]

    def _leads_to(self, wanted: str) -> bool:
        seen: set[str] = set()
        left: list[Any] = [self._lookup(wanted)]
        while left:
            node = left.pop()
            if isinstance(node, Mapping):
                reference = node.get("$ref")
                if reference == wanted:
                    return True
                if isinstance(reference, str) and reference not in seen:
                    seen.add(reference)
                    left.append(self._lookup(reference))
                left.extend(node.values())
            elif isinstance(node, list):
                left.extend(node)
        return False

    def _lookup(self, reference: str) -> Schema:
        if not reference.startswith("#"):
            return {}
        node: Any = self.root
        for part in reference.lstrip("#").split("/")[1:]:
            key = part.replace("~1", "/").replace("~0", "~")
            if not isinstance(node, Mapping) or key not in node:
                return {}
            node = node[key]
        return node if isinstance(node, Mapping) else {}

    def _without_null(self, node: Schema) -> tuple[Schema, bool]:
        kinds = node.get("type")
        if isinstance(kinds, list):
            rest = [kind for kind in kinds if kind != "null"]
            if len(rest) == 1:
                nullable = len(rest) < len(kinds)
                return {**node, "type": rest[0]}, nullable
            return {k: v for k, v in node.items() if k != "type"}, "null" in kinds
        for word in ("anyOf", "oneOf"):
            options = node.get(word)
            if not isinstance(options, list):
                continue
            rest = [option for option in options if not _is_null(option)]
            if len(rest) == len(options):
                continue
            outer = {k: v for k, v in node.items() if k != word}
            if len(rest) == 1:
                return self._resolve({**self._resolve(rest[0]), **outer}), True
            return {**outer, word: rest}, True
        if isinstance(node.get("enum"), list) and None in node["enum"]:
            rest = [choice for choice in node["enum"] if choice is not None]
            return {**node, "enum": rest}, True
        return node, False


def infer(value: Any, depth: int = 0) -> dict[str, Any]:
    """Describe a plain value by a schema that keeps its form: the last resort of a form."""
    tag = text_tag(value)
    if tag:
        return {"type": "string", "format": TEXTS[tag][0]}
    if isinstance(value, bool):
        return {"type": "boolean"}
    if isinstance(value, int):
        return {"type": "integer"}
    if isinstance(value, float):
        return {"type": "number"}
    if isinstance(value, str):
        long = "\n" in value or len(value) > LONG_TEXT
        return {"type": "string", **({"format": "long"} if long else {})}
    if depth > MAX_NESTING - 2 or not value or "$t" in value:
        return {}
    if isinstance(value, dict):
        parts = {key: infer(item, depth + 1) for key, item in value.items()}
        return {"type": "object", "properties": parts, "required": list(parts)}
    if isinstance(value, list) and len(value) <= MAX_ITEMS:
        items = [infer(item, depth + 1) for item in value]
        if all(item == items[0] for item in items) and items[0]:
            return {"type": "array", "items": items[0]}
        kinds = {item.get("type") for item in items}
        if kinds == {"string"}:
            return {"type": "array", "items": {"type": "string", "format": "long"}}
    return {}


def readable(key: str) -> str:
    """Turn a key into a label: `unit_price` into "Unit price"."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", key).replace("_", " ").strip()
    return words[:1].upper() + words[1:] if words else key


def _without_class_words(target: Schema) -> Schema:
    """Leave out the name and the docstring of a class: they speak to programmers."""
    if "properties" not in target:
        return target
    return {k: v for k, v in target.items() if k not in {"title", "description"}}


def _text_kind(node: Schema) -> str:
    if "contentMediaType" in node and node.get("format") != "long":
        return "file"
    wanted = node.get("format")
    if wanted in {"date", "time"}:
        return str(wanted)
    if wanted == "date-time":
        return "datetime"
    if wanted in {"long", "textarea", "markdown"}:
        return "long"
    return "long" if node.get("maxLength", 0) > 4 * LONG_TEXT else "text"


def _constant_of(node: Schema) -> Any:
    if "const" in node:
        return node["const"]
    choices = node.get("enum")
    if isinstance(choices, list) and len(choices) == 1:
        return choices[0]
    return MISSING


def _is_null(option: Any) -> bool:
    return isinstance(option, Mapping) and option.get("type") == "null"
