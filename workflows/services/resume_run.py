"""Answer a question: the gate that every decision passes, in one transaction.

The interrupt is taken by one conditional update (still pending, in the version and round
that was shown), so of two people exactly one wins; the unique constraint of `Decision` is
the second lock. The answer travels in a resume run, which waits until the thread is free.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F

from workflows.engine import serde
from workflows.engine.errors import SerdeError, SerializationError
from workflows.engine.types import Command
from workflows.models import Decision, Interrupt, Run, Thread
from workflows.services import registry
from workflows.services.access import (
    Person,
    Rights,
    find_interrupt,
    name_of,
    require,
    row_of,
)
from workflows.services.action import (
    AlreadyDecided,
    InvalidAnswer,
    KeyReused,
    NotAllowed,
    NotPending,
    StaleCheckpoint,
    StaleQuestion,
)
from workflows.services.answers import make_answer
from workflows.services.keys import check_key
from workflows.services.queueing import (
    UNFINISHED,
    has_unfinished_run,
    lock_thread,
    queue_run,
)
from workflows.services.shapes import Shape, recognise
from workflows.storage.sealing import ANSWER, EDITS, QUESTION, seal, unseal

MAX_REASON_LENGTH = 10_000


@dataclass(frozen=True)
class ResumeRun:
    """A person's decision on question number `interrupt`.

    `version` and `round` are what the person was shown. `edits` maps channels to new values
    that go into the state with the answer; they need the `checkpoint` that was shown. A
    repeated `idempotency_key` gives the first decision again.
    """

    person: Person
    interrupt: int
    kind: str
    value: Any = None
    reason: str = ""
    _: KW_ONLY
    version: int
    round: int
    checkpoint: str = ""
    edits: Mapping[str, Any] | None = None
    idempotency_key: str | None = None

    def check(self) -> Interrupt:
        """The question, where this person may decide it and it is as they saw it."""
        row = find_interrupt(self.person, self.interrupt)
        require(
            Rights(self.person).can_decide(row.thread.graph),
            f"You may see question #{row.pk} but not decide it.",
        )
        self._check_edits(row)
        self._check_open(row)
        return row

    def execute(self) -> Decision:
        """Record the decision and queue its resume run.

        Raises AlreadyDecided, StaleQuestion or StaleCheckpoint where the world has moved,
        InvalidAnswer where the value does not fit the question.
        """
        try:
            with transaction.atomic():
                return self._decide()
        except IntegrityError:
            first = self._first()
            if first is not None:
                return first
            row = find_interrupt(self.person, self.interrupt)
            self._check_open(row)
            raise

    def _decide(self) -> Decision:
        check_key("key", self.idempotency_key)
        check_key("checkpoint", self.checkpoint)
        row = find_interrupt(self.person, self.interrupt)
        thread = lock_thread(row.thread_id)
        first = self._first()
        if first is not None:
            return first
        row = self.check()
        answer, command = self._encode(row)
        self._check_quiet(thread)
        taken = Interrupt.objects.filter(
            pk=row.pk,
            status=Interrupt.Status.PENDING,
            version=self.version,
            round=self.round,
        ).update(status=Interrupt.Status.DECIDED, version=F("version") + 1, reason="")
        if not taken:
            row.refresh_from_db()
            self._check_open(row)
            raise StaleQuestion(f"Question #{row.pk} has changed; read it again.")
        return self._record(row, thread, answer, command)

    def _record(
        self, row: Interrupt, thread: Thread, answer: str, command: str
    ) -> Decision:
        decision = Decision.objects.create(
            interrupt=row,
            round=self.round,
            kind=self.kind,
            person=row_of(self.person),
            person_name=name_of(self.person)[:200],
            reason=self.reason,
            answer=seal(answer, thread.pk, ANSWER),
            original=row.value,
            edits=seal(
                serde.dumps(dict(self.edits)) if self.edits else "", thread.pk, EDITS
            ),
            checkpoint=self.checkpoint or thread.head,
            idempotency_key=self.idempotency_key,
        )
        told: dict[str, Any] = {
            "interrupt": row.pk,
            "kind": self.kind,
            "by": decision.person_name,
        }
        if Rights(self.person).is_override(thread.graph):
            told["override"] = True
        asked = {
            "interrupt": row.pk,
            "node": row.node,
            "title": row.title,
            "status": Interrupt.Status.DECIDED.value,
            "round": self.round,
        }
        run = queue_run(
            thread,
            Run.Kind.RESUME,
            command,
            self.person,
            priority=row.priority,
            events=[("interrupt", asked), ("decision", told)],
        )
        decision.run = run
        decision.save(update_fields=["run"])
        return decision

    def _encode(self, row: Interrupt) -> tuple[str, str]:
        if len(self.reason) > MAX_REASON_LENGTH:
            raise InvalidAnswer({"reason": f"at most {MAX_REASON_LENGTH} characters"})
        answer = make_answer(shape_of(row), self.kind, self.value, self.reason)
        update = dict(self.edits) if self.edits else None
        try:
            return serde.dumps(answer), serde.dumps(
                Command(resume={row.interrupt_id: answer}, update=update)
            )
        except SerializationError as error:
            raise InvalidAnswer({error.path: error.text}) from error

    def _check_edits(self, row: Interrupt) -> None:
        if not self.edits:
            return
        check_channels(row.thread.graph, self.edits)
        if not self.checkpoint:
            raise StaleCheckpoint(
                "An edit of the state names the checkpoint it was made on."
            )

    def _check_quiet(self, thread: Thread) -> None:
        """Refuse what work on the thread would make void."""
        again = Run.objects.filter(
            thread=thread, kind=Run.Kind.CONTINUE, status__in=UNFINISHED
        )
        if again.exists():
            raise StaleQuestion(
                f"Thread {thread.pk} is going on and asks its questions again; "
                "read the question once more in a moment."
            )
        if not self.edits:
            return
        if thread.head != self.checkpoint or has_unfinished_run(thread.pk):
            raise StaleCheckpoint(
                f"The state of thread {thread.pk} has changed since it was shown; "
                "look at it again and repeat the edit.",
                head=thread.head,
            )

    def _check_open(self, row: Interrupt) -> None:
        refuse_closed(row)
        if row.version != self.version or row.round != self.round:
            raise StaleQuestion(
                f"Question #{row.pk} has changed since it was shown; read it again."
            )

    def _first(self) -> Decision | None:
        if self.idempotency_key is None:
            return None
        found = Decision.objects.filter(idempotency_key=self.idempotency_key).first()
        if found is None:
            return None
        if found.interrupt_id != self.interrupt or found.person_id != getattr(
            row_of(self.person), "pk", None
        ):
            raise KeyReused(
                f"The idempotency key {self.idempotency_key!r} belongs to another decision."
            )
        return found


def refuse_closed(row: Interrupt) -> None:
    """Raise what tells why `row` takes no answer; AlreadyDecided names the decision."""
    if row.status == Interrupt.Status.PENDING:
        return
    last = row.decisions.order_by("-round").first()
    if last is not None and last.round == row.round:
        raise AlreadyDecided(
            f"Question #{row.pk} was decided by {last.person_name}: {last.kind}.",
            who=last.person_name,
            when=last.created_at,
            kind=last.kind,
            reason=last.reason,
        )
    raise NotPending(
        f"Question #{row.pk} is {row.status} and takes no answer.",
        when=row.closed_at,
        kind=row.status,
        reason=row.reason,
    )


def check_channels(graph: str, values: Mapping[str, Any]) -> None:
    """Raise NotAllowed unless the workflow lets people edit every channel of `values`."""
    item = registry.find(graph)
    editable = item.editable if item else frozenset()
    refused = sorted(str(name) for name in values if name not in editable)
    if refused:
        raise NotAllowed(
            f"The workflow does not let people edit {', '.join(refused)}; "
            f"editable: {', '.join(sorted(editable)) or 'nothing'}."
        )


def shape_of(row: Interrupt) -> Shape:
    """The shape of a stored question; where a type is unknown, of its plain tree."""
    text = unseal(row.value, row.thread_id, QUESTION)
    try:
        payload = serde.loads(text)
    except SerdeError:
        payload = serde.tree(text)
    schema = serde.tree(row.response_schema) if row.response_schema else None
    return recognise(payload, schema)
