"""Ask the question of a decision again, on a fork of its thread, when it is too late to undo it.

The fork begins at the checkpoint at which the question was asked: nothing that was done after
it is reused, so its steps run once more, and whatever they do outside happens once more. The
old line of the thread stays in its history.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.db import DEFAULT_DB_ALIAS, transaction
from django.db.models import Max

from workflows.engine.constants import COPY
from workflows.engine.errors import WorkflowError
from workflows.models import Decision, Interrupt, Reopening, Run, Thread
from workflows.services import registry
from workflows.services.access import Person, Rights, name_of, require, row_of
from workflows.services.action import InvalidAnswer, NotPending, Refused, ThreadBusy
from workflows.services.binding import bound
from workflows.services.desk import audit
from workflows.services.desk.decision_list import find_decision
from workflows.services.desk.forks import forks_of
from workflows.services.desk.undo_decision import is_waiting
from workflows.services.queueing import has_unfinished_run, lock_thread, queue_run
from workflows.services.resume_run import MAX_REASON_LENGTH
from workflows.storage.saver import DjangoSaver
from workflows.storage.undos import is_undone_since


@dataclass(frozen=True)
class ReopenDecision:
    """`person`, who may start this workflow, has the question of `decision` asked again."""

    person: Person
    decision: int
    reason: str = ""

    def check(self) -> Decision:
        """The decision, where this person may reopen it now; the reason is not looked at."""
        rights = Rights(self.person)
        row = find_decision(rights, self.decision)
        graph = row.interrupt.thread.graph
        require(
            rights.can_operate(graph),
            "Only whoever may start this workflow can reopen a decision: its steps run again.",
        )
        refuse_reopening(row)
        return row

    def execute(self) -> Run:
        """Fork the thread and queue the run that asks again."""
        with transaction.atomic():
            rights = Rights(self.person)
            lock_thread(find_decision(rights, self.decision).interrupt.thread_id)
            row = self.check()
            _check_reason(self.reason)
            return self._fork(row)

    def _fork(self, row: Decision) -> Run:
        thread = row.interrupt.thread
        asked = Interrupt.objects.filter(thread=thread)
        last = asked.aggregate(last=Max("pk"))["last"] or 0
        checkpoint = self._copy(row, thread)
        told = {
            "interrupt": row.interrupt_id,
            "action": "reopened",
            "by": name_of(self.person),
            "decision": row.pk,
            "checkpoint": checkpoint,
            "reason": self.reason,
        }
        run = queue_run(
            lock_thread(thread.pk),
            Run.Kind.CONTINUE,
            "",
            self.person,
            events=[("desk", told)],
        )
        Reopening.objects.create(
            decision=row,
            run=run,
            checkpoint=checkpoint,
            last_question=last,
            reason=self.reason,
            person=row_of(self.person),
            person_name=name_of(self.person)[:200],
        )
        audit.record(
            self.person,
            "decision.reopened",
            graph=thread.graph,
            thread=thread.pk,
            subject=f"question {row.interrupt_id}",
            data={
                "decision": row.pk,
                "reason": self.reason,
                "from": row.checkpoint,
                "to": checkpoint,
                "run": run.pk,
            },
        )
        return run

    def _copy(self, row: Decision, thread: Thread) -> str:
        """A new head like the checkpoint of the question; returns its id."""
        graph = registry.get(thread.graph).graph
        saver = DjangoSaver(graph=thread.graph, kind=Run.Kind.EDIT)
        place = {"thread_id": thread.pk, "checkpoint_id": row.checkpoint}
        try:
            config = bound(graph, saver).update_state(
                {"configurable": place}, None, as_node=COPY
            )
        except WorkflowError as error:
            raise NotPending(
                f"The thread cannot go back to where question #{row.interrupt_id} was "
                f"asked: {error}"
            ) from error
        # Whoever takes a thread back has had a hand in it (four eyes).
        edit = Run.objects.filter(thread=thread, kind=Run.Kind.EDIT).latest("id")
        edit.created_by = row_of(self.person)
        edit.save(update_fields=["created_by"])
        return str(config["configurable"]["checkpoint_id"])


def refuse_reopening(row: Decision) -> None:
    """Raise NotPending or ThreadBusy where the decision cannot be reopened now."""
    question = row.interrupt
    if is_waiting(row):
        raise NotPending(
            "Its workflow has not gone on with it yet: take it back instead."
        )
    if getattr(row, "undo", None) is not None:
        raise NotPending(
            f"It was taken back: question #{question.pk} is open again by itself."
        )
    if registry.find(question.thread.graph) is None:
        raise NotPending("Its workflow is not there any more.")
    if not row.checkpoint:
        raise NotPending("It is not known any more where its question was asked.")
    if question.status == Interrupt.Status.PENDING:
        raise NotPending(f"Question #{question.pk} is open: decide it there.")
    if question.status == Interrupt.Status.DECIDED:
        raise NotPending("Its workflow has not taken the answer yet.")
    for fork in forks_of([question.thread_id]):
        if fork.decision == row.pk and fork.is_open:
            where = f"as question #{fork.question}" if fork.question else "just now"
            raise NotPending(f"It was reopened already, {where}.")
    if is_undone_since(
        DjangoSaver(), DEFAULT_DB_ALIAS, question.thread_id, row.checkpoint
    ):
        raise NotPending(
            "What its thread had done before it asked is undone since, and would not be done again: begin anew."
        )
    if has_unfinished_run(question.thread_id):
        raise ThreadBusy(
            "Its thread is at work just now; reopen the decision when it has stopped."
        )


def why_not_reopen(row: Decision) -> str:
    """Why the decision cannot be reopened now, whoever asks; empty where it can."""
    try:
        refuse_reopening(row)
    except Refused as refusal:
        return str(refusal)
    return ""


def _check_reason(reason: str) -> None:
    if not reason.strip():
        raise InvalidAnswer({"reason": "Say why the question is asked again."})
    if len(reason) > MAX_REASON_LENGTH:
        raise InvalidAnswer({"reason": f"at most {MAX_REASON_LENGTH} characters"})
