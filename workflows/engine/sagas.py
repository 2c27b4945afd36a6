"""Saying what undoes what a body has done, should the work fail or be cancelled later, and what is not to be cut off (RB.8)."""

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
from workflows.engine.runtime import task_context
from workflows.engine.undo_calls import undo_call
from workflows.engine.waiting import next_spot

_CALLER = "compensate()"


class shield:
    """A block that a cancel with mode "now" does not end in its middle: `with shield():`, or `async with`.

    The run ends at the end of the block instead, with what was recorded in it; nothing else of it is begun
    meanwhile. A limit of time and a lost lease are not held off. Blocks may lie in each other, and tasks beside the shielded one are let
    be as long. Works in nodes, `@task`s and entrypoints; raises RuntimeError outside a graph.
    """

    def __init__(self) -> None:
        self._context: Any = None

    def __enter__(self) -> None:
        self._context = task_context("shield()")
        self._context.meet_stop()
        self._context.run.stop.shield()

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        self._context.run.stop.unshield()
        if error is None:
            self._context.meet_stop()

    async def __aenter__(self) -> None:
        self.__enter__()

    async def __aexit__(self, kind: Any, error: Any, trace: Any) -> None:
        self.__exit__(kind, error, trace)


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
