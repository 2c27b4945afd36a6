"""Does a plain value fit a JSON Schema? The parts that people's answers meet, no more.

Keywords that are not known here (patterns, formats, conditions) let the value pass: the
class behind the schema, where there is one, validates the answer again in the engine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from workflows.services.schema_words import follow

Errors = Iterator[tuple[str, str]]
MAX_ERRORS = 50
MAX_DEPTH = 100

_WORDS = {
    "object": "an object with fields",
    "array": "a list",
    "string": "a text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "null": "nothing",
}
_IS: dict[str, Callable[[Any], bool]] = {
    "object": lambda value: isinstance(value, Mapping),
    "array": lambda value: isinstance(value, list | tuple),
    "string": lambda value: isinstance(value, str),
    "integer": lambda value: _is_whole(value),
    "number": lambda value: _is_number(value),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
}
_LIMITS: dict[str, tuple[Callable[[Any, Any], bool], str]] = {
    "minimum": (lambda value, limit: value >= limit, "at least {}"),
    "maximum": (lambda value, limit: value <= limit, "at most {}"),
    "exclusiveMinimum": (lambda value, limit: value > limit, "more than {}"),
    "exclusiveMaximum": (lambda value, limit: value < limit, "less than {}"),
}
_LENGTHS = {
    "minLength": (str, 1, "at least {} characters"),
    "maxLength": (str, -1, "at most {} characters"),
    "minItems": (list, 1, "at least {} entries"),
    "maxItems": (list, -1, "at most {} entries"),
}


def schema_errors(value: Any, schema: Mapping[str, Any]) -> dict[str, str]:
    """What does not fit, by dotted path; empty where all does."""
    found: dict[str, str] = {}
    for path, text in _check(value, schema, schema, "", 0):
        found.setdefault(path, text)
        if len(found) >= MAX_ERRORS:
            break
    return found


def _check(
    value: Any, schema: Any, root: Mapping[str, Any], path: str, depth: int
) -> Errors:
    spec = follow(schema, root)
    if not spec or depth > MAX_DEPTH:
        return
    wanted = _types(spec)
    if wanted and not any(_IS[name](value) for name in wanted):
        yield path, " or ".join(_WORDS[name] for name in wanted)
        return
    if "const" in spec and not _same(value, spec["const"]):
        yield path, f"must be {spec['const']!r}"
    choices = spec.get("enum")
    if isinstance(choices, list) and not any(_same(value, each) for each in choices):
        yield path, f"one of {', '.join(map(repr, choices))}"
    yield from _measures(value, spec, path)
    yield from _parts(value, spec, root, path, depth)
    yield from _branches(value, spec, root, path, depth)


def _types(spec: Mapping[str, Any]) -> list[str]:
    given = spec.get("type")
    names = given if isinstance(given, list) else [given]
    return [name for name in names if isinstance(name, str) and name in _IS]


def _measures(value: Any, spec: Mapping[str, Any], path: str) -> Errors:
    if _is_number(value):
        for name, (holds, text) in _LIMITS.items():
            if _is_number(spec.get(name)) and not holds(value, spec[name]):
                yield path, text.format(spec[name])
    for name, (kind, sign, text) in _LENGTHS.items():
        limit = spec.get(name)
        if not isinstance(value, kind) or not isinstance(limit, int):
            continue
        if sign * len(value) < sign * limit:
            yield path, text.format(limit)


def _parts(
    value: Any, spec: Mapping[str, Any], root: Mapping[str, Any], path: str, depth: int
) -> Errors:
    if isinstance(value, Mapping):
        fields = spec.get("properties")
        fields = fields if isinstance(fields, Mapping) else {}
        for name in spec.get("required") or ():
            if name not in value:
                yield _join(path, name), "this field is required"
        more = spec.get("additionalProperties", True)
        for name, part in value.items():
            if name in fields:
                yield from _check(
                    part, fields[name], root, _join(path, name), depth + 1
                )
            elif more is False:
                yield _join(path, name), "there is no such field"
            elif isinstance(more, Mapping):
                yield from _check(part, more, root, _join(path, name), depth + 1)
    elif isinstance(value, list | tuple):
        first = spec.get("prefixItems")
        first = first if isinstance(first, list) else []
        for index, part in enumerate(value):
            item = first[index] if index < len(first) else spec.get("items")
            yield from _check(part, item, root, _join(path, index), depth + 1)


def _branches(
    value: Any, spec: Mapping[str, Any], root: Mapping[str, Any], path: str, depth: int
) -> Errors:
    for each in spec.get("allOf") or ():
        yield from _check(value, each, root, path, depth + 1)
    for name in ("anyOf", "oneOf"):
        branches = spec.get(name)
        if not isinstance(branches, list) or not branches:
            continue
        trials = [list(_check(value, each, root, path, depth + 1)) for each in branches]
        if all(trials):
            # The branch that comes nearest tells best what is wrong.
            yield from max(trials, key=lambda trial: (_deepest(trial), -len(trial)))


def _deepest(trial: list[tuple[str, str]]) -> int:
    return max(path.count(".") + bool(path) for path, _ in trial)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_whole(value: Any) -> bool:
    return _is_number(value) and (isinstance(value, int) or value.is_integer())


def _same(value: Any, other: Any) -> bool:
    return isinstance(value, bool) == isinstance(other, bool) and bool(value == other)


def _join(path: str, name: object) -> str:
    return f"{path}.{name}" if path else str(name)
