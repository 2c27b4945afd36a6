"""Where the values of a graph's state live, and how writes change them (R2.2 to R2.8)."""

from workflows.engine.channels.barrier import NamedBarrierValue
from workflows.engine.channels.base import MISSING, Channel
from workflows.engine.channels.delta import DeltaChannel, is_journal, settled, unfolded
from workflows.engine.channels.reducer import BinaryOperatorAggregate
from workflows.engine.channels.topic import Topic
from workflows.engine.channels.value import (
    AnyValue,
    EphemeralValue,
    LastValue,
    UntrackedValue,
)
from workflows.engine.errors import EmptyChannelError

BaseChannel = Channel

__all__ = [
    "MISSING",
    "AnyValue",
    "BaseChannel",
    "BinaryOperatorAggregate",
    "Channel",
    "DeltaChannel",
    "EmptyChannelError",
    "EphemeralValue",
    "LastValue",
    "NamedBarrierValue",
    "Topic",
    "UntrackedValue",
    "is_journal",
    "settled",
    "unfolded",
]
