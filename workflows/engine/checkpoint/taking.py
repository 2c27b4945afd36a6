"""Taking a thread for a run: where that fails, or nobody waits for it any more, it is free again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import Any, TypeVar

from workflows.engine.checkpoint.shapes import Place
from workflows.engine.errors import StaleResumeError
from workflows.engine.later import asyncio

F = TypeVar("F", bound=Callable[..., Place])

_quiet: set[Callable[..., Place]] = set()


def never_cancels(opening: F) -> F:
    """Mark an `open` that tells nobody of its `owner`, so that no run of it is ever asked to end."""
    _quiet.add(opening)
    return opening


patient: ContextVar[bool] = ContextVar("patient", default=False)
"""Whoever takes a thread now ends no run for it whose stream nobody reads on: it can wait (RB.16)."""


def is_given_up(place: Place) -> bool:
    """Ask a driver of this process whether its run was left lying in mid-stream (RA.2)."""
    give_up = getattr(place.owner, "give_up", None)
    return bool(give_up is not None and not patient.get() and give_up())


def may_be_cancelled(saver: Any) -> bool:
    """Say whether runs over this saver, which may be None, may be asked to end by others."""
    return saver is not None and getattr(type(saver), "open", None) not in _quiet


def check_head(place: Place, expected: str, head: str | None) -> None:
    """Raise StaleResumeError where the head of the thread is another one."""
    if head != expected:
        raise StaleResumeError(head or "", thread_id=place.thread_id)


async def taken(
    opening: Awaitable[Place], close: Callable[[Place, str], Awaitable[None]]
) -> Place:
    """What `opening` returns, whose work is a thread's and goes on when its caller is cancelled."""
    task = asyncio.ensure_future(opening)

    async def give_back() -> None:
        await asyncio.wait([task])
        if task.cancelled() or task.exception() is not None:
            return
        await close(task.result(), "cancelled")

    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.shield(give_back())
        raise
