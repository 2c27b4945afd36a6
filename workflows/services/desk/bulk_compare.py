"""What many questions have in common, and which of them stand out.

Works on flat mappings of field names to plain values, one for each question; knows no row.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

MOST_FIELDS = 40
DEEPEST = 3
LONGEST = 200
COMMON = 3
# Fewer values than this have no usual one.
FEWEST = 5
# A value is usual where at least this share has it; who has another one stands out.
USUAL_SHARE = Decimal("0.8")
# Numbers stand out beyond this many spans of the middle half (Tukey's outer fences).
FENCE = 3
_DATE = re.compile(r"\d{4}-\d\d-\d\d(T[0-9:.]{5,15}(Z|[+-]\d\d:\d\d)?)?$", re.ASCII)

Flat = Mapping[str, Any]


@dataclass(frozen=True)
class Equal:
    """A field that says the same everywhere."""

    name: str
    text: str


@dataclass(frozen=True)
class Spread:
    """A field with several values.

    `missing` counts those that do not have it. Of numbers `least`, `middle` and `most` are
    given, of dates `least` and `most`, otherwise `common` holds the most frequent values with
    their counts. `odd` is how many stand out.
    """

    name: str
    distinct: int
    missing: int = 0
    least: str = ""
    middle: str = ""
    most: str = ""
    common: tuple[tuple[str, int], ...] = ()
    odd: int = 0

    @property
    def is_all_different(self) -> bool:
        """Whether no value comes twice."""
        return bool(self.common) and self.common[0][1] == 1 and self.distinct > COMMON


@dataclass(frozen=True)
class Comparison:
    """`odd` maps the place of a question in the given order to what is unusual about it."""

    equal: tuple[Equal, ...]
    differing: tuple[Spread, ...]
    odd: Mapping[int, tuple[str, ...]]
    left_out: int = 0


def compare(rows: Sequence[Flat]) -> Comparison:
    """What the rows have in common and where they differ; the first fields, if there are many."""
    names: dict[str, None] = {}
    for row in rows:
        names.update(dict.fromkeys(row))
    equal: list[Equal] = []
    differing: list[Spread] = []
    odd: dict[int, list[str]] = {}
    for name in [*names][:MOST_FIELDS]:
        values = {at: row[name] for at, row in enumerate(rows) if name in row}
        texts = {at: _text(value) for at, value in values.items()}
        missing = len(rows) - len(values)
        if not missing and len(set(texts.values())) == 1:
            equal.append(Equal(name, next(iter(texts.values()))))
            continue
        numbers = _numbers(values)
        strange = _far_away(name, numbers) if numbers else _unusual(name, texts)
        if missing and len(values) >= FEWEST and _is_usual(len(values), len(rows)):
            for at in range(len(rows)):
                if at not in values:
                    strange[at] = f"no {name}"
        for at, words in strange.items():
            odd.setdefault(at, []).append(words)
        differing.append(_spread(name, texts, numbers, missing, len(strange)))
    return Comparison(
        tuple(equal),
        tuple(differing),
        {at: tuple(words) for at, words in sorted(odd.items())},
        max(0, len(names) - MOST_FIELDS),
    )


def flatten(tree: Any, prefix: str = "", depth: int = 1) -> Iterator[tuple[str, Any]]:
    """The fields of a plain tree under dotted names; a tagged value counts as its text."""
    if not isinstance(tree, Mapping):
        return
    for key, value in tree.items():
        name = f"{prefix}{key}"[:LONGEST]
        value = plain(value)
        if isinstance(value, Mapping) and depth < DEEPEST:
            yield from flatten(value, f"{name}.", depth + 1)
        else:
            yield name, value


def plain(value: Any) -> Any:
    """`{"$t": "Decimal", "v": "1.50"}` as `1.50`; anything else as it is."""
    is_tagged = isinstance(value, Mapping) and value.keys() == {"$t", "v"}
    return value["v"] if is_tagged and isinstance(value["v"], str) else value


def _spread(
    name: str,
    texts: Mapping[int, str],
    numbers: Mapping[int, Decimal],
    missing: int,
    odd: int,
) -> Spread:
    counted = Counter(texts.values())
    if not numbers and all(map(_DATE.match, counted)):
        first, last = min(counted), max(counted)
        return Spread(name, len(counted), missing, least=first, most=last, odd=odd)
    if not numbers:
        common = tuple(counted.most_common(COMMON))
        return Spread(name, len(counted), missing, common=common, odd=odd)
    ordered = sorted(numbers.values())
    return Spread(
        name,
        len(counted),
        missing,
        least=_short(ordered[0]),
        middle=_short(_at(ordered, Decimal("0.5"))),
        most=_short(ordered[-1]),
        odd=odd,
    )


def _far_away(name: str, numbers: Mapping[int, Decimal]) -> dict[int, str]:
    if len(numbers) < FEWEST:
        return {}
    ordered = sorted(numbers.values())
    low, high = _at(ordered, Decimal("0.25")), _at(ordered, Decimal("0.75"))
    span = (high - low) * FENCE
    if not span:
        # At least half say the same; another value is odd where nearly all do.
        return _unusual(name, {at: _short(number) for at, number in numbers.items()})
    usual = f"most {_short(low)} to {_short(high)}"
    return {
        at: f"{name} {_short(number)} ({usual})"
        for at, number in numbers.items()
        if number < low - span or number > high + span
    }


def _unusual(name: str, texts: Mapping[int, str]) -> dict[int, str]:
    if len(texts) < FEWEST:
        return {}
    [(usual, count)] = Counter(texts.values()).most_common(1)
    if not _is_usual(count, len(texts)):
        return {}
    return {
        at: f"{name} {_cut(text)} (most {_cut(usual)})"
        for at, text in texts.items()
        if text != usual
    }


def _is_usual(count: int, of: int) -> bool:
    return count >= of * USUAL_SHARE


def _numbers(values: Mapping[int, Any]) -> dict[int, Decimal]:
    """The values as numbers where all of them are, in text or not; else nothing."""
    found: dict[int, Decimal] = {}
    for at, value in values.items():
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            return {}
        text = str(value).strip()
        if len(text) > 40:
            return {}
        try:
            number = Decimal(text)
        except InvalidOperation:
            return {}
        if not number.is_finite() or abs(number.adjusted()) > 300:
            return {}
        found[at] = number
    return found


def _at(ordered: Sequence[Decimal], share: Decimal) -> Decimal:
    """The value at this share of the way, the nearest one there is."""
    return ordered[int((len(ordered) - 1) * share + Decimal("0.5"))]


def _text(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text[:LONGEST]


def _cut(text: str) -> str:
    return f"“{text[:40]}…”" if len(text) > 40 else f"“{text}”"


def _short(number: Decimal) -> str:
    text = f"{number:f}"
    return text if len(text) <= 24 else f"{number:.6E}"
