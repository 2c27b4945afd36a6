"""How the site does, for programs that watch it: as JSON, and as Prometheus reads it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Field, Router, Schema
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from workflows.api.door import operation, person_of
from workflows.services import registry
from workflows.services.access import READ, Rights
from workflows.services.failures import DAYS, failures
from workflows.services.health.asked import HOURS, MEDIAN_DAYS, asked, pace
from workflows.services.health.by_workflow import live_runs, open_questions
from workflows.services.health.work import work
from workflows.services.workers import workers
from workflows.storage.clock import database_now

router = Router(tags=["Health"])
AS_TEXT: dict[str, Any] = {"responses": {200: {"content": {"text/plain": {}}}}}
Samples = Iterable[tuple[tuple[str, ...], float]]


class Asked(Schema):
    """The open questions that nobody has put off."""

    open: int
    due_soon: int
    overdue: int
    oldest: int | None = Field(description="Number of the one that waits longest.")
    oldest_at: datetime | None


class Pace(Schema):
    """How fast people decide."""

    decided: int = Field(description=f"Decisions of the last {HOURS} hours.")
    median_seconds: float | None = Field(
        description=f"Half of those of the last {MEDIAN_DAYS} days took no longer, from the question on."
    )


class Work(Schema):
    """What waits for workers, and what is late."""

    running: int
    due: int = Field(description="Runs that a worker could begin now.")
    due_since: datetime | None
    lost: int = Field(
        description="Runs whose worker is gone, until another takes them up."
    )
    late_timers: int = Field(description="Threads that were to go on by themselves.")
    late_schedules: int


class Workers(Schema):
    """The processes that carry out runs."""

    alive: int
    slots: int = Field(description="How many runs they carry out at once.")


class Failure(Schema):
    """Runs that failed in the same way at the same place."""

    workflow: str
    kind: str
    node: str
    count: int
    last_at: datetime
    last_run: int


class Health(Schema):
    """The numbers of the page Health."""

    at: datetime
    questions: Asked
    pace: Pace
    work: Work
    workers: Workers | None = Field(
        description="For owners who operate a workflow; null for others."
    )
    failures: list[Failure] = Field(
        description=f"Of the last {DAYS} days, the most frequent first."
    )


@operation(router, "GET", "/health", READ, response=Health, summary="How it does")
def health(request: HttpRequest) -> Health:
    """Open and late questions, decisions, runs, workers and failures: of what the token's owner may see."""
    rights, now = Rights(person_of(request)), database_now()
    waiting, speed, at_work = asked(rights, now), pace(rights, now), work(rights, now)
    return Health(
        at=now,
        questions=Asked(
            open=waiting.count,
            due_soon=waiting.soon,
            overdue=waiting.overdue,
            oldest=waiting.oldest_number,
            oldest_at=waiting.oldest,
        ),
        pace=Pace(
            decided=speed.total,
            median_seconds=speed.median.total_seconds() if speed.median else None,
        ),
        work=Work(
            running=at_work.at_work,
            due=at_work.due,
            due_since=at_work.due_since,
            lost=at_work.lost,
            late_timers=at_work.late_timers,
            late_schedules=at_work.late_schedules,
        ),
        workers=_workers(rights, now),
        failures=[
            Failure(
                workflow=each.graph,
                kind=each.kind,
                node=each.node,
                count=each.count,
                last_at=each.last_at,
                last_run=each.last_run,
            )
            for each in failures(rights, now)[0]
        ],
    )


@operation(
    router,
    "GET",
    "/metrics",
    READ,
    openapi_extra=AS_TEXT,
    summary="The same for Prometheus",
)
def metrics(request: HttpRequest) -> HttpResponse:
    """Gauges whose names begin with `durableweb_`, as text. They are counted when they are asked for, for all
    processes of the site: scrape one of them. Prometheus sends the token by `authorization: credentials_file`."""
    book = CollectorRegistry()
    book.register(_Gauges(Rights(person_of(request)), database_now()))
    return HttpResponse(generate_latest(book), content_type=CONTENT_TYPE_LATEST)


class _Gauges(Collector):
    """All numbers of one moment, as the library collects them."""

    def __init__(self, rights: Rights, now: datetime) -> None:
        self.rights = rights
        self.now = now

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Each number with its name and what it says."""
        yield from self._questions()
        yield from self._work()
        groups, _ = failures(self.rights, self.now)
        yield _gauge(
            f"failures_{DAYS}d",
            f"Runs that failed in the last {DAYS} days, by kind and node; the most frequent.",
            ("workflow", "kind", "node"),
            (((each.graph, each.kind, each.node), each.count) for each in groups),
        )

    def _questions(self) -> Iterator[GaugeMetricFamily]:
        found = [*open_questions(self.rights, self.now)]
        yield _gauge(
            "questions_open",
            "Questions that wait for a person.",
            ("workflow",),
            (((each.graph,), each.count) for each in found),
        )
        yield _gauge(
            "questions_overdue",
            "Questions that are past their time.",
            ("workflow",),
            (((each.graph,), each.overdue) for each in found),
        )
        waiting, speed = asked(self.rights, self.now), pace(self.rights, self.now)
        yield _one(
            "question_oldest_seconds",
            "How long the oldest open question has waited.",
            _seconds_since(waiting.oldest, self.now),
        )
        yield _one("decisions_24h", "Decisions of the last 24 hours.", speed.total)
        if speed.median is not None:
            yield _one(
                "decision_median_seconds",
                f"Half of the decisions of the last {MEDIAN_DAYS} days took no longer.",
                speed.median.total_seconds(),
            )

    def _work(self) -> Iterator[GaugeMetricFamily]:
        found, now = work(self.rights, self.now), self.now
        yield _gauge(
            "runs",
            "Runs that wait to begin (pending) or are at work (running).",
            ("workflow", "status"),
            (
                ((each.graph, each.status), each.count)
                for each in live_runs(self.rights)
            ),
        )
        yield _one("runs_due", "Runs that a worker could begin now.", found.due)
        yield _one(
            "run_due_oldest_seconds",
            "How long the oldest of them could have begun.",
            _seconds_since(found.due_since, now),
        )
        yield _one("runs_lost", "Runs whose worker is gone.", found.lost)
        yield _one("timers_late", "Threads that were to go on.", found.late_timers)
        yield _one("schedules_late", "Schedules that are late.", found.late_schedules)
        known = _workers(self.rights, now)
        if known is not None:
            text = "Processes that carry out runs."
            yield _one("workers_alive", text, known.alive)
            text = "How many runs they carry out at once."
            yield _one("worker_slots", text, known.slots)


def _workers(rights: Rights, now: datetime) -> Workers | None:
    if not any(map(rights.is_operator_of, registry.names())):
        return None
    alive = [each for each in workers(now) if each.is_alive]
    return Workers(alive=len(alive), slots=sum(each.hands for each in alive))


def _gauge(name: str, says: str, labels: tuple[str, ...], samples: Samples) -> Any:
    gauge = GaugeMetricFamily(f"durableweb_{name}", says, labels=labels)
    for values, number in samples:
        gauge.add_metric(values, number)
    return gauge


def _one(name: str, says: str, number: float) -> Any:
    return _gauge(name, says, (), [((), number)])


def _seconds_since(moment: datetime | None, now: datetime) -> float:
    return max(0.0, (now - moment).total_seconds()) if moment else 0.0
