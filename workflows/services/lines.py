"""Where runs stand in the lines of queues, and who is woken where a line moves (RB.9).

A delivered run that its queue does not let in stays pending, and its delivery is used up. Who gives a
slot back wakes whoever may begin then; what is lost there the sweep finds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import DEFAULT_DB_ALIAS
from django.db.models.functions import Now

from workflows.models import Run
from workflows.services import ports, registry
from workflows.services.action import InvalidAnswer
from workflows.services.afterwards import after_commit
from workflows.services.queues import Queue
from workflows.storage import admission
from workflows.storage.admission import (
    IN_LINE,
    NEW,
    Line,
    admissible,
    admissible_of,
    next_start,
)
from workflows.storage.claimable import Waiting, Which, claimable
from workflows.storage.clock import database_now
from workflows.storage.places import DIRECT_KINDS

MOST_PRIORITY = 32_767
AT_ONCE = 20
"""So many runs are woken at once."""
NOWHERE: Mapping[str, Any] = {}
"""The place of a run in no queue."""


def check_place(priority: Any) -> None:
    """Raise InvalidAnswer for what can be no priority."""
    is_whole = isinstance(priority, int) and not isinstance(priority, bool)
    if not is_whole or abs(priority) > MOST_PRIORITY:
        wanted = f"is a whole number between -{MOST_PRIORITY:,} and {MOST_PRIORITY:,}"
        raise InvalidAnswer({"priority": f"{wanted}, not {priority!r}"})


def due_after(seconds: float | None) -> datetime | None:
    """The instant so many seconds from now, by the database's clock."""
    return None if seconds is None else database_now() + timedelta(seconds=seconds)


def place_in(
    queue: Queue | None, input: Any, priority: int, due_at: datetime | None
) -> Mapping[str, Any]:
    """The columns of a start that stands in line from now on, or from `due_at`."""
    if queue is None:
        return NOWHERE
    return {
        "queue": queue.name,
        "partition": queue.partition_of(input),
        "priority": priority,
        "queued_at": due_at or Now(),
    }


def place_of(thread_id: str) -> Mapping[str, Any]:
    """The columns of a run that goes on with what a thread has done last: it has the same place."""
    if not admission.known:
        return NOWHERE
    runs = Run.objects.filter(thread=thread_id).exclude(kind__in=DIRECT_KINDS)
    columns = ("queue", "partition", "priority", "queued_at")
    last = runs.order_by("-id").values(*columns).first()
    return last if last is not None and last["queue"] else NOWHERE


def move_up(line: Line) -> None:
    """Wake who may begin once the transaction has committed that gives a slot of the line back."""
    if line.queue:
        after_commit(wake_line, line)


def wake_line(line: Line) -> None:
    """Wake workers for the runs of a line that may begin now, and for the first start when the rate lets it."""
    for each in _may_begin_after(line)[:AT_ONCE]:
        ports.run_queue().enqueue(each.run_id, None, each.priority)
    wake_when_window_opens(line)


def _may_begin_after(line: Line) -> list[Waiting]:
    """The runs that may begin where the line has moved: those of all its queue's, where one process has so many of all."""
    graphs = registry.names()
    limits = admission.known.get(line.queue)
    if limits is not None and limits.worker_concurrency is not None:
        return admissible_of(DEFAULT_DB_ALIAS, line.queue, graphs, AT_ONCE)
    return admissible(DEFAULT_DB_ALIAS, line, graphs)


def wake_when_window_opens(line: Line) -> None:
    """Have the first start of a line delivered when its rate, which lets none begin now, lets one begin again."""
    at = next_start(DEFAULT_DB_ALIAS, line)
    if at is None:
        return
    starts = Which(IN_LINE, tuple(line)).but(NEW).of(registry.names())
    for each in claimable(DEFAULT_DB_ALIAS, starts, 1, since="queued_at"):
        ports.run_queue().enqueue(each.run_id, at, each.priority)


def was_let_in(line: Line) -> None:
    """Wake the next one of a line whose rate a run has just used: nobody else says when its window opens."""
    limits = admission.known.get(line.queue)
    if limits is not None and limits.rate is not None:
        wake_line(line)


def full_hands() -> set[str]:
    """The queues of which some worker process has as many runs at work as it may: others may wait for that.

    No process knows the hands of the others, and the rows do not tell which workers there are.
    """
    limits = {
        name: each.worker_concurrency
        for name, each in admission.known.items()
        if each.worker_concurrency is not None
    }
    if not limits:
        return set()
    at_work = Run.objects.filter(status=Run.Status.RUNNING, queue__in=limits)
    counts = Counter(
        (queue, owner.partition("#")[0])
        for queue, owner in at_work.values_list("queue", "owner")
    )
    return {queue for (queue, _), count in counts.items() if count >= limits[queue]}


def may_begin(run_id: int) -> bool:
    """Whether the run stands in no queue, or its queue would let it in now."""
    row = Run.objects.filter(pk=run_id).values_list("queue", "partition").first()
    if row is None or not row[0]:
        return True
    found = admissible(DEFAULT_DB_ALIAS, Line(*row), registry.names())
    return any(each.run_id == run_id for each in found)
