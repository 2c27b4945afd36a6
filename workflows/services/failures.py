"""What kind of failure runs ended with, in words that hold nothing of their data, and the same ones together."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q
from django.db.models.functions import Substr

from workflows.models import Run
from workflows.services.access import Rights
from workflows.services.review_queue import graph_title

FAILED = (Run.Status.ERROR, Run.Status.TIMEOUT)
UNKNOWN = "unknown error"
OUT_OF_TIME = "out of time"
DAYS = 7
# So many of the newest are looked at: beyond it a group says that there are more.
MOST = 1_000
MOST_GROUPS = 10
_LONGEST = 120
# The name of an exception, as `outcomes.py` puts it before its text.
_KIND = re.compile(r"([A-Za-z_][A-Za-z0-9_.]{0,99})(?::|\Z)")


@dataclass(frozen=True)
class Failures:
    """Runs that failed in the same way at the same place: how many, and the last of them."""

    kind: str
    node: str
    graph: str
    graph_title: str
    count: int
    last_at: datetime
    last_run: int
    last_thread: str


def kind_of(run: Run) -> str:
    """The exception's name, else the reason's word: "ValueError", "crash_loop"."""
    return _kind(run.status, run.reason, run.error)


def of_kind(kind: str) -> Q:
    """Runs that failed so; nothing for a word that is no kind."""
    failed = Q(status__in=FAILED)
    if kind == OUT_OF_TIME:
        return Q(status=Run.Status.TIMEOUT, error="", reason="")
    if not _KIND.fullmatch(kind):
        return Q(pk=None) if kind != UNKNOWN else failed & Q(reason="")
    named = Q(error=kind) | Q(error__startswith=f"{kind}:") | Q(error="", reason=kind)
    return failed & named


def failures(rights: Rights, now: datetime) -> tuple[list[Failures], bool]:
    """The failures of the last DAYS that the person may see, the most frequent first; and whether there may be more."""
    found: dict[tuple[str, str, str], list[Failures]] = {}
    is_cut = False
    for status in FAILED:
        rows = rights.limit(Run.objects.filter(status=status)).order_by("-id")
        told = rows.annotate(head=Substr("error", 1, _LONGEST)).values_list(
            *("id", "thread_id", "graph", "status", "reason", "head", "error_node"),
            "finished_at",
        )
        newest = list(told[:MOST])
        is_cut = is_cut or len(newest) == MOST
        for run_id, thread_id, graph, _, reason, error, node, at in newest:
            if at is None or at < now - timedelta(days=DAYS):
                continue
            kind = _kind(status, reason, error)
            one = Failures(
                kind, node, graph, graph_title(graph), 1, at, run_id, thread_id
            )
            found.setdefault((kind, node, graph), []).append(one)
    groups = [_together(alike) for alike in found.values()]
    groups.sort(key=lambda each: (-each.count, -each.last_run))
    return groups[:MOST_GROUPS], is_cut or len(groups) > MOST_GROUPS


def _together(alike: list[Failures]) -> Failures:
    last = max(alike, key=lambda each: each.last_at)
    return Failures(**{**last.__dict__, "count": len(alike)})


def _kind(status: str, reason: str, error: str) -> str:
    found = _KIND.match(error)
    if found:
        return found[1]
    if error:
        return UNKNOWN
    return reason or (OUT_OF_TIME if status == Run.Status.TIMEOUT else UNKNOWN)
