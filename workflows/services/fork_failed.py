"""Begin a new thread for each one that has failed, with what had worked by then (RB.14)."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Literal, NamedTuple

from django.db import transaction

from workflows.engine.kinds import check_count, refused
from workflows.models import Event, Thread
from workflows.services import registry
from workflows.services.access import Rights
from workflows.services.fork_thread import Fork, Forked, step_at
from workflows.services.queueing import has_unfinished_run, lock_known_thread
from workflows.services.state import read_state
from workflows.services.step import goes_on
from workflows.services.thread_history import event_record
from workflows.services.where_query import narrowed
from workflows.storage.outage import is_away

_CALLER = "fork_failed()"
At = Literal["failed_node", "failed_step"]
PLACES = ("failed_node", "failed_step")


class ForkOfFailed(NamedTuple):
    """What has become of one thread that stands failed: its fork, or why it has none."""

    thread_id: str
    outcome: Forked | str


def fork_failed(
    where: str = "", *, at: At = "failed_node", limit: int = 100
) -> list[ForkOfFailed]:
    """Begin a new thread for each that stands failed, in the name of the system; at most `limit`, the oldest failure first (RB.14).

    `where` says which, as in `list_threads`: "customer = 'c7'". With `at="failed_node"` what worked in the step that
    failed stands, as if the thread itself were continued: the nodes that have ended, and in the others the calls of `@task`s, answers and waits that
    are over. What failed runs again, also what does not repeat its calls under new code: that is refused there. With "failed_step"
    nothing that was done in that step is used, and all of it runs anew.

    The failed threads stay as they are. A failure is forked once: who has a fork from the step at which it stands is passed
    over, however that has ended. Where it has failed too, it stands failed itself, and is forked. Each fork is a
    transaction of its own; a thread that cannot be forked is told with the reason, and the others go on.

    Raises WhereError for a `where` that is not clear, ValueError for another `at` and for a `limit` below 1.
    """
    if at not in PLACES:
        raise refused(_CALLER, "at", at, "'failed_node' or 'failed_step'", ValueError)
    check_count(limit, _CALLER, "limit", 1)
    found = []
    made = 0
    for thread_id in _failed(where):
        outcome = _outcome(thread_id, at)
        if outcome is None:
            continue
        found.append(ForkOfFailed(thread_id, outcome))
        made += isinstance(outcome, Forked)
        if made == limit:
            break
    return found


def failed_to_fork(where: str = "") -> Iterator[tuple[str, str]]:
    """The threads that `fork_failed` sees to, and of each why it cannot be forked ("" where it can); writes nothing."""
    for thread_id in _failed(where):
        thread = Thread.objects.filter(pk=thread_id).first()
        if thread is not None and not _is_over(thread):
            yield thread_id, _refusal(thread)


def _failed(where: str) -> list[str]:
    rows = Thread.objects.order_by("updated_at", "id")
    if where:
        rows = narrowed(rows, where)
    return list(rows.filter(status=Thread.Status.ERROR).values_list("pk", flat=True))


def _outcome(thread_id: str, at: At) -> Forked | str | None:
    """The fork, or why there is none; None where somebody else has seen to the thread."""
    try:
        with transaction.atomic():
            thread = lock_known_thread(thread_id)
            if thread is None or _is_over(thread):
                return None
            refusal = _refusal(thread)
            if refusal:
                return refusal
            step = step_at(thread, thread.head)
            record: Literal["all"] | None = "all" if at == "failed_node" else None
            return Fork(thread, step, str(uuid.uuid4()), None, record).make()
    except Exception as error:
        if is_away(error):
            raise
        return f"{type(error).__name__}: {error}"


def _is_over(thread: Thread) -> bool:
    """Whether the thread stands failed no longer, or has a fork from where it does."""
    if thread.status != Thread.Status.ERROR:
        return True
    rows = Event.objects.filter(thread=thread, kind="fork")
    told = (event_record(row).data for row in rows)
    forks = [
        each["thread"]
        for each in told
        if each.get("is_source") and each["checkpoint"] == thread.head
    ]
    return Thread.objects.filter(pk__in=forks).exists()


def _refusal(thread: Thread) -> str:
    """Why this thread cannot be forked from where it failed; "" where it can."""
    if registry.find(thread.graph) is None:
        return f"workflow {thread.graph!r} is not registered here"
    if not thread.head:
        return "it has failed before its first step was saved; start it again"
    if has_unfinished_run(thread.pk):
        return "it has a run that waits its turn"
    state = read_state(thread, Rights(None))
    if state.problem:
        return state.problem
    if state.is_undoing or state.is_undone:
        return "what it has done is undone, or about to be; fork_thread() can begin before that, at a checkpoint"
    if not goes_on(state):
        return "nothing is left to do at its newest step; fork_thread() can begin at an earlier one"
    return ""
