"""Start a workflow, on a thread of its own or on one that has ended or makes way (RA.2)."""

from __future__ import annotations

import uuid
from dataclasses import KW_ONLY, dataclass
from datetime import timedelta
from typing import Any

from django.db import IntegrityError, transaction

from workflows.engine import serde
from workflows.engine.errors import (
    SerdeError,
    SerializationError,
)
from workflows.engine.kinds import seconds_of
from workflows.engine.start_errors import DuplicateRunError, IdempotencyConflict
from workflows.models import Run, Thread
from workflows.services import queues, registry
from workflows.services.access import Person, Rights, require, row_of
from workflows.services.action import (
    Duplicate,
    InvalidAnswer,
    KeyReused,
    NotVisible,
    OtherInput,
)
from workflows.services.desk import audit
from workflows.services.duplicates import refuse_duplicate
from workflows.services.keys import check_start_key
from workflows.services.lines import check_place, due_after, place_in
from workflows.services.queueing import lock_thread, queue_run
from workflows.services.queues import Queue
from workflows.services.turns import check_if_busy, take_turn
from workflows.storage.sealing import RUN, unseal

_RACES = 5
MAX_ID_LENGTH = 200
MAX_TITLE_LENGTH = 300
MOST_SECONDS = 3_660 * 86_400
"""Seconds: ten years."""


@dataclass(frozen=True)
class StartRun:
    """A run of `graph` with `input`.

    A repeated `idempotency_key` gives the first run again; with another input it is refused (RB.6). `title` names the thread for
    people. `if_busy` says what becomes of work that the thread has already (turns.py). Limits
    of time are seconds or timedeltas; left out, they are those of the registration (RA.16), and so is the `queue`; "" is none.
    It waits there by its `priority`, the lowest first, and `delay` seconds at the least; it is refused while one with the
    same `dedup_key` has not ended (RB.9).
    """

    person: Person | None
    graph: str
    input: Any
    _: KW_ONLY
    thread_id: str | None = None
    title: str = ""
    idempotency_key: str | None = None
    if_busy: str = "reject"
    run_timeout: float | timedelta | None = None
    start_timeout: float | timedelta | None = None
    queue: str | Queue | None = None
    priority: int = 0
    delay: float | timedelta | None = None
    dedup_key: str | None = None

    def check(self) -> registry.Registered:
        """The workflow, where this person may start it."""
        item = self._find()
        check_start_key("key", self.idempotency_key)
        check_start_key("dedup_key", self.dedup_key)
        check_place(self.priority)
        self._queue(item)
        check_if_busy(self.if_busy)
        for name in ("run_timeout", "start_timeout"):
            _seconds(name, getattr(self, name))
        self._delay()
        if self.thread_id is not None:
            check_id(self.thread_id)
            held = Thread.objects.filter(pk=self.thread_id).first()
            if held is not None and held.graph != self.graph:
                raise InvalidAnswer({"thread_id": "this id belongs to another thread"})
        return item

    def _queue(self, item: registry.Registered) -> Queue | None:
        name = queues.named(self.queue, "start()")
        if name is not None:
            return queues.get(name) if name else None
        found = queues.find(item.queue)
        if found is None and item.queue:
            text = f"{item.name} was registered with the queue {item.queue!r}, which the code does not declare"
            raise InvalidAnswer({"queue": text})
        return found

    def _delay(self) -> float | None:
        if self.delay is not None and not self.delay:
            return None
        return _seconds("delay", self.delay)

    def _find(self) -> registry.Registered:
        rights = Rights(self.person)
        item = registry.find(self.graph)
        if item is None or item.hidden or not rights.can_see(self.graph):
            raise NotVisible("workflow", self.graph)
        require(
            rights.can_start(self.graph),
            f"You may not start the workflow {item.title}.",
        )
        return item

    def execute(self) -> Run:
        """Make the thread and its run; raises ThreadBusy where the thread is at work."""
        return self.started()[0]

    def started(self) -> tuple[Run, bool]:
        """The same, and whether it was made now: False for the earlier run of a repeated key."""
        item = self.check()
        payload = encode_input(self.input)
        tries = 0
        while True:
            try:
                with transaction.atomic():
                    return self._start(item, payload)
            except IntegrityError:
                # Two requests with one key or one thread id: the other was first.
                again = self._first(payload)
                if again is not None:
                    return again, False
                refuse_duplicate(item.name, self.dedup_key, None)
                # It has ended meanwhile, and so may the next one.
                tries += 1
                if tries == _RACES:
                    raise

    def _start(self, item: registry.Registered, payload: str) -> tuple[Run, bool]:
        first = self._first(payload)
        if first is not None:
            return first, False
        thread, made = Thread.objects.get_or_create(
            pk=self.thread_id or str(uuid.uuid4()),
            defaults={
                "graph": item.name,
                "title": (self.title or item.title)[:MAX_TITLE_LENGTH],
                "created_by": row_of(self.person),
            },
        )
        if not made:
            thread = lock_thread(thread.pk)
            take_turn(thread, self.if_busy, self.person)
        refuse_duplicate(item.name, self.dedup_key, thread)
        due_at = due_after(self._delay())
        place = place_in(self._queue(item), self.input, self.priority, due_at)
        run = queue_run(
            thread,
            Run.Kind.START,
            payload,
            self.person,
            idempotency_key=self.idempotency_key,
            priority=self.priority,
            due_at=due_at,
            run_timeout=_seconds("run_timeout", self.run_timeout),
            start_timeout=_seconds("start_timeout", self.start_timeout),
            dedup_key=self.dedup_key,
            place=place,
        )
        audit.record_token(
            self.person,
            "run.started",
            graph=item.name,
            thread=thread.pk,
            subject=f"run {run.pk}",
        )
        return run, True

    def _first(self, payload: str) -> Run | None:
        if self.idempotency_key is None:
            return None
        found = (
            Run.objects.select_related("thread")
            .filter(graph=self.graph, idempotency_key=self.idempotency_key)
            .first()
        )
        if found is not None and found.created_by_id != getattr(
            row_of(self.person), "pk", None
        ):
            raise KeyReused(
                f"The idempotency key {self.idempotency_key!r} was used by somebody else."
            )
        if found is not None and not _is_input_of(found, payload):
            raise OtherInput(
                f"The idempotency key {self.idempotency_key!r} has started thread {found.thread_id} before, with another input.",
                found.thread_id,
            )
        return found


