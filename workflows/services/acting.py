"""Who acts in this request, for what only signals tell of."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from workflows.services.access import Person

_asked: ContextVar[Callable[[], Person | None] | None] = ContextVar(
    "acting", default=None
)


@contextmanager
def acting_as(who: Callable[[], Person | None]) -> Iterator[None]:
    """In the block `who()` acts; it is only called where somebody wants to know."""
    token = _asked.set(who)
    try:
        yield
    finally:
        _asked.reset(token)


def who_acts() -> Person | None:
    """The person whose request this is; None outside of requests and where nobody has signed in."""
    asked = _asked.get()
    person = asked() if asked is not None else None
    return person if person is not None and person.is_authenticated else None
