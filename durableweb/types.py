"""Commands, sends, policies, snapshots, chunks of streams, and `interrupt`."""

from typing import TYPE_CHECKING

from workflows.engine.anew import continue_as_new
from workflows.engine.events import wait_event
from workflows.engine.first import ask, ending, event, first_of, signal, timer
from workflows.engine.handlers import Update
from workflows.engine.later import handed_on
from workflows.engine.loop.undoing import Undo
from workflows.engine.recorded import anow, now, random, uuid4
from workflows.engine.runtime import interrupt
from workflows.engine.sagas import acompensate, compensate, shield
from workflows.engine.signals import wait_signal
from workflows.engine.sleeping import asleep, asleep_until, sleep, sleep_until
from workflows.engine.types import (
    All,
    CachePolicy,
    Checkpointer,
    Command,
    Durability,
    GraphOutput,
    Interrupt,
    MessageChunk,
    Overwrite,
    PregelTask,
    RetryPolicy,
    Send,
    StateSnapshot,
    StateUpdate,
    StreamMode,
    StreamWriter,
    TimeoutPolicy,
    TracePolicy,
    omit_payload,
)
from workflows.engine.waits import RAISE, ChildWait, EventWait, SignalWait, Sleep, Wait

if TYPE_CHECKING:
    from workflows.engine.stream_parts import (
        CheckpointPayload,
        CheckpointStreamPart,
        CheckpointTask,
        CustomStreamPart,
        DebugPayload,
        DebugStreamPart,
        MessagesStreamPart,
        StreamPart,
        TaskPayload,
        TaskResultPayload,
        TasksStreamPart,
        UpdatesStreamPart,
        ValuesStreamPart,
    )

__all__ = [
    "RAISE",
    "All",
    "CachePolicy",
    "CheckpointPayload",
    "CheckpointStreamPart",
    "CheckpointTask",
    "Checkpointer",
    "ChildWait",
    "Command",
    "CustomStreamPart",
    "DebugPayload",
    "DebugStreamPart",
    "Durability",
    "EventWait",
    "GraphOutput",
    "Interrupt",
    "MessageChunk",
    "MessagesStreamPart",
    "Overwrite",
    "PregelTask",
    "RetryPolicy",
    "Send",
    "SignalWait",
    "Sleep",
    "StateSnapshot",
    "StateUpdate",
    "StreamMode",
    "StreamPart",
    "StreamWriter",
    "TaskPayload",
    "TaskResultPayload",
    "TasksStreamPart",
    "TimeoutPolicy",
    "TracePolicy",
    "Undo",
    "Update",
    "UpdatesStreamPart",
    "ValuesStreamPart",
    "Wait",
    "acompensate",
    "anow",
    "ask",
    "asleep",
    "asleep_until",
    "compensate",
    "continue_as_new",
    "ending",
    "event",
    "first_of",
    "interrupt",
    "now",
    "omit_payload",
    "random",
    "shield",
    "signal",
    "sleep",
    "sleep_until",
    "timer",
    "uuid4",
    "wait_event",
    "wait_signal",
]

__getattr__ = handed_on(
    "workflows.engine.stream_parts",
    "CheckpointPayload",
    "CheckpointStreamPart",
    "CheckpointTask",
    "CustomStreamPart",
    "DebugPayload",
    "DebugStreamPart",
    "MessagesStreamPart",
    "StreamPart",
    "TaskPayload",
    "TaskResultPayload",
    "TasksStreamPart",
    "UpdatesStreamPart",
    "ValuesStreamPart",
)
