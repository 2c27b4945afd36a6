"""The tables: columns, constraints and querysets; nothing that changes two tables."""

from workflows.models.cache_entry import CacheEntry
from workflows.models.checkpoint import ChannelValue, Checkpoint, PendingWrite
from workflows.models.decision import Decision
from workflows.models.event import Event
from workflows.models.interrupt import Interrupt
from workflows.models.item import Item
from workflows.models.run import Run
from workflows.models.thread import Thread

__all__ = [
    "CacheEntry",
    "ChannelValue",
    "Checkpoint",
    "Decision",
    "Event",
    "Interrupt",
    "Item",
    "PendingWrite",
    "Run",
    "Thread",
]
