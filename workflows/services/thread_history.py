"""Threads, runs and events as pages show them: plain records, limited to what one may see."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from workflows.models import Decision, Event, Interrupt, Run, Thread
from workflows.models.run import BESIDE
from workflows.services import queues, registry
from workflows.services.access import (
    Person,
    Rights,
    find_run,
    find_thread,
    name_of,
)
from workflows.services.asleep import sleep_of
from workflows.services.continue_run import CONTINUABLE
from workflows.services.desk.deciding import Decider
from workflows.services.desk.holding import is_held
from workflows.services.desk.secrets_seen import note_secrets_seen
from workflows.services.display import show_stored, show_text
from workflows.services.editing import may_edit
from workflows.services.failures import of_kind
from workflows.services.in_line import line_of, not_before
from workflows.services.queueing import (
    UNFINISHED,
    UNKNOWN_GRAPH,
    has_unfinished_run,
)
from workflows.services.records import (
    DecisionRecord,
    EventRecord,
    HeartbeatRecord,
    LabelRecord,
    QueueItem,
    RunDetail,
    RunRecord,
    State,
    ThreadRecord,
)
from workflows.services.review_queue import graph_title, queue_items
from workflows.services.state import read_state
from workflows.services.thread_attributes import thread_attributes
from workflows.services.thread_family import family_of, named_in, others_of
from workflows.services.thread_mailbox import mailbox_of
from workflows.services.waiting_runs import waiting_for_worker
from workflows.storage import heartbeats
from workflows.storage.labels import labels_with_steps
from workflows.storage.sealing import ANSWER, EDITS, QUESTION, RUN

MAX_PAGE = 500
ATTENTION = "attention"
DUE = "due"
LOST = "lost"
# Reason codes of status error that ask for a person with code or settings in hand.
ATTENTION_REASONS = (
    "graph_changed",
    "unknown_type",
    "not_decrypted",
    "crash_loop",
    UNKNOWN_GRAPH,
)


def run_list(
    person: Person,
    *,
    graph: str | None = None,
    status: str | None = None,
    failure: str = "",
    node: str = "",
    queue: str | None = None,
    limit: int = 50,
    before: int | None = None,
) -> list[RunRecord]:
    """Runs, newest first; `before` is a run's id.

    `status` may also be "attention", "due" (a worker is to begin it) or "lost" (its worker is gone);
    `failure` is a kind of failure, `node` where one failed.
    """
    rights = Rights(person)
    rows = rights.limit(
        Run.objects.exclude(kind__in=BESIDE).select_related("thread", "created_by"),
        "thread__graph",
    )
    if graph:
        rows = rows.filter(thread__graph=graph)
    if status == ATTENTION:
        rows = rows.filter(
            Q(status=Run.Status.ERROR, reason__in=ATTENTION_REASONS)
            | Q(status=Run.Status.PENDING, reason=UNKNOWN_GRAPH)
            | Q(status=Run.Status.PENDING, queued_at__isnull=False)
            & ~Q(queue__in=queues.names())
        )
    elif status == DUE:
        rows = waiting_for_worker(rows)
    elif status == LOST:
        rows = rows.filter(status=Run.Status.RUNNING, lease_until__lt=Now())
    elif status:
        rows = rows.filter(status=status)
    if failure:
        rows = rows.filter(of_kind(failure))
    if node:
        rows = rows.filter(error_node=node)
    if queue:
        rows = rows.filter(queue=queue)
    if before is not None:
        rows = rows.filter(pk__lt=before)
    rows = rows.defer("payload").order_by("-id")[: max(1, min(limit, MAX_PAGE))]
    return [run_record(row, rights) for row in rows]


def run_record_of(
    person: Person, run_id: int, *, with_input: bool = False
) -> RunRecord:
    """One run as a list shows it, or as its page does; raises NotVisible."""
    row, rights = find_run(person, run_id), Rights(person)
    if with_input:
        note_secrets_seen(rights, row.thread)
    return run_record(row, rights, with_input=with_input)


def run_detail(person: Person, run_id: int, *, limit: int = MAX_PAGE) -> RunDetail:
    """One run with its thread and the last `limit` events it caused; raises NotVisible."""
    row = find_run(person, run_id)
    rights = Rights(person)
    note_secrets_seen(rights, row.thread)
    events = Event.objects.filter(thread_id=row.thread_id, run_id=row.pk)
    shown = _last(events, row.thread.seq, limit)
    thread = _thread_record(row.thread, rights)
    return RunDetail(
        run=run_record(row, rights, with_input=True),
        thread=replace(thread, others=others_of(named_in(shown, thread.sleep), rights)),
        events=shown,
    )


def thread_detail(
    person: Person, thread_id: str, *, limit: int = MAX_PAGE, before: int | None = None
) -> ThreadRecord:
    """One thread with its parts and its last `limit` events; raises NotVisible.

    The events are those before the number `before` where it is given.
    """
    row, rights = find_thread(person, thread_id), Rights(person)
    note_secrets_seen(rights, row)
    thread, family = _thread_record(row, rights, limit, before), family_of(row.pk)
    named = named_in(thread.events, thread.sleep, family)
    return replace(thread, family=family, others=others_of(named, rights))


def thread_outline(person: Person, thread_id: str, *, runs: int = 50) -> ThreadRecord:
    """One thread with its newest runs, and without state, events and decisions; raises NotVisible."""
    row, rights = find_thread(person, thread_id), Rights(person)
    thread, family = _outline(row, rights, runs), family_of(row.pk)
    if thread.signals:
        note_secrets_seen(rights, row)
    others = others_of(named_in((), thread.sleep, family), rights)
    return replace(thread, family=family, others=others)


def events_after(thread_id: str, seq: int, limit: int = 1_000) -> list[EventRecord]:
    """The events of a thread after `seq`, oldest first.

    Asks nobody's rights: the caller has found the thread for its person.
    """
    rows = Event.objects.filter(thread_id=thread_id, seq__gt=seq).order_by("seq")
    return [event_record(row) for row in rows[: max(1, limit)]]


def last_events(thread: Thread, limit: int) -> tuple[EventRecord, ...]:
    """The newest events of a thread, oldest first. Asks nobody's rights either."""
    return _last(thread.events.all(), thread.seq, limit)


