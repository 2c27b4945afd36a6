"""Threads that belong together, for pages: whom a thread has started, who has started it, and how those stand (RB.5).

A page names another thread by its title and leads to it where its reader may see it; one that they may not see and
one that is gone look alike, and are named by their ids.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from workflows.models import Thread
from workflows.services.access import Rights
from workflows.services.asleep import MAX_SHOWN, WaitRecord
from workflows.services.records import EventRecord
from workflows.services.relatives import OtherThread
from workflows.services.review_queue import graph_title
from workflows.services.standing import standing_of, with_last_run


def others_of(ids: Iterable[str], rights: Rights) -> dict[str, OtherThread]:
    """Those of these threads that the person may see, in one query; in none where there are no ids."""
    wanted = {*ids}
    if not wanted:
        return {}
    seen = rights.limit(Thread.objects.filter(pk__in=wanted))
    return {
        row.pk: OtherThread(
            row.pk,
            row.title or row.pk,
            graph_title(row.graph),
            standing_of(row),
        )
        for row in with_last_run(seen)
    }


def named_in(
    events: Iterable[EventRecord], sleep: WaitRecord | None = None
) -> Iterator[str]:
    """The ids of the other threads that a page names which shows these."""
    for event in events:
        if event.kind == "child":
            yield str(event.data.get("thread", ""))
        elif event.kind == "task":
            yield from map(str, event.data.get("children", ())[:MAX_SHOWN])
    if sleep is not None:
        yield from sleep.threads
