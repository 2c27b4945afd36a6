"""Values that stay the same when a body runs again: the time, a random number, a UUID (RB.1)."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from workflows.engine.func.task import TaskFunction
from workflows.engine.later import is_in_loop
from workflows.engine.waiting import next_spot

_FRACTION = 53
"""Bits of a float."""


def now() -> datetime:
    """The time in UTC, read once: a body that runs again is given what it was given first (RB.1).

    It is the saver's clock (the database's), recorded as a `@task` is: it costs one saving, and is read anew where an
    edit of the state has tasks run anew. Works in nodes, `@task`s and entrypoints; raises RuntimeError outside a
    graph, and in a coroutine (there, `await anow()`).
    """
    if is_in_loop():
        raise RuntimeError(
            "now() was called in a coroutine, where it would hold up all others: write `await anow()`"
        )
    found: datetime = _now().result()
    return found


async def anow() -> datetime:
    """`now` in a coroutine."""
    found: datetime = await _now()
    return found


def random() -> float:
    """A random number of at least 0 and less than 1, the same when the body runs again (RB.1).

    It follows from the place of the call: another task, thread, fork or call of the same body has another. Nothing is
    saved for it. Not for secrets. Raises RuntimeError outside a graph.
    """
    bits = int(next_spot("random", "random()").id, 16) >> (128 - _FRACTION)
    return float(bits / (1 << _FRACTION))


def uuid4() -> UUID:
    """A UUID that is the same when the body runs again, such as for a key to a payment (RB.1). As `random`."""
    return UUID(next_spot("uuid4", "uuid4()").id, version=4)


def _read() -> datetime:
    return next_spot("now", "now()").now().astimezone(UTC)


_now = TaskFunction(_read, name="now")
_now.node.hidden = True