def event_record(row: Event) -> EventRecord:
    """One event row as a record."""
    return EventRecord(
        row.thread_id,
        row.seq,
        row.kind,
        json.loads(row.data),
        row.run_id,
        row.created_at,
    )


def run_record(row: Run, rights: Rights, *, with_input: bool = False) -> RunRecord:
    """One run row as a record; the traceback only for those who may operate the workflow."""
    graph = row.thread.graph
    operates = rights.can_operate(graph)
    return RunRecord(
        id=row.pk,
        thread_id=row.thread_id,
        thread_title=row.thread.title,
        graph=graph,
        graph_title=graph_title(graph),
        kind=row.kind,
        status=row.status,
        reason=row.reason,
        by=name_of(row.created_by),
        created_at=row.created_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
        recoveries=row.recoveries,
        error=row.error,
        error_node=row.error_node,
        error_attempt=row.error_attempt,
        traceback=row.traceback if operates else "",
        warnings=row.warnings,
        cancel_requested=row.cancel_requested_at is not None,
        cancel_mode=row.cancel_mode,
        cancel_reason=row.cancel_reason,
        start_by=row.start_by,
        deadline=row.deadline,
        heartbeats=_heartbeats(row) if with_input and operates else (),
        input=_input_of(row, rights) if with_input else None,
        queue=row.queue,
        not_before=not_before(row),
        line=line_of(row, rights) if with_input else None,
    )


def decision_record(row: Decision, thread: Thread, rights: Rights) -> DecisionRecord:
    """One decision row on `thread` as a record; edits of secret channels are masked."""
    graph, thread_id = thread.graph, thread.pk
    return DecisionRecord(
        number=row.pk,
        interrupt=row.interrupt_id,
        round=row.round,
        kind=row.kind,
        who=row.person_name,
        reason=row.reason,
        at=row.created_at,
        answer=show_stored(row.answer, thread_id, ANSWER).tree,
        original=show_stored(row.original, thread_id, QUESTION).tree,
        edits=_masked(show_stored(row.edits, thread_id, EDITS).tree, graph, rights),
        run=row.run_id,
        checkpoint=row.checkpoint,
        is_held=is_held(row.start_at),
    )