class StartByCode(StartRun):
    """The same for a program of the site, which needs no role, or where the person's right was asked before."""

    def _find(self) -> registry.Registered:
        return registry.get(self.graph)


@dataclass(frozen=True)
class Started:
    """What was started, or with a repeated key had been before."""

    thread_id: str
    run_id: int


def start_thread(
    graph: str,
    input: Any,
    *,
    thread_id: str | None = None,
    title: str = "",
    idempotency_key: str | None = None,
    if_busy: str = "reject",
    run_timeout: float | timedelta | None = None,
    start_timeout: float | timedelta | None = None,
    queue: str | Queue | None = None,
    priority: int = 0,
    delay: float | timedelta | None = None,
    dedup_key: str | None = None,
) -> Started:
    """Queue a run of the workflow registered as `graph`, in the name of the system.

    With an `idempotency_key` that has started the workflow before nothing is started, and that run is given again;
    IdempotencyConflict where its input was another (RB.6).

    `queue` is one that the code declares (`Queue`), or its name; left out, that of the registration, and "" for none.
    There the run waits for a slot by its `priority`, the lowest first, then in the order of the starts. It is not begun before
    `delay` (seconds, or a timedelta) has passed. While a run of the workflow with the same `dedup_key` waits, is at work or paused, it is
    refused (RB.9).

    Raises ThreadBusy where the thread has work and `if_busy` is "reject", DuplicateRunError for such a key, UnknownGraphError
    for a workflow and UnknownQueueError for a queue this process does not know, InvalidAnswer for what does not fit.
    """
    try:
        run = StartByCode(
            None,
            graph,
            input,
            thread_id=thread_id,
            title=title,
            idempotency_key=idempotency_key,
            if_busy=if_busy,
            run_timeout=run_timeout,
            start_timeout=start_timeout,
            queue=queue,
            priority=priority,
            delay=delay,
            dedup_key=dedup_key,
        ).execute()
    except Duplicate as refusal:
        name = str(dedup_key)
        raise DuplicateRunError(name, graph, refusal.thread_id) from refusal
    except OtherInput as refusal:
        key = str(idempotency_key)
        raise IdempotencyConflict(key, graph, refusal.thread_id) from refusal
    return Started(run.thread_id, run.pk)


def _is_input_of(run: Run, payload: str) -> bool:
    """Whether this is what the run was started with, however it is ordered; so it is where that is not known."""
    try:
        kept = unseal(run.payload, run.thread_id, RUN)
        if kept in ("", payload):
            return True
        return serde.canonical(serde.loads(kept)) == serde.canonical(
            serde.loads(payload)
        )
    except SerdeError:
        return False


def encode_input(value: Any) -> str:
    """`value` as a run carries it; raises InvalidAnswer where it cannot be stored."""
    try:
        return serde.dumps(value)
    except SerializationError as error:
        raise InvalidAnswer({error.path: error.text}) from error


def _seconds(name: str, given: float | timedelta | None) -> float | None:
    try:
        seconds = seconds_of(given, name)
    except (TypeError, ValueError) as error:
        raise InvalidAnswer({name: str(error)}) from error
    if seconds is not None and seconds > MOST_SECONDS:
        raise InvalidAnswer({name: f"is at most {MOST_SECONDS:,} seconds"})
    return seconds


def check_id(thread_id: str) -> None:
    """Raise InvalidAnswer for what can be no thread's id."""
    if not thread_id or len(thread_id) > MAX_ID_LENGTH:
        raise InvalidAnswer({"thread_id": f"an id has 1 to {MAX_ID_LENGTH} characters"})
    if "/" in thread_id or not thread_id.isprintable():
        raise InvalidAnswer(
            {"thread_id": "an id has no slash and no control character"}
        )
