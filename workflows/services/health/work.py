"""What waits for workers, and who works."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Min

from workflows.models import Run, Schedule, Thread
from workflows.services.access import Rights
from workflows.services.asleep import overslept
from workflows.services.findings import WAIT_SECONDS
from workflows.services.review_queue import graph_title
from workflows.services.schedules import declared
from workflows.services.schedules.reading import LATE
from workflows.services.waiting_runs import waiting_for_worker
from workflows.services.workers import Colleague, name_of, workers
from workflows.storage.leases import lease_seconds

# Of the newest so many runs it is told who has carried them out.
NEWEST = 200
RECENT = timedelta(hours=1)
# As long as the doctor takes for a run to be on its way.
LONG = timedelta(seconds=WAIT_SECONDS)


@dataclass(frozen=True)
class Work:
    """Runs at work, runs that a worker could begin and since when, runs whose worker is gone, and what is late by the clock."""

    at_work: int
    due: int
    due_since: datetime | None
    lost: int
    is_due_late: bool
    late_timers: int
    late_schedules: int


@dataclass
class Process:
    """A process that carries out runs: how many now, of how many, when it was heard of, and with which code.

    `told` is whether it has told of itself, as workers do. `other`, `lacks` and `more` are the titles of
    workflows that it has in another form, that it does not have, and that are not here.
    """

    name: str
    at_work: int = 0
    heard_at: datetime | None = None
    told: bool = False
    is_alive: bool = False
    hands: int = 0
    version: str = ""
    started_at: datetime | None = None
    other: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()
    more: tuple[str, ...] = ()


def work(rights: Rights, now: datetime) -> Work:
    """The work of the workflows that the person may see."""
    runs = rights.limit(Run.objects.all())
    due = waiting_for_worker(runs, now)
    waiting = due.aggregate(count=Count("id"), since=Min("due_at"))
    since = waiting["since"]
    running = runs.filter(status=Run.Status.RUNNING)
    late = rights.limit(
        Schedule.objects.filter(
            pk__in=[item.name for item in declared.all()],
            paused_at=None,
            due_at__lt=now - LATE,
        )
    )
    return Work(
        at_work=running.filter(lease_until__gte=now).count(),
        due=waiting["count"],
        due_since=since,
        is_due_late=since is not None and since < now - LONG,
        lost=running.filter(lease_until__lt=now).count(),
        late_timers=overslept(rights.limit(Thread.objects.all())).count(),
        late_schedules=late.count(),
    )


def processes(rights: Rights, now: datetime) -> list[Process]:
    """The workers, the living first, then who else has carried out runs that the person may see, of the last hour."""
    found = {each.name: _told(each, rights) for each in workers(now)}
    rows = Run.objects.exclude(owner="").order_by("-id")
    told = rows.values_list("owner", "status", "lease_until", "finished_at", "graph")
    for owner, status, lease_until, finished_at, graph in told[:NEWEST]:
        is_held, heard_at = False, finished_at
        if status == Run.Status.RUNNING and lease_until and lease_until >= now:
            is_held = True
            heard_at = min(lease_until - timedelta(seconds=lease_seconds()), now)
        if heard_at is None or heard_at < now - RECENT or not rights.can_see(graph):
            continue
        name = owner.partition("#")[0]
        one = found.setdefault(name, Process(name_of(name), is_alive=is_held))
        one.at_work += is_held
        one.heard_at = max(one.heard_at or heard_at, heard_at)
    return sorted(
        found.values(), key=lambda each: (not each.told, not each.is_alive, each.name)
    )


def _told(worker: Colleague, rights: Rights) -> Process:
    def titles(names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(graph_title(each) for each in names if rights.can_see(each))

    return Process(
        name=name_of(worker.name),
        heard_at=worker.seen_at,
        told=True,
        is_alive=worker.is_alive,
        hands=worker.hands,
        version=worker.version,
        started_at=worker.started_at,
        other=titles(worker.other),
        lacks=titles(worker.lacks),
        more=titles(worker.more),
    )
