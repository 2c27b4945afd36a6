"""The tables: columns, constraints and querysets; nothing that changes two tables."""

from workflows.models.checkpoint import ChannelValue, Checkpoint, PendingWrite
from workflows.models.decision import Decision
from workflows.models.event import Event
from workflows.models.interrupt import Interrupt
from workflows.models.run import Run
from workflows.models.thread import Thread

__all__ = [
    "ChannelValue",
    "Checkpoint",
    "Decision",
    "Event",
    "Interrupt",
    "PendingWrite",
    "Run",
    "Thread",
]
