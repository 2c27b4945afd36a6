"""The strip after a decision that can still be taken back: its facts travel as a message tag."""

import re
from dataclasses import dataclass
from datetime import datetime

from workflows.storage.clock import machine_now

_TAG = re.compile(r"undo-(\d+)-(\d+)")


@dataclass(frozen=True)
class UndoOffer:
    """A decision, and until when (unix milliseconds) it can be taken back."""

    decision: int
    until: int


def undo_tags(decision: int, start_at: datetime | None) -> str:
    """The tag of a message about this decision; empty when it is final at once."""
    if start_at is None:
        return ""
    return f"undo-{decision}-{int(start_at.timestamp() * 1000)}"


def undo_offer(tags: str) -> UndoOffer | None:
    """What a message's tags offer, while there is time."""
    found = _TAG.search(tags or "")
    if found is None:
        return None
    offer = UndoOffer(int(found[1]), int(found[2]))
    return offer if offer.until > machine_now().timestamp() * 1000 else None
