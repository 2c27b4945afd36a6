"""The class behind a question's response schema, found again when its answer comes (R5.9).

A record holds the JSON Schema of a class, never the class. The process that asked remembers it
by the question's id. Another process knows its name, and takes the class of that name if a module that is
loaded here has it and it describes itself in the same words: nothing is imported for an answer.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Mapping
from typing import Any

from workflows.engine.answers import validate_answer
from workflows.engine.jsonschema import json_schema
from workflows.engine.types import Interrupt

_REMEMBERED = 1_000
_hints: dict[str, Any] = {}
_guard = threading.Lock()


def describe(question: Interrupt, schema: Any) -> None:
    """Put the JSON Schema of `schema` into a question; a JSON Schema is put in as it is."""
    if schema is None or isinstance(schema, Mapping):
        question.response_schema = schema
        return
    question.response_schema = json_schema(schema)
    question.schema_class = _name_of(schema)
    with _guard:
        _hints.pop(question.id, None)
        _hints[question.id] = schema
        if len(_hints) > _REMEMBERED:
            del _hints[next(iter(_hints))]


def check_answer(question: Interrupt, value: Any, thread_id: str | None) -> None:
    """Raise the validation error for an answer that the question's class does not take.

    Where no class is known (a JSON Schema of the author, a class that only another process has
    loaded) nothing is checked here: the task does it when it asks.
    """
    schema = _class_of(question)
    if schema is None:
        return
    try:
        validate_answer(schema, value)
    except Exception as error:
        mark_refused(error, question.id)
        error.add_note(
            f"The answer to question {question.value!r} ({question.id}) on thread "
            f"{thread_id!r} does not fit; no task was started and no answer was kept."
        )
        raise


def mark_refused(error: Exception, question_id: str) -> None:
    """Note on a validation error which question's answer it is about."""
    error.__durableweb_invalid_resume__ = question_id  # type: ignore[attr-defined]


def is_refused(error: BaseException) -> bool:
    """Say whether it is about an answer that does not fit its question."""
    return hasattr(error, "__durableweb_invalid_resume__")


def _name_of(schema: Any) -> str:
    module = getattr(schema, "__module__", "")
    name = getattr(schema, "__qualname__", "")
    return f"{module}:{name}" if isinstance(schema, type) and module else ""


def _class_of(question: Interrupt) -> Any:
    known = _hints.get(question.id)
    if known is not None or not question.schema_class:
        return known
    module, _, name = question.schema_class.partition(":")
    found: Any = sys.modules.get(module)
    for part in name.split("."):
        found = getattr(found, part, None)
    if not isinstance(found, type) or json_schema(found) != question.response_schema:
        return None
    return found
