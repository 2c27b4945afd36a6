"""What happens to a question that waits too long: reminders, escalation, its time running out.

The moments follow from the rules and from when the question was asked and is due; the row
keeps only the next one, indexed. A sweep of every worker takes what is due by a conditional
update on that moment, so each step happens once, whoever sweeps and whatever restarts.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.models import Group
from django.db import DEFAULT_DB_ALIAS, transaction

from workflows.engine import serde
from workflows.engine.types import Command
from workflows.engine.waits import TIME_IS_UP
from workflows.models import Decision, Interrupt, Run, Thread
from workflows.services.action import InvalidAnswer, Unreadable
from workflows.services.answers import make_answer
from workflows.services.desk import audit
from workflows.services.desk.notify import tell_reviewers
from workflows.services.desk.policies import PolicyBook, rules_for
from workflows.services.desk.recording import record_decision, take
from workflows.services.desk.rules import Escalation, Rules
from workflows.services.desk.shape import shape_of
from workflows.services.outbound import events
from workflows.services.outbound.events import tell_question
from workflows.services.queueing import lock_free_thread
from workflows.storage.clock import database_now
from workflows.storage.events import append_events

log = logging.getLogger(__name__)

REMIND = "remind"
OVERDUE = "overdue"
ESCALATE = "escalate"
TIMEOUT = "timeout"
AT_ONCE = 100


@dataclass(frozen=True)
class Step:
    """One thing to do at a moment."""

    at: datetime
    kind: str
    escalation: Escalation | None = None


def steps_of(row: Interrupt, rules: Rules) -> list[Step]:
    """All steps of the question by these rules, in order."""
    steps: list[Step] = []
    end = None
    if rules.ends is not None:
        end = row.asked_at + timedelta(seconds=rules.ends)
        steps.append(Step(end, TIMEOUT))
    if row.due_at is not None:
        steps += [
            Step(row.due_at - timedelta(seconds=before), REMIND)
            for before in rules.remind
        ]
        if row.due_at != end:  # it is over then, and not overdue
            steps.append(Step(row.due_at, OVERDUE))
        steps += [
            Step(row.due_at + timedelta(seconds=each.after), ESCALATE, each)
            for each in rules.escalate
        ]
    return sorted(steps, key=lambda step: step.at)


def next_step(row: Interrupt, rules: Rules, after: datetime) -> datetime | None:
    """The moment of the first step later than `after`; None when there is none."""
    return next((s.at for s in steps_of(row, rules) if s.at > after), None)


def plan_again(graph: str = "", node: str = "") -> int:
    """Plan the next step of open questions anew, after their rules have changed.

    Moments that have passed are not made up for. Returns how many questions were moved.
    """
    rows = Interrupt.objects.filter(status=Interrupt.Status.PENDING)
    if graph:
        rows = rows.filter(graph=graph)
    if node:
        rows = rows.filter(node=node)
    book, now, moved = PolicyBook(), database_now(), 0
    for row in rows.iterator(chunk_size=500):
        at = next_step(row, book.rules(row), now)
        if at != row.next_step_at:
            moved += Interrupt.objects.filter(
                pk=row.pk, status=Interrupt.Status.PENDING
            ).update(next_step_at=at)
    return moved


def take_due_steps() -> int:
    """Do what is due on open questions; returns how many steps were done."""
    rows = Interrupt.objects.filter(
        status=Interrupt.Status.PENDING, next_step_at__lte=database_now()
    ).order_by("next_step_at", "id")
    done = 0
    for number in list(rows.values_list("pk", flat=True)[:AT_ONCE]):
        try:
            done += _take_steps(number)
        except Exception:
            log.exception("the steps of question #%s could not be taken", number)
    return done


def _take_steps(number: int) -> int:
    with transaction.atomic():
        thread_id = Interrupt.objects.values_list("thread_id", flat=True).get(pk=number)
        thread = lock_free_thread(thread_id)
        if thread is None:
            return 0
        row = Interrupt.objects.select_related("thread").get(pk=number)
        now = database_now()
        since = row.next_step_at
        if row.status != Interrupt.Status.PENDING or since is None or since > now:
            return 0
        rules = rules_for(row)
        due = [step for step in steps_of(row, rules) if since <= step.at <= now]
        taken = Interrupt.objects.filter(
            pk=number, status=Interrupt.Status.PENDING, next_step_at=since
        ).update(next_step_at=next_step(row, rules, now))
        if not taken:
            return 0
        for step in due:
            _do(step, row, thread, rules)
        return len(due)


def _do(step: Step, row: Interrupt, thread: Thread, rules: Rules) -> None:
    if step.kind == REMIND:
        tell_reviewers(row, "reminder", f"“{row.title}” is due soon")
    elif step.kind == OVERDUE:
        tell_question(events.OVERDUE, row)
    elif step.escalation is not None:
        _escalate(row, step.escalation)
    else:
        _run_out(row, thread, rules)
    told = {"interrupt": row.pk, "action": step.kind, "by": "system"}
    append_events(DEFAULT_DB_ALIAS, row.thread_id, None, [("desk", told)])


def _escalate(row: Interrupt, step: Escalation) -> None:
    if step.group:
        row.assigned_group = Group.objects.filter(name=step.group).first()
        row.assignee = None
    row.priority += step.priority
    row.save(update_fields=["assigned_group", "assignee", "priority"])
    tell_reviewers(row, "escalation", f"“{row.title}” is overdue")
    audit.record(
        None,
        "question.escalated",
        channel="rule",
        graph=row.graph,
        thread=row.thread_id,
        subject=f"question {row.pk}",
        data={"group": step.group, "priority": row.priority},
    )


def _run_out(row: Interrupt, thread: Thread, rules: Rules) -> None:
    if rules.timeout_action == "fail":
        _fail(row, thread)
        return
    given: Any = None
    try:
        if rules.timeout_action == "workflow":
            given, answer = TIME_IS_UP, None
        elif rules.timeout_action == "answer":
            given = answer = rules.timeout_answer
        else:
            reason = "Nobody answered in time."
            given = answer = make_answer(shape_of(row), "reject", None, reason)
    except (InvalidAnswer, Unreadable) as error:
        # A question that cannot be rejected fails instead of waiting for ever.
        log.warning("question #%s cannot be rejected: %s", row.pk, error)
        _fail(row, thread)
        return
    if not take(row, row.version, row.round):
        return
    record_decision(
        row,
        thread,
        Decision(
            kind=Decision.Kind.TIMEOUT,
            channel=Decision.Channel.TIMEOUT,
            reason="Nobody answered in time.",
            answer=serde.dumps(answer),
            checkpoint=thread.head,
        ),
        serde.dumps(Command(resume={row.interrupt_id: given})),
    )


def _fail(row: Interrupt, thread: Thread) -> None:
    now = database_now()
    Interrupt.objects.filter(pk=row.pk, status=Interrupt.Status.PENDING).update(
        status=Interrupt.Status.EXPIRED,
        version=row.version + 1,
        closed_at=now,
        reason="Nobody answered in time.",
        next_step_at=None,
    )
    asked_by = Run.objects.filter(
        thread=thread, pk__in=[row.run_id], status=Run.Status.INTERRUPTED
    )
    asked_by.update(status=Run.Status.TIMEOUT, reason="no_answer", finished_at=now)
    told = {
        "interrupt": row.pk,
        "node": row.node,
        "title": row.title,
        "status": Interrupt.Status.EXPIRED.value,
        "round": row.round,
    }
    ended = {"run": row.run_id, "kind": "timeout", "status": Run.Status.TIMEOUT.value}
    append_events(
        DEFAULT_DB_ALIAS,
        thread.pk,
        row.run_id,
        [("interrupt", told), ("run", ended)],
        thread_status=Thread.Status.ERROR,
    )
    audit.record(
        None,
        "question.expired",
        channel="timeout",
        graph=row.graph,
        thread=thread.pk,
        subject=f"question {row.pk}",
    )
