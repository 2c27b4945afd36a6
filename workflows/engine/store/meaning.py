"""Search by meaning (R11.8): what is nearest to a question among the vectors of items.

Every stored vector is compared with that of the question (cosine similarity), so a search
takes time in proportion to what lies below its prefix.
"""

from __future__ import annotations

import struct
from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping, Sequence
from heapq import nsmallest
from operator import itemgetter, mul
from typing import TypeVar

from workflows.engine.store.base import SearchOp

Vector = tuple[float, ...]
"""A direction: of length 1, or of zeros where a text means nothing."""

_Found = TypeVar("_Found")


class Embedded:
    """The vectors of one batch: of the questions, and of what its puts are searched by."""

    def __init__(
        self, queries: Mapping[str, Vector], puts: Mapping[int, tuple[Vector, ...]]
    ) -> None:
        self.queries = queries
        self.puts = puts

    def of_put(self, number: int) -> tuple[Vector, ...]:
        """The vectors of the batch's operation of that number, counted from 0."""
        return self.puts.get(number, ())

    def of_query(self, op: SearchOp) -> Vector | None:
        """What is searched by, or None where nothing is."""
        return self.queries.get(op.query) if op.query else None


NOTHING = Embedded({}, {})


def best(
    candidates: Iterable[tuple[_Found, Sequence[Vector]]], query: Vector, op: SearchOp
) -> list[tuple[_Found, float | None]]:
    """The window of `op` over the nearest first; what has no vectors follows, without a score.

    A candidate counts by its nearest vector. Raises ValueError where vectors differ in length.
    """
    ranked = (
        (_rank(vectors, query, number), candidate)
        for number, (candidate, vectors) in enumerate(candidates)
    )
    found = nsmallest(op.offset + op.limit, ranked, key=itemgetter(0))[op.offset :]
    return [
        (candidate, None if has_none else -distance)
        for (has_none, distance, _), candidate in found
    ]


def _rank(
    vectors: Sequence[Vector], query: Vector, number: int
) -> tuple[bool, float, int]:
    for vector in vectors:
        if len(vector) != len(query):
            raise ValueError(
                f"an item was put with vectors of {len(vector)} numbers and is searched by "
                f"one of {len(query)}: index['embed'] has changed; put such items anew"
            )
    near = [sum(map(mul, vector, query)) for vector in vectors]
    return not near, -max(near, default=0.0), number


# keeping


def to_text(vectors: Sequence[Vector]) -> str | None:
    """Vectors as a text: 4 bytes a number, little-endian, in base64; None for none."""
    packed = (struct.pack(f"<{len(vector)}f", *vector) for vector in vectors)
    return ",".join(b64encode(each).decode() for each in packed) or None


def from_text(text: str | None) -> list[Vector]:
    """What `to_text` was given, to 7 digits. Raises ValueError for anything else."""
    if not text:
        return []
    try:
        packed = [b64decode(each, validate=True) for each in text.split(",")]
        return [struct.unpack(f"<{len(each) // 4}f", each) for each in packed]
    except (ValueError, struct.error) as error:
        raise ValueError(f"these are no vectors: {text[:20]!r}") from error
