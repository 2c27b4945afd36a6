"""Which methods of a saver its author has overridden, and what the engine then calls (R6.17).

A saver that is fast keeps a `commit` of its own, past `put` and `put_writes`. Who subclasses it
and overrides those is to be obeyed: the subclass then commits through them, as a saver in the
field's form does. It is settled once, when the class is made; no step pays for it.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime
from functools import cache
from typing import Any

from workflows.engine import ids

_ASYNC = frozenset(
    {"aget_tuple", "alist", "aput", "aput_attributes", "aput_writes", "acommit"}
    | {"ahead", "aopen"}
)


def obey(cls: Any, base: Any) -> None:
    """Let `cls`, a subclass of `base`, save and read through what overrides LangGraph's methods."""
    if _rank(cls, "put", "put_writes") < _rank(cls, "commit"):
        cls.commit = cls.commit_in_parts
    if _rank(cls, "aput", "aput_writes") < _rank(cls, "acommit"):
        cls.acommit = cls.acommit_in_parts
    if cls.open is base.open:
        if _rank(cls, "get_tuple") < _rank(cls, "head"):
            cls.head = base.head
        if _rank(cls, "aget_tuple") < _rank(cls, "aopen"):
            cls.aopen = base.aopen_in_parts
    if cls.tells_sameness and _rank(cls, "get_tuple", "aget_tuple") < _rank(
        cls, "get_if_changed"
    ):
        cls.tells_sameness = False
    cls.keeps_attributes = any(
        getattr(cls, name) is not getattr(base, name)
        for name in ("put_attributes", "aput_attributes")
    )
    cls.awaited = any(
        not _ASYNC.isdisjoint(each.__dict__)
        for each in cls.__mro__
        if "only_hops" not in each.__dict__
    )


def _rank(cls: type, *names: str) -> int:
    """How near to `cls` the nearest class stands that has one of `names`."""
    return next(
        number
        for number, each in enumerate(cls.__mro__)
        if any(name in each.__dict__ for name in names)
    )


@cache
def takes_path(put_writes: Callable[..., Any]) -> bool:
    """Say whether a `put_writes` knows of `task_path`; older savers do not."""
    parameters = inspect.signature(put_writes).parameters.values()
    if any(each.kind is each.VAR_POSITIONAL for each in parameters):
        return True
    positional = [
        each
        for each in parameters
        if each.kind in (each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD)
    ]
    return len(positional) > 4 or any(each.name == "task_path" for each in positional)


def check_keeps_attributes(saver: Any, name: str) -> None:
    """Raise RuntimeError where what task `name` sets of its thread would be lost (RB.11)."""
    if saver is None:
        lack = "without a saver: compile the graph with checkpointer=..."
    elif not saver.keeps_attributes:
        lack = (
            f"on {type(saver).__name__}, which keeps no attributes: use DjangoSaver, "
            "SqliteSaver or InMemorySaver, or give it a put_attributes(thread_id, change)"
        )
    else:
        return
    raise RuntimeError(f"set_attributes(): {name!r} runs {lack}")


def clock_of(saver: Any) -> Callable[[], datetime]:
    """What tells the present instant to what is kept in `saver`: its own `now`, where it has one, else this machine."""
    found: Callable[[], datetime] = getattr(saver, "now", ids.now)
    return found


def has_desk(saver: Any) -> bool:
    """Whether questions that are kept in `saver` are kept at a desk, where somebody else ends those whose time is up."""
    return bool(getattr(saver, "has_desk", False))


def transaction_of(
    saver: Any, where: str, using: str
) -> Callable[[str, Any], AbstractContextManager[None]]:
    """What holds the transaction of a saver's database in which a thread's task runs (RB.7), for the run that has taken this place; `using`
    is "" for whichever database it is.

    RuntimeError, which begins with `where`, for a saver without, and for one whose database is another.
    """
    if saver is None:
        raise RuntimeError(
            f"{where} and runs without a checkpointer to keep its record: compile the graph with DjangoSaver()"
        )
    begin: Any = getattr(saver, "one_transaction", None)
    if begin is None:
        raise RuntimeError(
            f"{where} and runs on {type(saver).__name__}, whose records are in no transaction of Django's: use DjangoSaver"
        )
    if using and using != saver.using:
        raise RuntimeError(
            f"{where} in database {using!r}, and its record is kept in database {saver.using!r}: give both the same, as "
            f"in DjangoSaver({using!r})"
        )
    return begin  # type: ignore[no-any-return]


def beginning_of(saver: Any) -> Callable[[str], datetime | None]:
    """What tells when the run was queued that brought a thread its input; it tells nothing for a saver without runs."""
    found: Callable[[str], datetime | None] = getattr(
        saver, "began_at", lambda thread_id: None
    )
    return found
