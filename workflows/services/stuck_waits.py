"""Threads that wait for what has come: a time, a signal, an event, the end of another thread, and nobody takes them up (`doctor.py`)."""

from __future__ import annotations

from collections.abc import Iterator

from django.db import DEFAULT_DB_ALIAS
from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery

from workflows.models import Awaited, Run, Signal, Thread
from workflows.services.asleep import not_in_line
from workflows.services.findings import Finding, Look
from workflows.services.outbound.events import address
from workflows.services.queueing import UNFINISHED
from workflows.services.sleepers import SLEEPING
from workflows.storage.children import has_ended, threads_not_told_of_ends
from workflows.storage.emitted import threads_not_told, told_for

# Workers look once a minute for what came whose sender died before it told of it.
UNHEARD_SECONDS = 120.0


class StuckWaits(Look):
    """What each look for them finds."""

    def overslept(self) -> Iterator[Finding]:
        """Threads whose time to wake has come, and that no worker has woken."""
        rows = Thread.objects.filter(status__in=SLEEPING, wake_at__lt=self._ago())
        for row in not_in_line(rows).order_by("wake_at", "id").iterator():
            what = f"thread {row.pk!r} was to wake {self._since(row.wake_at)} ago, and still sleeps"
            yield self._of_sleeper("overslept", row, what)

    def unheard(self) -> Iterator[Finding]:
        """Threads that wait for a signal which lies in their mailbox, and that nobody is to wake."""
        ago = self._ago(UNHEARD_SECONDS)
        lies = Signal.objects.filter(
            thread_id=OuterRef("thread_id"),
            topic=OuterRef("topic"),
            handed=False,
            sent_at__lt=ago,
        )
        rows = self._awaited("signal").filter(
            Exists(lies),
            Q(thread__wake_at=None) | Q(thread__wake_at__gt=self.now),
            thread__status__in=SLEEPING,
        )
        first = lies.order_by("id").values("sent_at")[:1]
        found = rows.annotate(sent_at=Subquery(first))
        for row in found.order_by("sent_at", "id").iterator():
            since = self._since(row.sent_at)
            what = (
                f"a signal {row.topic!r} has lain for {since} in the mailbox of thread "
                f"{row.thread_id!r}, which waits for it"
            )
            yield self._of_sleeper("unheard", row.thread, what, topic=row.topic)

    def untold(self) -> Iterator[Finding]:
        """Threads that wait for an event which was told, and that nobody is to wake."""
        ago = self._ago(UNHEARD_SECONDS)
        threads = threads_not_told(DEFAULT_DB_ALIAS)
        for row in self._awaited("event").filter(thread__in=threads).order_by("id"):
            event = told_for(DEFAULT_DB_ALIAS, row)
            if event is None or event.emitted_at >= ago:
                continue
            key = f" with the key {row.key!r}" if row.key else ""
            what = (
                f"event {row.topic!r}{key} was told {self._since(event.emitted_at)} ago, and "
                f"thread {row.thread_id!r}, which waits for it, has not gone on"
            )
            yield self._of_sleeper("unheard", row.thread, what, event=row.topic)

    def unended(self) -> Iterator[Finding]:
        """Threads that wait for the end of one that has ended, and that nobody is to wake."""
        ago = self._ago(UNHEARD_SECONDS)
        threads = threads_not_told_of_ends(DEFAULT_DB_ALIAS)
        for row in self._awaited("child").filter(thread__in=threads).order_by("id"):
            if not has_ended(DEFAULT_DB_ALIAS, row.topic):
                continue
            child = Thread.objects.filter(pk=row.topic).first()
            if child is not None and child.updated_at >= ago:
                continue
            ended = (
                "does not exist"
                if child is None
                else f"has ended {self._since(child.updated_at)} ago"
            )
            what = (
                f"thread {row.topic!r} {ended}, and thread {row.thread_id!r}, which waits for "
                "its end, has not gone on"
            )
            yield self._of_sleeper("unheard", row.thread, what, child=row.topic)

    def _awaited(self, kind: str) -> QuerySet[Awaited]:
        """What threads wait for of a kind, and have for longer than it takes a worker to look."""
        busy = Run.objects.filter(thread=OuterRef("thread"), status__in=UNFINISHED)
        ago = self._ago(UNHEARD_SECONDS)
        rows = Awaited.objects.filter(~Exists(busy), kind=kind)
        if self.only:
            rows = rows.filter(thread=self.only)
        return rows.filter(thread__updated_at__lt=ago).select_related("thread")

    def _of_sleeper(self, kind: str, row: Thread, what: str, **more: str) -> Finding:
        do = self._do_for_worker()
        if row.graph not in self.known:
            what += f"; its workflow {row.graph!r} is not registered"
            do = "deploy the workflow again under this name"
        ids = {"thread": row.pk, "graph": row.graph, **more}
        return Finding(kind, what, do, address("thread", row.pk), ids)
