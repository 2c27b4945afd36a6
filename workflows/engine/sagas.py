"""Saying what undoes what a body has done, for the case that the work fails or is cancelled later (RB.8)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from workflows.engine.drivers.future import TaskFuture
from workflows.engine.drivers.undos import (
    check_can_run,
    check_is_kept,
    is_heard,
    record_undo,
)
from workflows.engine.later import is_in_loop
from workflows.engine.undo_calls import undo_call
from workflows.engine.waiting import next_spot

_CALLER = "compensate()"


def compensate(fn: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
    """Say after a step that worked what undoes it: `fn(*args, **kwargs)`, once it is on record (RB.8).

    If the thread's work fails later or is cancelled, all that is on record is called, newest first, each call as a
    task that is tried three times (a `@task` as its own policy says). `fn` is a function of a module, or a `@task`:
    another process has to find it. A body that runs again says the same without effect; what is undone says it
    without effect, too. Works in nodes, `@task`s and entrypoints, also of graphs below.

    Raises RuntimeError outside a graph, where no checkpointer keeps it, and in a coroutine (there, `await
    acompensate(...)`); TypeError or ValueError for a function that cannot be found again, SerializationError
    for arguments that cannot be stored.
    """
    if is_in_loop():
        raise RuntimeError(
            "compensate() was called in a coroutine, where it would hold up all others: write "
            "`await acompensate(...)`"
        )
    asked = _recorded(fn, args, kwargs)
    if asked is not None:
        asked.result()


async def acompensate(fn: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
    """`compensate` in a coroutine."""
    asked = _recorded(fn, args, kwargs)
    if asked is not None:
        await asked


def _recorded(
    fn: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> TaskFuture | None:
    spot = next_spot("undo", _CALLER)
    context = spot.context
    check_is_kept(context, "says what undoes what it has done")
    call = undo_call(fn, args, kwargs, _CALLER, spot.id)
    check_can_run(context, fn, _CALLER)
    return record_undo(context, call) if is_heard(context) else None
