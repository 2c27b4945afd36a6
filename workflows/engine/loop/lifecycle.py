"""Telling handlers that a run pauses or goes on (R9.9)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from workflows.engine.callbacks import (
    GraphCallbackHandler,
    GraphInterruptEvent,
    GraphResumeEvent,
)
from workflows.engine.constants import NS_SEP
from workflows.engine.inject import is_coroutine_function
from workflows.engine.loop import effects
from workflows.engine.loop.effects import Steps
from workflows.engine.loop.outcome import Outcome
from workflows.engine.loop.resume import pauses_after
from workflows.engine.loop.view import View


def ending(view: View, status: str, names: list[str] | None = None) -> str:
    """`status`, where the saving at hand is the last that the run does, or sees done; else "".

    `names` are the nodes of the step: a breakpoint after one of them is another ending.
    """
    run = view.run
    if not run.is_root or run.modes or run.handlers or run.durability == "exit":
        return ""
    if names is not None and run.remaining <= 0:
        return ""
    return "" if names and pauses_after(view, names) else status


def resumed(view: View) -> Steps[None]:
    """The run goes on where it stood."""
    run = view.run
    if not run.handlers or not view.id:
        return
    event = GraphResumeEvent(_run_id(view), "pending", view.id, _namespace(view))
    for handler in run.handlers:
        yield from _tell(view, handler, handler.on_resume, event)


def paused(view: View, outcome: Outcome) -> Steps[None]:
    """The run has come to a question or to a breakpoint; only the root tells of it."""
    run = view.run
    if not outcome.is_pause or not run.handlers or not run.is_root:
        return
    if outcome.status == "waiting":  # nobody has to do anything
        return
    event = GraphInterruptEvent(
        _run_id(view),
        outcome.paused_at,
        view.id,
        _namespace(view),
        outcome.questions,
    )
    for handler in run.handlers:
        yield from _tell(view, handler, handler.on_interrupt, event)


def _tell(
    view: View, handler: GraphCallbackHandler, method: Callable[[Any], Any], event: Any
) -> Steps[None]:
    try:
        yield from effects.compute(method, (event,), {}, is_coroutine_function(method))
    except Exception as error:
        if handler.raise_error:
            raise
        if view.run.warn is not None:
            view.run.warn(
                f"callback {type(handler).__name__}.{method.__name__} failed on thread "
                f"{view.run.thread_id!r}, the run goes on: {error!r}"
            )


def _namespace(view: View) -> tuple[str, ...]:
    namespace = view.run.namespace
    return tuple(namespace.split(NS_SEP)) if namespace else ()


def _run_id(view: View) -> Any:
    run = view.run
    if run.heard is not None and run.heard.opened is not None:
        return run.heard.opened.run_id
    return run.config.get("run_id") or run.run_id
