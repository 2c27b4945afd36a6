"""One thread as the checks look at it: its row, its runs, its questions, each read once."""

from __future__ import annotations

from datetime import datetime
from functools import cached_property

from django.contrib.auth.models import AnonymousUser
from django.db import DEFAULT_DB_ALIAS, connections

from workflows.models import Interrupt, Run, Thread
from workflows.models.run import BESIDE
from workflows.services import ports
from workflows.services.access import Person, Rights
from workflows.services.action import Action, Refused
from workflows.services.checkup.check import Offer
from workflows.services.desk.deciding import RELATED
from workflows.services.findings import Look, length
from workflows.services.state import read_state
from workflows.services.workers import workers
from workflows.storage.connections import POSTGRESQL

MOST_QUESTIONS = 20
MOST_RUNS = 20


class Patient(Look):
    """One look at one thread; `rights` are those of whoever looks, None for the system."""

    def __init__(self, thread: Thread, rights: Rights | None = None) -> None:
        super().__init__(thread.pk)
        self.thread = thread
        self.rights = rights

    @property
    def person(self) -> Person:
        """Whoever looks; somebody who may do nothing where that is the system."""
        person = self.rights.person if self.rights is not None else None
        return person or AnonymousUser()

    @property
    def operates(self) -> bool:
        """Whether whoever looks may operate the workflow, and is shown what is inside."""
        return self.rights is None or self.rights.can_operate(self.thread.graph)

    @cached_property
    def runs(self) -> list[Run]:
        """Its runs that have not ended, and the last that is no edit; in the order in which they were made."""
        rows = Run.objects.filter(thread=self.thread).defer("payload", "traceback")
        live = rows.filter(status__in=(Run.Status.PENDING, Run.Status.RUNNING))
        found = {run.pk: run for run in live.order_by("id")[:MOST_RUNS]}
        last = rows.exclude(kind__in=BESIDE).order_by("-id").first()
        return list((found | ({last.pk: last} if last else {})).values())

    @property
    def running(self) -> Run | None:
        """The run that is at work."""
        at_work = (run for run in self.runs if run.status == Run.Status.RUNNING)
        return next(at_work, None)

    @property
    def pending(self) -> list[Run]:
        """The runs that wait to begin."""
        return [run for run in self.runs if run.status == Run.Status.PENDING]

    @property
    def last(self) -> Run | None:
        """The last run that is no edit."""
        found = [run for run in self.runs if run.kind not in BESIDE]
        return max(found, key=lambda run: run.pk, default=None)

    @property
    def is_at_work(self) -> bool:
        """Whether a run has not ended."""
        return bool(self.running or self.pending)

    @cached_property
    def questions(self) -> list[Interrupt]:
        """The first of its open questions, the oldest first."""
        rows = Interrupt.objects.filter(
            thread=self.thread, status=Interrupt.Status.PENDING
        )
        rows = rows.select_related(*RELATED).order_by("asked_at", "id")
        return list(rows[:MOST_QUESTIONS])

    def sees(self, thread_id: str) -> bool:
        """Whether whoever looks may see another thread."""
        rows = Thread.objects.filter(pk=thread_id)
        rows = self.rights.limit(rows) if self.rights is not None else rows
        return rows.exists()

    @cached_property
    def is_undone(self) -> bool:
        """Whether what the thread has done is undone, so that nothing goes on there."""
        has_state = bool(self.thread.head)
        return has_state and read_state(self.thread, Rights(None)).is_undone

    @cached_property
    def worker_lives(self) -> bool:
        """Whether a worker is alive, as far as this process can tell."""
        ask = getattr(ports.run_queue(), "has_worker", None)
        return bool(ask()) if ask is not None and self.can_tell else True

    def some_worker_knows(self, graph: str) -> bool:
        """Whether a worker that is alive has the workflow; also where none has told of itself yet."""
        alive = [each for each in workers(self.now) if each.is_alive]
        return not alive or any(each.knows(graph) for each in alive)

    @property
    def can_tell(self) -> bool:
        """Whether this process can know of the workers: on SQLite only the one that serves does."""
        is_postgresql = connections[DEFAULT_DB_ALIAS].vendor == POSTGRESQL
        return is_postgresql or self.rights is not None

    def since(self, moment: datetime | None) -> str:
        """How long that was ago, in its largest unit."""
        return self._since(moment)

    def ahead(self, moment: datetime) -> str:
        """How long it is until then."""
        return length(moment - self.now)

    def is_before(self, moment: datetime | None, seconds: float) -> bool:
        """Whether it was more than so many seconds ago."""
        return moment is not None and moment < self._ago(seconds)

    def do_for_worker(self) -> str:
        """What to do so that a worker takes it up.

        How many runs are at work everywhere is told only to who may see all of them.
        """
        if self.rights is None or self.rights.is_admin or not self.worker_lives:
            return self._do_for_worker()
        return (
            "see whether the hands of the workers are full, start one more where they are, and read "
            "their log"
        )

    def offered(self, offer: Offer, action: Action) -> tuple[Offer, ...]:
        """The offer, where whoever looks could do it now."""
        if self.rights is None:
            return ()
        try:
            action.check()
        except Refused:
            return ()
        return (offer,)
