"""`replay_check`: new code against the record of an old thread, without doing any work (RA.4, RB.13)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from workflows.engine.config import configurable, merge_configs, place_of
from workflows.engine.drivers import aio, blocking
from workflows.engine.inspection import Inspection
from workflows.engine.loop.rehearsal import Rehearsal
from workflows.engine.loop.replay import (
    CheckedBody,
    ReplayReport,
    Scope,
    Turns,
    replay,
)
from workflows.engine.loop.run import Run

__all__ = ["CheckedBody", "ReplayReport", "areplay_check", "replay_check"]


def replay_check(
    graph: Any,
    thread_id: str,
    *,
    config: dict[str, Any] | None = None,
    context: Any = None,
    history: bool = True,
    strict: bool = False,
) -> ReplayReport:
    """Run the bodies of `graph` that have a record against it; returns what was gone over (RA.4).

    `workflows.services.replay` tells what is checked and what the arguments mean; here the graph
    brings its saver. Raises NonDeterminismError, GraphChangedError, ValueError without a saver or
    without checkpoints, TypeError for coroutine functions.
    """
    run, look_into = _opened(graph, thread_id, config, context)
    turns = Turns(replay(run, look_into, Scope(history, strict)))
    for turn in turns:
        turns.answer = blocking.drive(*turn)
    return turns.report


async def areplay_check(
    graph: Any,
    thread_id: str,
    *,
    config: dict[str, Any] | None = None,
    context: Any = None,
    history: bool = True,
    strict: bool = False,
) -> ReplayReport:
    """Async twin of `replay_check`, for coroutine functions and plain ones."""
    run, look_into = _opened(graph, thread_id, config, context)
    turns = Turns(replay(run, look_into, Scope(history, strict, is_async=True)))
    for turn in turns:
        turns.answer = await aio.drive(*turn)
    return turns.report


def _opened(
    graph: Any, thread_id: str, config: dict[str, Any] | None, context: Any
) -> tuple[Run, Callable[[str], Run]]:
    if not isinstance(graph, Inspection):
        raise TypeError(
            f"replay_check: graph is {graph!r}; give a compiled graph or an entrypoint"
        )
    for key in ("checkpoint_id", "checkpoint_ns"):
        if place_of(configurable(config), key):
            raise ValueError(
                f"replay_check goes over the whole thread {thread_id!r}: leave {key} out"
            )
    asked = {"question_changed": "error", **configurable(config)}
    merged = merge_configs(config, {"configurable": {**asked, "thread_id": thread_id}})
    return graph.rehearsing(merged, context, Rehearsal())
