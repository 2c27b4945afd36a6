"""Signals: messages to a thread, which a task of it waits for or will (RB.2).

Sending writes one row, in the sender's transaction if there is one. Whether a task waits for it is seen with the
thread's row held, as where a run ends that has begun to wait: so one of the two sees the other.
"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, IntegrityError, transaction

from workflows.engine.signals import check_topic
from workflows.models import Emitted, Signal, Thread
from workflows.services.access import (
    Person,
    Rights,
    by_of,
    find_thread,
    require,
    row_of,
)
from workflows.services.action import InvalidAnswer, ThreadBusy
from workflows.services.afterwards import after_commit
from workflows.services.desk import audit
from workflows.services.keys import check_key
from workflows.services.queueing import lock_known_thread
from workflows.services.sleepers import SLEEPING, wake_if_due
from workflows.services.start_run import check_id, encode_input
from workflows.storage.clock import machine_now
from workflows.storage.events import append_events
from workflows.storage.mailbox import wake_for_signals
from workflows.storage.sealing import SIGNAL, seal

MAX_WAITING = 10_000
"""Signals that may lie in the mailbox of one thread."""


@dataclass(frozen=True)
class SendSignal:
    """A signal on `topic` to a thread; `payload` is what JSON and the engine's types can say.

    Of those with one `key` on a topic of a thread only the first is kept. `person` is None where the system sends,
    which may also write to a thread that has not begun.
    """

    person: Person | None
    thread_id: str
    topic: str
    payload: Any = None
    _: KW_ONLY
    key: str | None = None

    def check(self) -> None:
        """Raise where this person may not, or where something of it cannot be kept."""
        if self.person is not None:
            thread = find_thread(self.person, self.thread_id)
            require(
                Rights(self.person).can_operate(thread.graph),
                "You may see this thread but send it no signals.",
            )
        self._check_id()
        try:
            check_topic(self.topic, "signal")
        except (TypeError, ValueError) as error:
            raise InvalidAnswer({"topic": str(error)}) from error
        check_key("key", self.key)

    def execute(self) -> bool:
        """Send it; False where one with this key was sent before."""
        self.check()
        text = encode_input(self.payload)
        with transaction.atomic():
            thread = lock_known_thread(self.thread_id)
            if not self._keep(text):
                return False
            if thread is None:
                # It may have begun, and begun to wait, since we looked.
                after_commit(look_again, self.thread_id)
            else:
                self._tell(thread)
        return True

    def _check_id(self) -> None:
        """A thread that a program has made may have an id that the dashboard would not give it."""
        try:
            check_id(self.thread_id)
        except InvalidAnswer:
            is_text = "\0" not in self.thread_id
            if not is_text or not Thread.objects.filter(pk=self.thread_id).exists():
                raise

    def _keep(self, text: str) -> bool:
        mailbox = Signal.objects.filter(thread_id=self.thread_id, handed=False)
        if len(mailbox.values_list("pk")[:MAX_WAITING]) >= MAX_WAITING:
            raise ThreadBusy(
                f"{MAX_WAITING:,} signals lie in the mailbox of thread {self.thread_id} and nobody takes them; "
                "nothing was sent."
            )
        if self.key is not None and self._is_known():
            return False
        try:
            with transaction.atomic():
                Signal.objects.create(
                    thread_id=self.thread_id,
                    topic=self.topic,
                    key=self.key,
                    payload=seal(text, self.thread_id, SIGNAL),
                    sent_by=row_of(self.person),
                )
        except IntegrityError:
            if self.key is None or not self._is_known():
                raise
            return False
        return True

    def _is_known(self) -> bool:
        same = Signal.objects.filter(topic=self.topic, key=self.key)
        return same.filter(thread_id=self.thread_id).exists()

    def _tell(self, thread: Thread) -> None:
        told = {"topic": self.topic, "by": by_of(self.person)}
        append_events(DEFAULT_DB_ALIAS, thread.pk, None, [("signal", told)])
        if thread.status in SLEEPING and wake_for_signals(DEFAULT_DB_ALIAS, thread.pk):
            wake_if_due(thread.pk)
        audit.record_token(
            self.person,
            "signal.sent",
            graph=thread.graph,
            thread=thread.pk,
            subject=f"thread {thread.pk}",
            data={"topic": self.topic},
        )


def send_signal(
    thread_id: str | UUID,
    topic: str,
    payload: Any = None,
    *,
    idempotency_key: str | None = None,
) -> bool:
    """Send a thread a signal on `topic`, for `wait_signal(topic)` there; False where its key was sent before (RB.2).

    It is kept until a task takes it, also for a thread that has not begun: then for SIGNALS_KEEP_DAYS. Signals of a
    topic are taken in the order in which they were sent, each once. Within a transaction it is sent when that
    commits. `payload` is anything a state may hold. Of those with one `idempotency_key` on a topic one is kept.

    Raises InvalidAnswer for a thread id, a topic, a key or a payload that cannot be kept, and ThreadBusy where 10,000
    signals lie there that nobody takes.
    """
    thread = str(thread_id)
    return SendSignal(None, thread, topic, payload, key=idempotency_key).execute()


def look_again(thread_id: str) -> bool:
    """Wake a thread where it waits for a signal that lies in its mailbox; whether it does."""
    with transaction.atomic():
        thread = lock_known_thread(thread_id)
        if thread is None or thread.status not in SLEEPING:
            return False
        return wake_for_signals(DEFAULT_DB_ALIAS, thread_id) and wake_if_due(thread_id)


def tidy_signals() -> int:
    """Forget what is older than SIGNALS_KEEP_DAYS: events, and signals that were handed over or never met a thread.

    Returns how many rows went.
    """
    if not settings.SIGNALS_KEEP_DAYS:
        return 0
    before = machine_now() - timedelta(days=settings.SIGNALS_KEEP_DAYS)
    old = Signal.objects.filter(sent_at__lt=before)
    handed, _ = old.filter(handed=True).delete()
    lost, _ = old.exclude(thread_id__in=Thread.objects.values("pk")).delete()
    told, _ = Emitted.objects.filter(emitted_at__lt=before).delete()
    return handed + lost + told
