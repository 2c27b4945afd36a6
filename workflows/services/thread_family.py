"""Threads that belong together, for pages: whom a thread has started, who has started it, and how those stand (RB.5).

A page names another thread by its title and leads to it where its reader may see it; one that they may not see and
one that is gone look alike, and are named by their ids.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from django.db.models import Exists, OuterRef, QuerySet

from workflows.models import Child, Thread
from workflows.services.access import Rights
from workflows.services.asleep import MAX_SHOWN, WaitRecord
from workflows.services.records import EventRecord
from workflows.services.relatives import ChildRecord, Family, OtherThread
from workflows.services.review_queue import graph_title
from workflows.services.standing import standing_of, with_last_run
from workflows.storage.children import going_on

MAX_CHILDREN = 10
MAX_PARENTS = 3


def family_of(thread_id: str) -> Family:
    """Whom the thread has started, the newest first, and who has started it, the first first; asks nobody's rights."""
    started = Child.objects.filter(thread_id=thread_id).order_by("-id")
    children, children_count = _first(started, "child_id", MAX_CHILDREN)
    starts = Child.objects.filter(child_id=thread_id).order_by("id")
    parents, parents_count = _first(starts, "thread_id", MAX_PARENTS)
    return Family(
        tuple(
            ChildRecord(
                row.child_id, row.started_at, "" if row.settled else row.on_parent_end
            )
            for row in children
        ),
        children_count,
        tuple(row.thread_id for row in parents),
        parents_count,
    )


def _first(rows: QuerySet[Child], field: str, most: int) -> tuple[list[Child], int]:
    """The first rows, one a thread that `field` names, and how many threads there are."""
    found = list(rows[: most + 1])
    kept: dict[str, Child] = {}
    for row in found:
        kept.setdefault(getattr(row, field), row)
    if len(found) <= most:
        return [*kept.values()], len(kept)
    return [*kept.values()][:most], rows.order_by().values(field).distinct().count()


def others_of(ids: Iterable[str], rights: Rights) -> dict[str, OtherThread]:
    """Those of these threads that the person may see, in one query; in none where there are no ids."""
    wanted = {*ids}
    if not wanted:
        return {}
    seen = rights.limit(Thread.objects.filter(pk__in=wanted))
    goes_on = going_on(Thread.objects.filter(pk=OuterRef("pk")))
    rows = with_last_run(seen).annotate(goes_on=Exists(goes_on))
    return {
        row.pk: OtherThread(
            row.pk,
            row.title or row.pk,
            graph_title(row.graph),
            standing_of(row),
            has_ended=not getattr(row, "goes_on", False),
        )
        for row in rows
    }


def named_in(
    events: Iterable[EventRecord],
    sleep: WaitRecord | None = None,
    family: Family | None = None,
) -> Iterator[str]:
    """The ids of the other threads that a page names which shows these."""
    for event in events:
        if event.kind in ("child", "fork"):
            yield str(event.data.get("thread", ""))
        elif event.kind == "task":
            yield from map(str, event.data.get("children", ())[:MAX_SHOWN])
    if sleep is not None:
        yield from sleep.threads
    if family is not None:
        yield from (child.id for child in family.children)
        yield from family.parents


def ends_with(thread_id: str) -> int:
    """How many threads that it has started are cancelled when somebody cancels the thread."""
    at_end = (Child.AtEnd.CANCEL, Child.AtEnd.WAIT)
    rows = Child.objects.filter(
        Exists(going_on(Thread.objects.filter(pk=OuterRef("child_id")))),
        thread_id=thread_id,
        settled=False,
        on_parent_end__in=at_end,
    )
    return rows.values("child_id").distinct().count()
