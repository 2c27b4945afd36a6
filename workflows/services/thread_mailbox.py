"""The signals in the mailbox of a thread that nobody has taken, for pages."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from workflows.models import Signal
from workflows.services.access import name_of
from workflows.services.display import show_stored
from workflows.storage.sealing import SIGNAL

MAX_SIGNALS = 10
"""As many are shown; the others are counted."""


@dataclass(frozen=True)
class SignalRecord:
    """One signal that lies there; `payload` is a tree, `problem` why it cannot be read."""

    topic: str
    who: str
    at: datetime
    payload: Any = None
    problem: str = ""


def mailbox_of(
    thread_id: str, mask: Callable[[Any], Any]
) -> tuple[tuple[SignalRecord, ...], int]:
    """The oldest signals that nobody has taken, and how many there are; `mask` hides parts of a payload."""
    rows = Signal.objects.filter(thread_id=thread_id, handed=False).order_by("id")
    found = list(rows.select_related("sent_by")[: MAX_SIGNALS + 1])
    count = len(found) if len(found) <= MAX_SIGNALS else rows.count()
    return tuple(_record(row, mask) for row in found[:MAX_SIGNALS]), count


def _record(row: Signal, mask: Callable[[Any], Any]) -> SignalRecord:
    payload = show_stored(row.payload, row.thread_id, SIGNAL)
    return SignalRecord(
        row.topic,
        name_of(row.sent_by),
        row.sent_at,
        mask(payload.tree),
        payload.problem,
    )
