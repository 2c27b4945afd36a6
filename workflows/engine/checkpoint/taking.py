"""Taking a thread for a run: where that fails, or nobody waits for it any more, it is free again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from workflows.engine.checkpoint.shapes import Place
from workflows.engine.errors import StaleResumeError
from workflows.engine.later import asyncio


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
