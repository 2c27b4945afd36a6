"""Whether what a caller gave is of the kind that is asked for, checked where it is given (RA.21).

Every refusal reads alike: whose argument it is, its name, what was given, what to give.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from datetime import timedelta
from enum import Enum
from types import GenericAlias
from typing import Any, TypeVar, cast

_ANNOTATIONS = frozenset({"typing", "typing_extensions", "types"})
_LONGEST = 120
_Name = TypeVar("_Name")
IN_BRACKETS: Any = classmethod(GenericAlias)
"""The `__class_getitem__` of a class that annotations give parameters, which say nothing to the engine."""


def refused(
    where: str,
    name: str,
    given: Any,
    wanted: str,
    error: type[Exception] = TypeError,
) -> Exception:
    """The error for argument `name` of `where`, to be raised; `wanted` says what to give instead."""
    shown = repr(given)
    if len(shown) > _LONGEST:
        shown = f"{shown[:_LONGEST]}..."
    return error(f"{where}: {name} is {shown}; give {wanted}")


def check_text(given: Any, where: str, name: str, wanted: str) -> None:
    """Refuse what is no text."""
    if not isinstance(given, str):
        raise refused(where, name, given, wanted)


def check_line(given: Any, where: str, name: str, wanted: str, most: int) -> None:
    """Refuse what is no text (TypeError), or one with more characters than `most` or that cannot be printed (ValueError)."""
    check_text(given, where, name, wanted)
    if len(given) > most or not given.isprintable():
        raise refused(where, name, given, wanted, ValueError)


def check_callable(given: Any, where: str, name: str, wanted: str) -> None:
    """Refuse what cannot be called."""
    if not callable(given):
        raise refused(where, name, given, wanted)


def check_count(given: Any, where: str, name: str, least: int = 0) -> None:
    """Refuse what is no whole number (TypeError) or less than `least` (ValueError)."""
    is_whole = isinstance(given, int) and not isinstance(given, bool)
    if not is_whole or given < least:
        error = ValueError if is_whole else TypeError
        raise refused(where, name, given, f"a whole number >= {least}", error)


def check_amount(given: Any, where: str, name: str, wanted: str) -> None:
    """Refuse what is no number (TypeError), is negative or is nan (ValueError)."""
    if isinstance(given, bool) or not isinstance(given, int | float):
        raise refused(where, name, given, wanted)
    if math.isnan(given) or given < 0:
        raise refused(where, name, given, f"{wanted} that is not negative", ValueError)


def check_schema(given: Any, where: str, name: str) -> None:
    """Refuse what can annotate nothing: a value, an instance of a state, a name in quotes."""
    is_annotation = isinstance(given, type) or (type(given).__module__ in _ANNOTATIONS)
    if not is_annotation:
        raise refused(
            where, name, given, "a class: a TypedDict, a dataclass, a model or a type"
        )


def check_offers(
    given: Any, where: str, name: str, verbs: Sequence[Sequence[str]], wanted: str
) -> None:
    """Refuse an object that has none of these sets of methods whole; None is fine.

    What is asked is not the class: an object of the author's own that has the methods will do.
    """
    if given is None:
        return
    has_some = any(
        all(callable(getattr(given, verb, None)) for verb in each) for each in verbs
    )
    if isinstance(given, type) or not has_some:
        raise refused(where, name, given, wanted)


def listed(given: Any, where: str, name: str, wanted: str) -> list[Any]:
    """One text as a list of one, several things as a list; TypeError for what is neither."""
    if isinstance(given, str):
        return [given]
    if isinstance(given, bytes | bytearray) or not isinstance(given, Iterable):
        raise refused(where, name, given, wanted)
    return list(given)


def several(given: Any, where: str, name: str, wanted: str) -> list[Any]:
    """As `listed`, where a text or a dict would be taken apart letter by letter or key by key."""
    if isinstance(given, str | dict):
        raise refused(where, name, given, wanted)
    return listed(given, where, name, wanted)


def seconds_of(given: Any, what: str) -> float | None:
    """A limit in seconds, from a number or a timedelta; None for none.

    Raises TypeError or ValueError for what is no number, ValueError for one that is not above 0.
    """
    if given is None:
        return None
    try:
        if isinstance(given, bool):
            raise TypeError
        seconds = (
            given.total_seconds() if isinstance(given, timedelta) else float(given)
        )
    except (TypeError, ValueError) as error:
        raise type(error)(
            f"{what} must be a number of seconds or a timedelta, not {given!r}"
        ) from None
    if not seconds > 0:  # nan is not, either
        raise ValueError(f"{what} must be more than 0 seconds, not {given!r}")
    return seconds


def plain_name(name: _Name) -> _Name:
    """A name without a class of its own, such as numpy's: what is saved holds text and members of enums."""
    if type(name) is str or not isinstance(name, str) or isinstance(name, Enum):
        return name
    return cast("_Name", str.__str__(name))
