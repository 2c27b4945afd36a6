"""What sleeps on a thread, for pages: until when, and which nodes."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from workflows.models import Event, Thread
from workflows.services.records import SleepRecord
from workflows.services.sleepers import SLEEPING

# As far back as the nodes are looked for.
RECENT = 200


def sleep_of(row: Thread) -> SleepRecord | None:
    """What sleeps there and is to be woken; None where nothing is."""
    if row.wake_at is None or row.status not in SLEEPING:
        return None
    found = sorted(_asleep(row.pk))
    return SleepRecord(
        row.wake_at,
        tuple(dict.fromkeys(each.node for each in found)),
        frozenset(each.node for each in found if not each.namespace),
        is_all=row.status == Thread.Status.WAITING,
    )


class _Sleeper(NamedTuple):
    """A task that sleeps: until when (ISO text), and where."""

    until: str
    node: str
    namespace: str

    @property
    def place(self) -> tuple[str, str]:
        """The node of the workflow itself, and the node."""
        return self.namespace.partition(":")[0] or self.node, self.node


def _asleep(thread_id: str) -> list[_Sleeper]:
    """The tasks that have begun to sleep since the last step, and still do."""
    rows = Event.objects.filter(thread_id=thread_id, kind__in=("task", "step"))
    reading = _Reading()
    for kind, text in rows.order_by("-seq").values_list("kind", "data")[:RECENT]:
        data = json.loads(text)
        if kind == "task":
            reading.take_task(data)
        elif reading.ends_with(data):
            break
    return reading.found


class _Reading:
    """Events read backwards: of a task the newest tells, and a step ends all tasks of its place.

    An edit ends those only that are not due after it; the others have new ids then.
    """

    def __init__(self) -> None:
        self.found: list[_Sleeper] = []
        self._seen: set[str] = set()
        self._places: set[tuple[str, str]] = set()
        self._ended: tuple[str, ...] = ()
        self._due: list[str] | None = None

    def ends_with(self, step: dict[str, Any]) -> bool:
        """Take a step; whether nothing before it counts."""
        namespace = step.get("namespace")
        if namespace:
            self._ended += (namespace, f"{namespace}|")
            return False
        if self._due is None:
            self._due = step.get("next", [])
        return step.get("source") != "update"

    def take_task(self, task: dict[str, Any]) -> None:
        """Take the end of a task."""
        namespace = task.get("namespace") or ""
        is_ended = namespace in self._ended or namespace.startswith(self._ended[1::2])
        if is_ended or task.get("task", "") in self._seen:
            return
        self._seen.add(task.get("task", ""))
        sleeper = _Sleeper(task.get("until", ""), task.get("node", ""), namespace)
        if self._due is None:
            self._places.add(sleeper.place)
        elif sleeper.place[0] not in self._due or sleeper.place in self._places:
            return
        if task.get("status") == "waiting":
            self.found.append(sleeper)
