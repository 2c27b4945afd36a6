"""What tasks said last of their progress, on its way to the row of their run (RA.16).

The row's column holds JSON: task id -> [node, details as tagged JSON text, instant]. It is
read back by the next attempt, in whatever process, and by the page of the run.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any, NamedTuple

from workflows.storage.clock import machine_now

MAX_TASKS = 50
MAX_DETAILS = 64 * 1024

Key = tuple[str, int]  # database alias, run id


class Heartbeat(NamedTuple):
    """What one task said last; `details` is tagged JSON text."""

    task: str
    node: str
    details: str
    at: datetime


class Heartbeats:
    """What the tasks of this process's runs said; not locked, its owner does that."""

    def __init__(self) -> None:
        self._said: dict[Key, dict[str, Any]] = {}
        self._news: set[Key] = set()
        self._seeded: set[Key] = set()

    def is_seeded(self, key: Key) -> bool:
        """Whether what the row held before is known here."""
        return key in self._seeded

    def seed(self, key: Key, column: str) -> None:
        """Take in what the row holds: other tasks, before a crash, may have said it."""
        self._seeded.add(key)
        held = json.loads(column) if column else {}
        self._said[key] = {**held, **self._said.get(key, {})}

    def keep(self, key: Key, task_id: str, node: str, text: str) -> None:
        """Take down what a task says; the tasks that spoke longest ago are forgotten."""
        tasks = self._said.setdefault(key, {})
        tasks.pop(task_id, None)
        tasks[task_id] = (node, text, machine_now().isoformat())
        while len(tasks) > MAX_TASKS:
            del tasks[next(iter(tasks))]
        self._news.add(key)

    @property
    def has_news(self) -> bool:
        """Whether something was said that no row holds yet."""
        return bool(self._news)

    def has_said(self, key: Key) -> bool:
        """Whether a task of that run has said something here."""
        return key in self._said

    def has_news_of(self, key: Key) -> bool:
        """Whether that run's row lacks something."""
        return key in self._news

    def news(self, key: Key) -> str | None:
        """The column's text where it is to be written anew, else None."""
        if key not in self._news:
            return None
        self._news.discard(key)
        return json.dumps(self._said[key])

    def is_news(self, key: Key) -> None:
        """What `news` gave was not written: give it again."""
        if key in self._said:
            self._news.add(key)

    def of(self, key: Key, task_id: str) -> str | None:
        """What a task said last, here."""
        found = self._said.get(key, {}).get(task_id)
        return found[1] if found else None

    def forget(self, key: Key) -> None:
        """The run is over."""
        self._said.pop(key, None)
        self._news.discard(key)
        self._seeded.discard(key)


def read(column: str) -> list[Heartbeat]:
    """What a run's column holds, the task that spoke last first."""
    held: dict[str, Any] = json.loads(column) if column else {}
    found = [
        Heartbeat(task_id, node, text, datetime.fromisoformat(at))
        for task_id, (node, text, at) in held.items()
    ]
    return found[::-1]
