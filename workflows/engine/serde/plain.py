"""Is a value plain JSON already? One walk over exact types, mostly at the speed of C.

msgspec alone would turn NaN to null, tuples and sets to arrays and integer keys to text
without a word; this walk is what keeps that from happening.
"""

from __future__ import annotations

from itertools import chain
from math import isfinite
from typing import Any

SAFE = frozenset({str, int, bool, type(None)})
_PLAIN = SAFE | {float, dict, list}
_TEXT_ONLY = {str}
_LEVELS = 64
_ITEMS_AT_MOST = 4_000_000


def is_plain(value: Any) -> bool:
    """Say whether `value` can go to msgspec as it is.

    Level by level, so that a leaf costs a few steps of C and a container next to nothing. False for anything
    very deep or endless: the careful walk then finds out what is wrong.
    """
    if type(value) in SAFE:
        return True
    items = [value]
    seen = 0
    for _ in range(_LEVELS):
        kinds = set(map(type, items))
        if not kinds <= _PLAIN:
            return False
        if float in kinds and not _all_finite(items):
            return False
        deeper: list[Any] = []
        if dict in kinds:
            dicts = [item for item in items if type(item) is dict]
            if not set(map(type, chain.from_iterable(dicts))) <= _TEXT_ONLY:
                return False
            deeper = [*chain.from_iterable(map(dict.values, dicts))]
        if list in kinds:
            deeper += chain.from_iterable(
                [item for item in items if type(item) is list]
            )
        if not deeper:
            return True
        seen += len(deeper)
        if seen > _ITEMS_AT_MOST:
            return False
        items = deeper
    return False


def _all_finite(items: list[Any]) -> bool:
    return all(isfinite(item) for item in items if type(item) is float)
