"""Answer a question: the gate that every decision passes, in one transaction.

The interrupt is taken by one conditional update (still pending, in the version and round
that was shown), so of two people exactly one wins; the unique constraint of `Decision` is
the second lock. The answer travels in a resume run, which waits until the thread is free.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction

from workflows.engine import serde
from workflows.engine.errors import SerializationError
from workflows.engine.types import Command
from workflows.models import Decision, Interrupt, Run, Thread, Vote
from workflows.services import registry
from workflows.services.access import EDIT as EDIT_SCOPE
from workflows.services.access import (
    Person,
    Rights,
    find_interrupt,
    name_of,
    row_of,
)
from workflows.services.action import (
    InvalidAnswer,
    KeyReused,
    NotAllowed,
    NotVisible,
    StaleCheckpoint,
    StaleQuestion,
)
from workflows.services.answers import make_answer
from workflows.services.closed_question import refuse_closed
from workflows.services.desk.closing import end_work
from workflows.services.desk.deciding import RELATED, Decider, why_apart
from workflows.services.desk.drafts import Fields, keep, text_of
from workflows.services.desk.holding import has_others, release
from workflows.services.desk.recording import record_decision, take
from workflows.services.desk.rules import Rules
from workflows.services.desk.shape import closes_by_cancelling, narrowed, shape_of
from workflows.services.desk.votes import cast, own_vote, tell
from workflows.services.keys import check_key
from workflows.services.queueing import (
    HELD,
    UNFINISHED,
    has_unfinished_run,
    lock_thread_of,
)
from workflows.services.shapes import APPROVE, CLOSE, EDIT, RESPOND, Shape
from workflows.storage.clock import database_now

_APPROVING = (APPROVE, EDIT, RESPOND)
MAX_REASON_LENGTH = 10_000


@dataclass(frozen=True)
class ResumeRun:
    """A person's decision on question number `interrupt`.

    `version` and `round` are what the person was shown. `edits` maps channels to new values
    that go into the state with the answer; they need the `checkpoint` that was shown. A
    repeated `idempotency_key` gives the first decision again. With `hold` the answer goes to
    the workflow when the thread has no other open question. `bulk` is the number of the bulk
    order that this is part of. `sent` is a digest of all that a program has sent: with the key of
    a decision that was sent otherwise it is refused (KeyReused). `typed` is what stood in the person's form: it stays their
    draft for as long as the decision can be taken back.
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
    channel: str = Decision.Channel.WEB
    hold: bool = False
    bulk: int | None = None
    sent: str = ""
    typed: Fields | None = None

    def check(self) -> Interrupt:
        """The question, where this person may decide it and it is as they saw it."""
        decider = Decider(self.person)
        row = self._find(decider)
        self._check_person(row, decider)
        self._check_open(row)
        return row

    def execute(self) -> Decision | Vote:
        """Record the decision and queue its resume run; with a quorum, perhaps only a vote.

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

    def _decide(self) -> Decision | Vote:
        check_key("key", self.idempotency_key)
        check_key("checkpoint", self.checkpoint)
        text = text_of(self.typed) if self.typed else ""
        thread = lock_thread_of(self.interrupt)
        # Rights and rules are read anew under the lock, once for all that follows.
        decider = Decider(self.person)
        row = self._find(decider)
        if thread is None:
            raise NotVisible("question", self.interrupt)
        rules = decider.rules(row)
        # Where the question is as it was shown, nothing was decided with this key: the unique
        # constraint refuses one of another question. A vote is written without the key.
        if not self._is_as_shown(row) or rules.quorum > 1:
            first = self._first() or self._own_vote(row, rules)
            if first is not None:
                return first
        self._check_person(row, decider)
        self._check_open(row)
        shape = narrowed(shape_of(row), rules)
        self._check_kind(shape)
        is_end = self.kind == CLOSE and closes_by_cancelling(rules)
        answer, command = (
            (serde.dumps(None), None) if is_end else self._encode(row, shape)
        )
        self._check_quiet(thread)
        if rules.quorum > 1 and self.kind in _APPROVING:
            is_repeat = self.idempotency_key is not None
            vote, votes = cast(
                row, self.person, self.kind, answer, self.reason, is_repeat=is_repeat
            )
            if votes:
                tell(
                    row,
                    self.person,
                    self.kind,
                    self.channel,
                    votes,
                    rules.quorum,
                    bulk=self.bulk,
                )
            if votes < rules.quorum:
                self._keep_typed(row, text)
                return vote
        if not take(row, self.version, self.round):
            row.refresh_from_db()
            self._check_open(row)
            raise StaleQuestion(f"Question #{row.pk} has changed; read it again.")
        start_at = None if is_end else self._start(row, decider)
        if start_at is not None:
            self._keep_typed(row, text)
        made = record_decision(
            row,
            thread,
            Decision(
                kind=self.kind,
                person=row_of(self.person),
                person_name=name_of(self.person)[:200],
                channel=self.channel,
                start_at=start_at,
                reason=self.reason,
                answer=answer,
                edits=serde.dumps(dict(self.edits)) if self.edits else "",
                checkpoint=self.checkpoint or thread.head,
                idempotency_key=self.idempotency_key,
                sent=self.sent,
            ),
            command,
            override=decider.is_override(row),
            edited=sorted(self.edits or ()),
            bulk=self.bulk,
        )
        if is_end:
            end_work(row, self.person, self.reason)
        elif start_at != HELD:
            release(thread.pk, start_at)
        return made

    def _find(self, decider: Decider) -> Interrupt:
        return find_interrupt(
            self.person, self.interrupt, *RELATED, rights=decider.rights
        )

    def _keep_typed(self, row: Interrupt, text: str) -> None:
        if text:
            keep(self.person, row.pk, row.thread_id, text, self.version, self.round)

    def _start(self, row: Interrupt, decider: Decider) -> datetime | None:
        if self.hold and has_others(row):
            return HELD
        wait = decider.undo_seconds(row)
        return database_now() + timedelta(seconds=wait) if wait else None

    def _check_kind(self, shape: Shape) -> None:
        if len(self.reason) > MAX_REASON_LENGTH:
            raise InvalidAnswer({"reason": f"at most {MAX_REASON_LENGTH} characters"})
        if self.kind == CLOSE and CLOSE not in shape.kinds:
            raise InvalidAnswer(
                {"kind": "this question may not be closed without an answer"}
            )

    def _encode(self, row: Interrupt, shape: Shape) -> tuple[str, str]:
        answer = make_answer(shape, self.kind, self.value, self.reason)
        update = dict(self.edits) if self.edits else None
        try:
            return serde.dumps(answer), serde.dumps(
                Command(resume={row.interrupt_id: answer}, update=update)
            )
        except SerializationError as error:
            raise InvalidAnswer({error.path: error.text}) from error

    def _check_person(self, row: Interrupt, decider: Decider) -> None:
        decider.check(row)
        if not self.edits:
            return
        check_channels(row.thread.graph, self.edits, decider.rights)
        rules = decider.rules(row)
        if rules.four_eyes or self.kind in _APPROVING:
            apart = why_apart(row, rules)
            if apart:
                raise NotAllowed(apart)
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
        if not self._is_as_shown(row):
            raise StaleQuestion(
                f"Question #{row.pk} has changed since it was shown; read it again."
            )

    def _is_as_shown(self, row: Interrupt) -> bool:
        shown = (Interrupt.Status.PENDING, self.version, self.round)
        return (row.status, row.version, row.round) == shown

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
        if self.sent and found.sent and self.sent != found.sent:
            raise KeyReused(
                f"The idempotency key {self.idempotency_key!r} came before, with another decision on question "
                f"#{self.interrupt}."
            )
        return found

    def _own_vote(self, row: Interrupt, rules: Rules) -> Vote | None:
        """The vote of this person that was sent with the key, where others have decided since."""
        if self.idempotency_key is None or rules.quorum < 2 or self._is_as_shown(row):
            return None
        vote = own_vote(row, self.person, self.round)
        if vote is None or (vote.kind, vote.reason) != (self.kind, self.reason):
            return None
        return vote


def check_channels(graph: str, values: Mapping[str, Any], rights: Rights) -> None:
    """Raise NotAllowed unless the person may edit every channel of `values`.

    The workflow has to open it for editing, and one that is secret takes the right to read it.
    """
    rights.require_scope(EDIT_SCOPE)
    item = registry.find(graph)
    editable = item.editable if item else frozenset()
    if item is not None and not rights.can_see_secret(graph):
        editable -= item.secret
    refused = sorted(str(name) for name in values if name not in editable)
    if refused:
        raise NotAllowed(
            f"You may not edit {', '.join(refused)}. This workflow lets you edit: "
            f"{', '.join(sorted(editable)) or 'nothing'}."
        )
