"""`replay_check`: new code against the record of an old thread, without doing any work (RA.4, RB.13)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from workflows.engine.config import configurable, merge_configs, place_of
from workflows.engine.drivers import aio, blocking
from workflows.engine.inspection import Inspection
from workflows.engine.loop.records import Run
from workflows.engine.loop.rehearsal import Rehearsal
from workflows.engine.loop.replay import CheckedBody, ReplayReport, Scope, replay

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
    """Run the bodies of `graph` against what a thread has recorded; returns what was gone over.

    Every body that has left calls of tasks, questions or answers on record is run from its first line, as a
    resume runs it: each `@task` gives its recorded result or error and is never called, each
    `interrupt()` its recorded answer. Where a body asks for what is not on record (a call, a
    question without an answer, a graph that has not begun) its check ends there; that is no
    difference. Nodes without a record are not run. What a body does outside of tasks it does here
    too, as on any resume.

    Nothing is written: no checkpoint, no lease, no cache; what a body puts into the graph's store is kept aside.

    With `history` every checkpoint is gone over that the saver still has, the finished steps and the known
    subgraphs too; without, only what the thread would go on with. The inner calls of a task that has not
    ended, and graphs that a body calls itself and that have finished, are not gone over.

    `config` and `context` are given to the bodies as a run gives them; `determinism` and
    `question_changed` in `configurable` count as in a run, but here a question that is not the recorded one is a
    difference unless `question_changed` says otherwise. With `strict`, so is a request that the record does not
    hold, made before the body has come to all that it holds; else that is one of the report's `warnings`.

    Raises NonDeterminismError for the first difference, with what was recorded, what the code asks
    for now, and where; GraphChangedError where the thread could not go on with this code (R4.20);
    ValueError without a saver and for a thread without checkpoints; TypeError for coroutine functions,
    which `areplay_check` runs.
    """
    run, look_into = _opened(graph, thread_id, config, context)
    check = replay(run, look_into, Scope(history, strict))
    answer = None
    while True:
        try:
            turn = check.send(answer)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]
        answer = blocking.drive(*turn)


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
    check = replay(run, look_into, Scope(history, strict, is_async=True))
    answer = None
    while True:
        try:
            turn = check.send(answer)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]
        answer = await aio.drive(*turn)


def _opened(
    graph: Any, thread_id: str, config: dict[str, Any] | None, context: Any
) -> tuple[Run, Callable[[str], Run]]:
    if not isinstance(graph, Inspection):
        raise TypeError(
            f"replay_check: graph is {graph!r}; give a compiled graph or an entrypoint"
        )
    for key in ("checkpoint_id", "checkpoint_ns"):
        if place_of(config, key):
            raise ValueError(
                f"replay_check goes over the whole thread {thread_id!r}: leave {key} out"
            )
    asked = {"question_changed": "error", **configurable(config)}
    merged = merge_configs(config, {"configurable": {**asked, "thread_id": thread_id}})
    return graph.rehearsing(merged, context, Rehearsal())
