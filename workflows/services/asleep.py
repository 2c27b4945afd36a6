"""What sleeps on a thread, for pages: until when, and which nodes."""

from __future__ import annotations

import json

from workflows.models import Event, Thread
from workflows.services.records import SleepRecord
from workflows.services.sleepers import SLEEPING

# As far back as the nodes are looked for.
RECENT = 200


def sleep_of(row: Thread) -> SleepRecord | None:
    """What sleeps there and is to be woken; None where nothing is."""
    if row.wake_at is None or row.status not in SLEEPING:
        return None
    found = _asleep(row.pk)
    return SleepRecord(
        row.wake_at,
        tuple(dict.fromkeys(node for _, node, _ in found)),
        frozenset(node for _, node, namespace in found if not namespace),
        is_all=row.status == Thread.Status.WAITING,
    )


def _asleep(thread_id: str) -> list[tuple[str, str, str]]:
    """Until when (ISO), node and namespace of each task that has slept since the last step.

    Events are read backwards: of a task the newest tells, and a step ends all tasks of its place.
    """
    rows = Event.objects.filter(thread_id=thread_id, kind__in=("task", "step"))
    found: list[tuple[str, str, str]] = []
    seen: set[str] = set()
    ended: tuple[str, ...] = ()
    for kind, text in rows.order_by("-seq").values_list("kind", "data")[:RECENT]:
        data = json.loads(text)
        namespace = data.get("namespace") or ""
        if kind == "step" and not namespace:
            break
        if kind == "step":
            ended += (namespace, f"{namespace}|")
        elif data.get("task") not in seen and not _is_ended(namespace, ended):
            seen.add(data.get("task"))
            if data.get("status") == "waiting":
                found.append((data.get("until", ""), data.get("node", ""), namespace))
    return sorted(found)


def _is_ended(namespace: str, ended: tuple[str, ...]) -> bool:
    return namespace in ended or namespace.startswith(ended[1::2])
