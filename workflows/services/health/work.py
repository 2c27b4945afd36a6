"""What waits for workers, and who works."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import DEFAULT_DB_ALIAS
from django.db.models import Count, Min
from django.utils import timezone

from workflows.models import Checkpoint, Run, Schedule, Thread
from workflows.services import registry
from workflows.services.access import Rights
from workflows.services.asleep import overslept
from workflows.services.code_stamps import stamp_in, stamp_of
from workflows.services.findings import WAIT_SECONDS
from workflows.services.review_queue import graph_title
from workflows.services.schedules import declared
from workflows.services.schedules.reading import LATE
from workflows.services.waiting_runs import waiting_for_worker
from workflows.storage.leases import lease_seconds
from workflows.storage.queue_workers import last_heartbeats

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
    """A process that carries out runs: how many now, when it was heard of, and with which code.

    `same` and `other` are workflows whose threads it has saved last with the code that is here, and with other code.
    """

    name: str
    at_work: int = 0
    heard_at: datetime | None = None
    runs: int = 0
    same: set[str] = field(default_factory=set)
    other: set[str] = field(default_factory=set)

    @property
    def is_alive(self) -> bool:
        """Whether it holds a lease."""
        return self.at_work > 0


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


def heartbeats() -> list[datetime]:
    """When each worker that is alive was heard of last; none on SQLite, where the site's own process works."""
    return last_heartbeats(DEFAULT_DB_ALIAS)


def processes(rights: Rights) -> list[Process]:
    """Who has carried out the newest runs that the person may see, of the last hour."""
    now = timezone.now()
    rows = Run.objects.exclude(owner="").order_by("-id")
    told = rows.values_list(
        *("owner", "status", "lease_until", "finished_at", "thread_id", "graph")
    )
    found: dict[str, Process] = {}
    saved_by: dict[str, str] = {}
    for owner, status, lease_until, finished_at, thread_id, graph in told[:NEWEST]:
        is_held = status == Run.Status.RUNNING and lease_until and lease_until >= now
        heard_at = finished_at
        if is_held:
            heard_at = min(lease_until - timedelta(seconds=lease_seconds()), now)
        if heard_at is None or heard_at < now - RECENT or not rights.can_see(graph):
            continue
        name = owner.partition("#")[0].rpartition(":")[0] or owner
        one = found.setdefault(name, Process(name))
        one.runs += 1
        one.at_work += bool(is_held)
        one.heard_at = max(one.heard_at or heard_at, heard_at)
        if graph in registry.names():
            saved_by.setdefault(thread_id, name)
    _note_code(found, saved_by)
    return sorted(found.values(), key=lambda each: (-each.at_work, each.name))


def _note_code(found: dict[str, Process], saved_by: dict[str, str]) -> None:
    """Say of each process whether the code by which it has saved is the one that is here."""
    threads = Thread.objects.filter(pk__in=saved_by).values_list("pk", "head", "graph")
    heads = {pk: (head, graph) for pk, head, graph in threads}
    rows = Checkpoint.objects.filter(
        thread__in=heads, namespace="", id__in=[head for head, _ in heads.values()]
    )
    for thread_id, text in rows.values_list("thread_id", "metadata"):
        graph = heads[thread_id][1]
        saved, here = stamp_in(text), stamp_of(graph)
        if saved is None or here is None:
            continue
        process = found[saved_by[thread_id]]
        part = process.same if saved.is_same_code(here) else process.other
        part.add(graph_title(graph))
