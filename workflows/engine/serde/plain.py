"""Is a value plain JSON already? One walk over exact types.

msgspec alone would turn NaN to null, tuples and sets to arrays and integer keys to text
without a word; this walk is what keeps that from happening.
"""

from __future__ import annotations

from math import isfinite
from typing import Any

import msgspec

encode_plain = msgspec.json.Encoder().encode
"""For values that are known to be plain; what is not may change without a word."""

decode_plain = msgspec.json.Decoder().decode
"""The way back."""

SAFE = frozenset({str, int, bool, type(None)})
_LEVELS = 32
_LONG = 12


def is_plain(value: Any) -> bool:
    """Say whether `value` can go to msgspec as it is.

    False for anything very deep or endless: the careful walk then finds out what is wrong.
    """
    kind = type(value)
    if kind in SAFE:
        return True
    if kind is dict:
        return _is_plain_dict(value, _LEVELS)
    if kind is list:
        return _is_plain_list(value, _LEVELS)
    return kind is float and isfinite(value)


def _is_plain_dict(items: dict[Any, Any], levels: int) -> bool:
    for key, item in items.items():
        if type(key) is not str:
            return False
        kind = type(item)
        if kind in SAFE:
            continue
        if kind is dict:
            if not levels or not _is_plain_dict(item, levels - 1):
                return False
        elif kind is list:
            if item and not (levels and _is_plain_list(item, levels - 1)):
                return False
        elif kind is not float or not isfinite(item):
            return False
    return True


def _is_plain_list(items: list[Any], levels: int) -> bool:
    # For a long list the types are gathered in C first: most are all text or all numbers.
    if len(items) > _LONG and set(map(type, items)) <= SAFE:
        return True
    for item in items:
        kind = type(item)
        if kind in SAFE:
            continue
        if kind is dict:
            if not levels or not _is_plain_dict(item, levels - 1):
                return False
        elif kind is list:
            if item and not (levels and _is_plain_list(item, levels - 1)):
                return False
        elif kind is not float or not isfinite(item):
            return False
    return True
