"""The records behind live fragments, read by number instead of by person.

One rendering serves every socket that may see the row, so these records are made with
nobody's rights: no traceback, no secret. The consumers leave out the rows of workflows that
their person may not see.
"""

import json
from dataclasses import dataclass, field, replace

from django.db.models import Count

from workflows.models import Decision, Event, Interrupt, Run, Thread
from workflows.models.run import BESIDE
from workflows.services.access import Rights
from workflows.services.closed_question import PAST_TENSE
from workflows.services.desk.deciding import Decider
from workflows.services.records import QueueItem, RunRecord, ThreadRecord
from workflows.services.review_queue import queue_items
from workflows.services.thread_history import (
    open_questions,
    plain_thread,
    run_record,
)

NOBODY = None
RECENT_STEPS = 20


@dataclass(frozen=True, slots=True)
class QueueChange:
    """What happened to some questions.

    `closed` maps the number of one that is not open to its graph and how it ended; `counts`
    is how many questions of each graph are open.
    """

    open_items: list[QueueItem] = field(default_factory=list)
    closed: dict[int, tuple[str, str]] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)


def queue_change(numbers: set[int]) -> QueueChange:
    """The present state of these questions."""
    rows = list(
        Interrupt.objects.filter(pk__in=numbers)
        .select_related("thread", "assignee", "assigned_group", "claimed_by")
        .order_by("asked_at", "id")
    )
    pending = Interrupt.Status.PENDING
    closed = [row for row in rows if row.status != pending]
    words = _how_decided({row.pk for row in closed})
    return QueueChange(
        queue_items((row for row in rows if row.status == pending), Decider(NOBODY)),
        {
            row.pk: (row.thread.graph, words.get(row.pk, str(row.status)))
            for row in closed
        },
        pending_counts(),
    )


def _how_decided(numbers: set[int]) -> dict[int, str]:
    if not numbers:
        return {}
    decisions = Decision.objects.filter(interrupt__in=numbers).order_by("round")
    return {
        decision.interrupt_id: f"{PAST_TENSE.get(decision.kind, decision.kind)}"
        f" by {decision.person_name or 'system'}"
        for decision in decisions
    }


def pending_counts() -> dict[str, int]:
    """How many open questions each workflow has."""
    rows = (
        Interrupt.objects.filter(status=Interrupt.Status.PENDING)
        .values("graph")
        .annotate(count=Count("id"))
        .values_list("graph", "count")
    )
    return dict(rows)


def runs_by_id(run_ids: set[int]) -> list[RunRecord]:
    """These runs, oldest first, so that inserting each at the top keeps their order."""
    rows = (
        Run.objects.filter(pk__in=run_ids)
        .exclude(kind__in=BESIDE)
        .select_related("thread", "created_by")
        .defer("payload")
        .order_by("id")
    )
    return [run_record(row, Rights(NOBODY)) for row in rows]


def due_nodes(thread_id: str) -> list[str]:
    """The nodes that are due after the thread's last step outside subgraphs."""
    steps = Event.objects.filter(thread_id=thread_id, kind="step").order_by("-seq")
    for text in steps.values_list("data", flat=True)[:RECENT_STEPS]:
        data = json.loads(text)
        if not data.get("namespace"):
            return [str(name) for name in data.get("next") or ()]
    return []


def thread_now(thread_id: str) -> ThreadRecord | None:
    """The thread with its last run and open questions; None when it was deleted."""
    row = Thread.objects.filter(pk=thread_id).select_related("created_by").first()
    if row is None:
        return None
    rights = Rights(NOBODY)
    runs = row.runs.select_related("thread", "created_by").defer("payload")
    return replace(
        plain_thread(row),
        runs=tuple(run_record(run, rights) for run in runs.order_by("-id")[:1]),
        questions=open_questions(row, rights),
    )
