"""One run's working memory: where it stands, its channels, what tasks have saved."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workflows.engine import ids
from workflows.engine.attributes import Attributes, merged
from workflows.engine.channels import (
    MISSING,
    Channel,
    DeltaChannel,
    EmptyChannelError,
    is_journal,
    settled,
)
from workflows.engine.checkpoint.base import (
    Checkpoint,
    CheckpointTuple,
    Commit,
    Due,
    TaskWrites,
    checkpoint_config,
)
from workflows.engine.checkpoint.shapes import LoneCheckpoint
from workflows.engine.constants import (
    CALL,
    ERROR,
    FORKED,
    INTERRUPT,
    RESUME,
    RUNS,
    UNDO,
)
from workflows.engine.errors import GraphChangedError
from workflows.engine.loop.program import Channels
from workflows.engine.loop.renaming import renamed, renamed_nodes
from workflows.engine.loop.run import Run
from workflows.engine.loop.tasks import Task
from workflows.engine.types import Interrupt
from workflows.engine.undo_calls import UndoCall

Pairs = list[tuple[str, Any]]
_NOT_RESULTS = (INTERRUPT, RESUME, ERROR, CALL, RUNS)


class View:
    """What the rooms of the loop share while a run lasts; records, no behaviour of a step."""

    __slots__ = (
        "attributes",
        "base_id",
        "begins_inside",
        "changed",
        "channels",
        "checkpoint",
        "code",
        "dirty",
        "due",
        "floor",
        "held",
        "index",
        "is_lone",
        "left_open",
        "metadata",
        "newest",
        "next_version",
        "output",
        "parent_config",
        "past",
        "pending",
        "recorded",
        "run",
        "saved",
        "staged",
        "step",
        "superseded",
        "tasks",
        "undos",
        "undos_moved",
        "waiting",
    )

    def __init__(self, run: Run) -> None:
        self.run = run
        self.checkpoint: Checkpoint = empty_checkpoint()
        self.channels: Channels = {}
        self.due: list[Due] = []
        self.step = -2
        self.index = 0  # supersteps run in this call
        self.pending: dict[str, Pairs] = {}
        self.recorded: dict[str, dict[str, list[Any]]] = {}
        self.metadata: Mapping[str, Any] = {}
        self.parent_config: dict[str, Any] | None = None
        self.past: frozenset[tuple[str, int, str]] = frozenset()  # of `past.py`
        self.saved = False  # the present checkpoint is durable
        self.is_lone = False  # the saver knows that no namespace below holds anything
        self.floor = ""
        self.left_open: list[
            str
        ] = []  # asked at a head that this run does not go on from
        self.begins_inside = False  # at a checkpoint that a fork above has named
        self.base_id: str | None = None  # newest checkpoint that was written
        self.changed: dict[str, Any] = {}  # durability "exit": versions not yet written
        self.waiting: Commit | None = None  # durability "exit": what the end will write
        self.held: list[TaskWrites] = []  # saved together with the next checkpoint
        self.tasks: list[Task] = []
        self.superseded: list[str] = []
        self.dirty: set[str] = set()  # channels moved from outside, not yet saved
        self.newest: Any = None  # the greatest version; None: not looked for yet
        self.code = ""  # the stamp of the checkpoints that are written
        self.output: Any = None  # what a run that is silent has shown last
        self.staged: Attributes | None = None  # set by the tasks applied last
        self.attributes: Attributes | None = None  # goes along with the next saving
        self.undos: dict[str, UndoCall] = {}  # recorded in the present step, by id
        self.undos_moved = False  # others than the checkpoint holds, or none any more
        self.next_version = run.saver.get_next_version if run.saver else _count

    @property
    def id(self) -> str:
        """The id of the present checkpoint."""
        return self.checkpoint["id"]

    @property
    def anchor(self) -> str:
        """What the ids of this step's tasks hang on: the checkpoint, or the call without any."""
        return self.id if self.run.saver is not None and self.id else self.run.seed

    @property
    def config(self) -> dict[str, Any]:
        """A config that names the present checkpoint."""
        return checkpoint_config(self.run.thread_id or "", self.run.namespace, self.id)

    def values(self, keys: tuple[str, ...] | str) -> Any:
        """What the channels of these keys hold; a plain key gives the bare value."""
        if isinstance(keys, str):
            try:
                return self.channels[keys].get()
            except EmptyChannelError:
                return None
        found: dict[str, Any] = {}
        for key in keys:
            channel = self.channels[key]
            try:
                found[key] = channel.get()
            except EmptyChannelError:
                continue
        return found

    def take(self, saved: CheckpointTuple | None) -> None:
        """Stand at `saved`; None is a thread without any checkpoint."""
        program = self.run.program
        if saved is None:
            self.channels = {k: c.fresh() for k, c in program.channels.items()}
            return
        checkpoint, metadata = saved.checkpoint, saved.metadata or {}
        if program.identity.aliases:
            checkpoint, moved = renamed(checkpoint, program)
            metadata = renamed_nodes(metadata, program.identity.aliases)
            self.dirty |= moved
        values = checkpoint.get("channel_values", {})
        channels: Channels = {}
        for key, template in program.channels.items():
            channel = template.fresh()
            if key in values:
                kept = values[key]
                if type(kept) is list and is_journal(kept):
                    kept = self._readable(key, channel, kept)
                channel.load(kept)
            channels[key] = channel
        self.channels = channels
        self.checkpoint = checkpoint
        self.newest = None
        self.due = list(checkpoint.get("due") or [])
        self.metadata = metadata
        self.step = int(self.metadata.get("step", -2))
        self.parent_config = saved.parent_config
        self.floor = max(self.floor, checkpoint["id"])
        self.base_id = checkpoint["id"]
        self.saved = True
        self.is_lone = isinstance(saved, LoneCheckpoint)
        self.remember(saved.pending_writes or ())

    def _readable(self, key: str, channel: Channel, journal: Any) -> Any:
        """A delta channel's journal, for the channel that the key has now."""
        if isinstance(channel, DeltaChannel) or self.run.unknown:
            return journal
        plain = settled(journal)
        if plain is not MISSING:
            return plain
        raise GraphChangedError(
            f"thread {self.run.thread_id!r}: key {key!r} was saved by a DeltaChannel, as what "
            f"was written to it, and is {type(channel).__name__} now, which cannot put that "
            "together. Keep the DeltaChannel with its reducer for this key, or give the new one "
            "another name.",
            [f"changed channel: {key!r}"],
        )

    def remember(self, writes: Any) -> None:
        """Sort saved writes by the task they belong to."""
        for task_id, channel, value in writes:
            self.pending.setdefault(task_id, []).append((channel, value))
            if channel == CALL:
                parent = value[0]
                self.recorded.setdefault(parent, {})[task_id] = value
            elif channel == UNDO:
                self.undos[value["id"]] = value
                self.undos_moved = True
            elif channel == FORKED:
                self.run.forks = value

    def note_answers(self, writes: TaskWrites) -> None:
        """Take what a task has just been answered for its record."""
        pairs = self.pending.setdefault(writes.task_id, [])
        names = {name for name, _ in writes.writes}
        self.pending[writes.task_id] = [
            *(pair for pair in pairs if pair[0] not in names),
            *writes.writes,
        ]

    def forget_pending(self) -> None:
        """Drop what tasks of the present step have saved."""
        self.pending = {}
        self.recorded = {}
        self.undos = {}
        self.undos_moved = False

    @property
    def undo_calls(self) -> list[UndoCall]:
        """The calls that undo what the thread has done, in the order in which they were recorded (RB.8)."""
        kept = self.checkpoint["channel_values"].get(UNDO) or []
        return [*kept, *sorted(self.undos.values(), key=lambda call: call["n"])]

    def drop_undos(self) -> None:
        """Have nothing to undo from the next checkpoint on."""
        values = self.checkpoint["channel_values"]
        self.undos = {}
        self.undos_moved = UNDO in values
        kept = {key: value for key, value in values.items() if key != UNDO}
        self.checkpoint = {**self.checkpoint, "channel_values": kept}

    def take_attributes(self, change: Attributes | None) -> None:
        """Have the next saving change these attributes of the thread, too (RB.11)."""
        self.attributes = merged(self.attributes, change)

    def give_attributes(self) -> Attributes | None:
        """What the saving that is made now changes; once."""
        change, self.attributes = self.attributes, None
        return change

    def questions_of(self, task_id: str) -> tuple[Interrupt, ...]:
        """The questions that a task's record holds, answered or not."""
        for channel, value in self.pending.get(task_id, ()):
            if channel == INTERRUPT:
                return tuple(value)
        return ()

    def runs_of(self, task_id: str) -> int:
        """How often a task has been run, as far as its record tells (RA.3).

        A run that a crash cut off has saved nothing and is not counted.
        """
        pairs = self.pending.get(task_id)
        if not pairs:
            return 0
        found: int | None = self.record_of(task_id, RUNS)
        if found is not None:
            return found
        return int(any(channel not in (RESUME, CALL) for channel, _ in pairs))

    def record_of(self, task_id: str, name: str) -> Any:
        """One entry of a task's record, or None."""
        for channel, value in self.pending.get(task_id, ()):
            if channel == name:
                return value
        return None


def is_finished(pairs: Pairs) -> bool:
    """Say whether a task's record holds the result of the task."""
    return any(channel not in _NOT_RESULTS for channel, _ in pairs)


def empty_checkpoint() -> Checkpoint:
    """The state before the first checkpoint."""
    return {
        "v": 1,
        "id": "",
        "ts": "",
        "channel_values": {},
        "channel_versions": {},
        "versions_seen": {},
        "updated_channels": None,
        "due": [],
    }


def copy_checkpoint(checkpoint: Checkpoint, after: str, due: list[Due]) -> Checkpoint:
    """A new checkpoint with the same values and a new id."""
    return {
        "v": 1,
        "id": ids.new_checkpoint_id(after),
        "ts": ids.now_text(),
        "channel_values": dict(checkpoint["channel_values"]),
        "channel_versions": dict(checkpoint["channel_versions"]),
        "versions_seen": {},
        "updated_channels": [],
        "due": due,
    }


def _count(current: Any, _channel: Any) -> Any:
    return 1 if current is None else current + 1
