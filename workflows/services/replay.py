"""Check present code against what threads of this site have on record, before it is rolled out (RA.4)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from asgiref.sync import async_to_sync
from django.db.models import QuerySet

from workflows.engine import replay
from workflows.engine.checkpoint.base import BaseCheckpointSaver
from workflows.engine.replay import ReplayReport
from workflows.models import Thread
from workflows.services import registry
from workflows.services.binding import bound
from workflows.storage.saver import DjangoSaver

_GOES_ON = (
    Thread.Status.INTERRUPTED,
    Thread.Status.WAITING,
    Thread.Status.BUSY,
    Thread.Status.ERROR,
)


def replay_check(
    graph: Any,
    thread_id: str,
    *,
    config: dict[str, Any] | None = None,
    context: Any = None,
    history: bool = True,
    strict: bool = False,
) -> ReplayReport:
    """Check the code of `graph` against the record of an old thread, without doing its work (RA.4).

    `graph` is a compiled graph, an entrypoint or the name of a registered workflow. One without a
    saver is checked with the database's saver and store, as workers run it.

    Every body that has calls of tasks, questions or answers on record runs from its first line, as on a
    resume: a `@task` gives its recorded result or error and is never called, `interrupt()` its recorded
    answer. Where a body asks for more than is on record, its check ends; that is no difference.
    Nodes without a record are not run. What a body does outside of tasks it does here too.

    Nothing is written: no checkpoint, lease, event or cached result; what a body puts into its
    store is kept aside. A run or an edit that a body begins itself is not begun.

    With `history` all checkpoints are gone over that are kept, with the steps that have finished and
    the subgraphs that are nodes; without, what the thread would go on with. Left out are the inner calls of a
    task that has not ended, and finished graphs that a body calls itself; `warnings` of the
    report say so.

    `config` and `context` are those of a run. `configurable["determinism"]` counts as in a run, and so does
    `question_changed`, which is "error" here unless it is given: another question than the recorded one is a
    difference. With `strict`, so is a request that is not on record while recorded ones are still to
    come; else it is a warning.

    Raises NonDeterminismError for the first difference: what was recorded, what the code asks for
    now, and where. GraphChangedError, where the thread could not go on (R4.20). ValueError for a
    thread without checkpoints, UnknownGraphError for a name that is not registered, TypeError
    for coroutine functions: those are checked with `areplay_check`.
    """
    return replay.replay_check(
        _bound(graph),
        thread_id,
        config=config,
        context=context,
        history=history,
        strict=strict,
    )


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
    return await replay.areplay_check(
        _bound(graph),
        thread_id,
        config=config,
        context=context,
        history=history,
        strict=strict,
    )


def _bound(graph: Any) -> Any:
    found = registry.get(graph).graph if isinstance(graph, str) else graph
    has_saver = isinstance(getattr(found, "checkpointer", None), BaseCheckpointSaver)
    if has_saver or not hasattr(found, "with_saver"):
        return found
    return bound(found, DjangoSaver())


@dataclass(frozen=True)
class CheckedThread:
    """One thread and what its check came to; `problem` is "" where the code fits."""

    thread_id: str
    graph: str
    problem: str = ""
    bodies: int = 0
    warnings: tuple[str, ...] = ()


def threads_that_go_on(graph: str | None = None) -> QuerySet[Thread]:
    """Threads that the next code will go on with: they wait or sleep, are at work, or have failed."""
    rows = Thread.objects.filter(status__in=_GOES_ON).order_by("pk")
    rows = rows.exclude(head="").exclude(graph="")
    return rows if graph is None else rows.filter(graph=graph)


def check_each(
    threads: Iterable[Thread], *, history: bool = False, strict: bool = False
) -> Iterator[CheckedThread]:
    """Check threads one by one, each with the workflow that it belongs to; nothing is raised for one of them."""
    for row in threads:
        try:
            report = _checked(row, history=history, strict=strict)
        except Exception as error:  # noqa: BLE001 - whatever it is, the thread does not go on
            problem = f"{type(error).__name__}: {error}"
            yield CheckedThread(row.pk, row.graph, problem)
        else:
            count, warnings = len(report.bodies), report.warnings
            yield CheckedThread(row.pk, row.graph, "", count, warnings)


def _checked(row: Thread, *, history: bool, strict: bool) -> ReplayReport:
    graph = registry.get(row.graph).graph
    if graph.program.plain:
        return replay_check(graph, row.pk, history=history, strict=strict)
    check = async_to_sync(areplay_check)
    return check(graph, row.pk, history=history, strict=strict)
