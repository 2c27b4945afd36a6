"""What takes room, and what retention would forget of it."""

from __future__ import annotations

from dataclasses import dataclass

from workflows.models import Thread
from workflows.services.access import Rights
from workflows.services.registry import all as all_graphs
from workflows.services.retention import Retention, due_threads, prune_each
from workflows.services.review_queue import graph_title
from workflows.storage.room import bytes_of, database_bytes

# The threads with the most events are measured; the largest of those are shown.
MEASURED = 200
SHOWN = 10


@dataclass(frozen=True)
class LargeThread:
    """One thread, about how many bytes it takes, and what retention would forget of it now."""

    id: str
    title: str
    graph_title: str
    bytes: int
    checkpoints: int
    events: int
    busy: str


@dataclass(frozen=True)
class Storage:
    """The size of the database, its largest threads, and how many threads retention is to look at."""

    bytes: int
    largest: tuple[LargeThread, ...]
    measured: int
    due: int
    policy: Retention


def operated(rights: Rights) -> list[str] | None:
    """The workflows that the person operates; None for all."""
    if rights.is_admin:
        return None
    return [item.name for item in all_graphs() if rights.can_operate(item.name)]


def storage(rights: Rights) -> Storage:
    """What takes room among the threads that the person operates. Removes nothing."""
    graphs = operated(rights)
    rows = Thread.objects.all()
    rows = rows if graphs is None else rows.filter(graph__in=graphs)
    busiest = rows.order_by("-seq").values_list("pk", flat=True)
    ids = list(busiest[:MEASURED])
    sizes = bytes_of(ids)
    largest = sorted(ids, key=lambda pk: -sizes[pk])[:SHOWN]
    policy = Retention.of_settings()
    due = due_threads(policy)
    return Storage(
        database_bytes(),
        _shown(largest, sizes, policy),
        len(ids),
        (due if graphs is None else due.filter(graph__in=graphs)).count(),
        policy,
    )


def _shown(
    ids: list[str], sizes: dict[str, int], policy: Retention
) -> tuple[LargeThread, ...]:
    rows = Thread.objects.in_bulk(ids)
    chosen = Thread.objects.filter(pk__in=ids)
    would = {each.thread_id: each for each in prune_each(chosen, policy, dry_run=True)}
    return tuple(
        LargeThread(
            id=pk,
            title=rows[pk].title,
            graph_title=graph_title(rows[pk].graph),
            bytes=sizes[pk],
            checkpoints=would[pk].pruned.checkpoints,
            events=would[pk].pruned.events,
            busy=would[pk].busy,
        )
        for pk in ids
        if pk in rows and pk in would
    )
