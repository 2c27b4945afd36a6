"""Updates of living threads: what their author foresaw, done at once and answered (RB.16).

Where no run is at work, the update is carried out here. Else the run takes it between two of its steps, whatever process it
is in, and this one waits for its answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from asgiref.sync import async_to_sync
from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, transaction
from django.db.models import CharField, Exists, OuterRef, Value
from django.db.models.functions import Cast, Concat

from workflows.engine.errors import GraphChangedError
from workflows.engine.handlers import Handler
from workflows.engine.sending import WAITS
from workflows.engine.update_errors import UpdateRefused, UpdateTimeout
from workflows.models import Run, SentUpdate, Thread
from workflows.services import registry
from workflows.services.access import RUN, Person, by_of, find_thread, row_of
from workflows.services.action import ThreadBusy
from workflows.services.binding import bound
from workflows.services.cancel_run import wake_next
from workflows.services.desk import audit
from workflows.services.editing import check_editor
from workflows.services.keys import check_key
from workflows.storage.clock import machine_now
from workflows.storage.connections import connection_of, inside_transaction
from workflows.storage.saver import DjangoSaver


@dataclass(frozen=True)
class SendUpdate:
    """Update `name` of a thread, with `args` by name; `person` is None where the system sends it.

    It waits for `seconds`, None: for as long as it takes. Of those with one `key` on a thread the first is carried out, and
    all are given its answer.
    """

    person: Person | None
    thread_id: str
    name: str
    args: Mapping[str, Any] = field(default_factory=dict)
    _: KW_ONLY
    key: str | None = None
    seconds: float | None = WAITS

    def check(self) -> Thread:
        """The thread, where this person may change its state now."""
        thread = self._find()
        if self.person is not None:
            check_editor(self.person, thread, scope=RUN)
        check_key("key", self.key)
        return thread

    def execute(self) -> Any:
        """Have it carried out; returns what its handler gives as result.

        Raises UpdateRefused, UpdateFailed and UpdateTimeout; then nothing was written.
        """
        thread = self.check()
        is_inside = inside_transaction(connection_of(DEFAULT_DB_ALIAS))
        try:
            result = self._sent(thread, 0.0 if is_inside else self.seconds)
        except UpdateTimeout as error:
            if not is_inside:
                raise
            raise ThreadBusy(
                f"A run is at work on thread {thread.pk}, which sees no update before the present transaction ends; "
                "send it outside of one."
            ) from error
        finally:
            if not transaction.get_connection().needs_rollback:
                wake_next(thread.pk)  # a run that found the thread taken
        if self.person is not None:
            self._note(thread)
        return result

    def _find(self) -> Thread:
        if self.person is not None:
            return find_thread(self.person, self.thread_id)
        thread = None
        if "\0" not in self.thread_id:
            thread = Thread.objects.filter(pk=self.thread_id).first()
        if thread is None:
            raise LookupError(
                f"send_update(): there is no thread {self.thread_id!r}; nothing was sent"
            )
        return thread

    def _sent(self, thread: Thread, seconds: float | None) -> Any:
        saver = DjangoSaver(graph=thread.graph, kind=Run.Kind.UPDATE)
        saver.sent_by = getattr(row_of(self.person), "pk", None)
        graph = bound(registry.get(thread.graph).graph, saver)
        config = {"configurable": {"thread_id": thread.pk}}
        how = {
            "timeout": seconds,
            "by": by_of(self.person)[:200] if self.person is not None else "",
            "idempotency_key": self.key,
        }
        handler = updates_of(thread.graph).get(self.name)
        send = graph.send_update
        if handler is not None and handler.is_async:
            send = async_to_sync(graph.asend_update)
        try:
            return send(config, self.name, self.args, **how)
        except GraphChangedError as error:
            raise UpdateRefused(str(error)) from error

    def _note(self, thread: Thread) -> None:
        with transaction.atomic():
            audit.record(
                self.person,
                "update.sent",
                graph=thread.graph,
                thread=thread.pk,
                subject=f"thread {thread.pk}",
                data={"update": self.name},
            )


def send_update(
    thread_id: str | UUID,
    name: str,
    args: Mapping[str, Any] | None = None,
    *,
    idempotency_key: str | None = None,
    timeout: float | None = WAITS,
) -> Any:
    """Have update `name` of a living thread carried out, with these arguments; returns its handler's result (RB.16).

    Updates are what the author of the workflow has declared with `@graph.update`. A thread that waits takes one at once and
    goes on waiting; a run that is at work takes it between two steps, in whatever process. After `timeout` seconds (None:
    never) it is taken back. Of those with one `idempotency_key` on a thread the first is carried out, and all are
    given its answer.

    Raises UpdateRefused where its handler refuses it, the arguments do not fit, the workflow has no such update, or the
    thread has not begun or has ended; UpdateFailed for any other error of the handler; UpdateTimeout; LookupError for a
    thread that does not exist; InvalidAnswer for a key that cannot be kept; ThreadBusy inside a transaction while a
    run is at work. Then nothing was written.
    """
    given = {} if args is None else args
    return SendUpdate(
        None, str(thread_id), name, given, key=idempotency_key, seconds=timeout
    ).execute()


def updates_of(graph: str) -> Mapping[str, Handler]:
    """The updates of a workflow by name; none where it is gone."""
    item = registry.find(graph)
    program = getattr(item.graph, "program", None) if item is not None else None
    found: Mapping[str, Handler] = getattr(program, "updates", {})
    return found


def tidy_updates() -> int:
    """Forget updates that are older than SIGNALS_KEEP_DAYS; how many rows went. What the history tells of them stays.

    Of the last one that a person sent to a thread it stays known who that was, since four eyes go by it.
    """
    if not settings.SIGNALS_KEEP_DAYS:
        return 0
    before = machine_now() - timedelta(days=settings.SIGNALS_KEEP_DAYS)
    old = SentUpdate.objects.filter(sent_at__lt=before)
    by_people = SentUpdate.objects.filter(
        status=SentUpdate.Status.DONE, sent_by__isnull=False
    )
    later = by_people.filter(
        thread_id=OuterRef("thread_id"), answered_at__gt=OuterRef("answered_at")
    )
    last = by_people.exclude(Exists(later))
    gone, _ = old.exclude(pk__in=last.values("pk")).delete()
    forgotten = Concat(Value("forgotten:"), Cast("pk", CharField()))
    old.exclude(args="").update(token=forgotten, args="", answer="")
    return gone
