"""Read JSON from people the strict way: every refusal names the place.

Python's reader lets NaN, doubled keys, NUL and lone surrogates through, and each database
treats them in its own way. Here they are refused before anything is stored. Integers keep
all their digits; a fraction becomes a float.
"""

import json
import re
from typing import Any

MAX_DEPTH = 100
MAX_DIGITS = 1000

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"?|[\[\]{}]', re.DOTALL)
_SURROGATE = re.compile("[\ud800-\udfff]")


class JsonProblem(ValueError):
    """The text is not JSON that can be stored; `place` says where, `text` what."""

    def __init__(self, place: str, text: str) -> None:
        super().__init__(f"{place}: {text}")
        self.place = place
        self.text = text


class _Refused:
    """Stands in the parsed tree for what JSON or the databases do not know."""

    def __init__(self, text: str) -> None:
        self.text = text


def parse(source: str | bytes) -> Any:
    """Return the value of `source`, or raise JsonProblem with the place of the fault."""
    text = _decode(source)
    _check_depth(text)
    try:
        value = json.loads(
            text,
            object_pairs_hook=_pairs,
            parse_constant=lambda name: _Refused(f"{name} is not JSON"),
            parse_float=_number,
            parse_int=_integer,
        )
    except json.JSONDecodeError as problem:
        place = f"line {problem.lineno}, column {problem.colno}"
        raise JsonProblem(place, _plain(problem.msg)) from problem
    check_storable(value)
    return value


def check_storable(value: Any, place: str = "$") -> None:
    """Raise JsonProblem at the first place of a plain tree that no database can keep."""
    if isinstance(value, _Refused):
        raise JsonProblem(place, value.text)
    if isinstance(value, str):
        fault = text_fault(value)
        if fault:
            raise JsonProblem(place, fault)
    elif isinstance(value, dict):
        for key, item in value.items():
            fault = text_fault(key)
            if fault:
                raise JsonProblem(place, f"a key: {fault}")
            check_storable(item, f"{place}.{key}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            check_storable(item, f"{place}[{index}]")


def text_fault(text: str) -> str:
    """Tell why this text cannot be stored; empty when it can."""
    if "\x00" in text:
        return f"holds a NUL character at position {text.index(chr(0)) + 1}"
    lone = _SURROGATE.search(text)
    if lone:
        code = ord(lone.group())
        return f"holds half a character (U+{code:04X}) at position {lone.start() + 1}"
    return ""


def dump(value: Any) -> str:
    """Write a plain tree as indented JSON for a text box."""
    return json.dumps(value, ensure_ascii=False, indent=2)


def _decode(source: str | bytes) -> str:
    if isinstance(source, str):
        return source
    try:
        return source.decode("utf-8")
    except UnicodeDecodeError as problem:
        raise JsonProblem(f"byte {problem.start + 1}", "is not UTF-8") from problem


def _check_depth(text: str) -> None:
    depth = 0
    for token in _TOKEN.finditer(text):
        mark = token.group()[0]
        if mark in "[{":
            depth += 1
            if depth > MAX_DEPTH:
                line = text.count("\n", 0, token.start()) + 1
                column = token.start() - text.rfind("\n", 0, token.start())
                raise JsonProblem(
                    f"line {line}, column {column}",
                    f"is nested more than {MAX_DEPTH} levels deep",
                )
        elif mark in "]}":
            depth -= 1


def _pairs(pairs: list[tuple[str, Any]]) -> Any:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            return _Refused(f"the key {key!r} occurs twice in one object")
        found[key] = value
    return found


def _integer(text: str) -> Any:
    if len(text) > MAX_DIGITS:
        return _Refused(f"a number of more than {MAX_DIGITS} digits")
    return int(text)


def _number(text: str) -> Any:
    if len(text) > MAX_DIGITS:
        return _Refused(f"a number of more than {MAX_DIGITS} digits")
    value = float(text)
    if value in (float("inf"), float("-inf")):
        return _Refused(f"the number {text} is too large")
    return value


def _plain(message: str) -> str:
    return message[:1].lower() + message[1:]