def _thread_record(
    row: Thread, rights: Rights, limit: int = MAX_PAGE, before: int | None = None
) -> ThreadRecord:
    newest = row.seq if before is None else min(row.seq, before - 1)
    decisions = Decision.objects.filter(interrupt__thread=row).order_by("-id")
    state = read_state(row, rights)
    return replace(
        _outline(row, rights, MAX_PAGE, state),
        decisions=tuple(
            decision_record(each, row, rights) for each in decisions[:MAX_PAGE]
        ),
        state=state,
        events=_last(row.events.all(), newest, limit),
    )


def _outline(
    row: Thread, rights: Rights, limit: int, state: State | None = None
) -> ThreadRecord:
    """The thread with its last `limit` runs and what may be done; `state`, where it is at hand."""
    rows = row.runs.select_related("thread", "created_by").order_by("-id")
    runs = list(rows[:limit])
    operates = rights.can_operate(row.graph)
    unfinished = any(run.status in UNFINISHED for run in runs) or (
        len(runs) == limit and has_unfinished_run(row.pk)
    )
    items = open_questions(row, rights)
    plain = plain_thread(row)
    signals, signals_count = mailbox_of(
        row.pk, lambda tree: _masked(tree, row.graph, rights)
    )
    return replace(
        plain,
        runs=tuple(run_record(run, rights) for run in runs),
        questions=items,
        labels=labels_of(row.pk),
        attributes=thread_attributes(row.pk),
        signals=signals,
        signals_count=signals_count,
        may_continue=operates
        and not unfinished
        and bool(runs)
        and runs[0].status in CONTINUABLE
        and not (runs[0].status == Run.Status.INTERRUPTED and items)
        and not (state or read_state(row, rights)).is_undone,
        may_wake=operates
        and not unfinished
        and plain.sleep is not None
        and plain.sleep.until is not None,
        may_signal=operates,
        may_edit=not unfinished and may_edit(Decider(rights.person, rights), row),
        may_cancel=operates and unfinished,
    )


def open_questions(row: Thread, rights: Rights) -> tuple[QueueItem, ...]:
    """The questions of a thread that wait for an answer, the oldest first."""
    rows = row.interrupts.filter(status=Interrupt.Status.PENDING)
    rows = rows.select_related(
        "thread", "assignee", "assigned_group", "claimed_by"
    ).order_by("asked_at", "id")
    return tuple(queue_items(rows, Decider(rights.person, rights)))


def labels_of(thread_id: str) -> tuple[LabelRecord, ...]:
    """The labels of a thread, the newest step first."""
    return tuple(
        LabelRecord(
            each.text, each.checkpoint, each.namespace, step, each.by, each.created_at
        )
        for each, step in labels_with_steps(thread_id, MAX_PAGE)
    )


def plain_thread(row: Thread) -> ThreadRecord:
    """One thread row as a record, without its parts."""
    return ThreadRecord(
        id=row.pk,
        title=row.title,
        graph=row.graph,
        graph_title=graph_title(row.graph),
        status=row.status,
        head=row.head,
        seq=row.seq,
        created_at=row.created_at,
        updated_at=row.updated_at,
        by=name_of(row.created_by),
        sleep=sleep_of(row),
    )


def _last(rows: QuerySet[Event], seq: int, limit: int) -> tuple[EventRecord, ...]:
    """The last events up to `seq`, which is that of the thread's row as it was read.

    Later ones may be there by now, but the status beside them is that of the row: a page
    that holds their numbers would never be told of the status that they brought.
    """
    newest: Iterable[Event] = rows.filter(seq__lte=seq).order_by("-seq")[
        : max(1, min(limit, MAX_PAGE))
    ]
    return tuple(reversed([event_record(row) for row in newest]))


def _heartbeats(row: Run) -> tuple[HeartbeatRecord, ...]:
    return tuple(
        HeartbeatRecord(said.node, show_text(said.details).tree, said.at)
        for said in heartbeats.read(row.heartbeat)
    )


def _input_of(row: Run, rights: Rights) -> Any:
    if row.kind != Run.Kind.START:
        return None
    given = show_stored(row.payload, row.thread_id, RUN)
    return _masked(given.tree, row.thread.graph, rights)


def _masked(tree: Any, graph: str, rights: Rights) -> Any:
    if not isinstance(tree, dict) or rights.can_see_secret(graph):
        return tree
    item = registry.find(graph)
    secret = item.secret if item else frozenset(tree)
    return {name: "•••" if name in secret else part for name, part in tree.items()}
