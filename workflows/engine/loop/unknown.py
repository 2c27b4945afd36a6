"""A graph that is known only by what it has saved: enough to show where it stands (R7.8)."""

from __future__ import annotations

from typing import Any, NoReturn

from workflows.engine.channels import LastValue, unfolded
from workflows.engine.checkpoint.base import CheckpointTuple
from workflows.engine.constants import END, START
from workflows.engine.loop.program import Node, Program
from workflows.engine.loop.run import Run

_OWN = ("__", "join:")  # how the names begin that are no keys of a state


def program_of(saved: CheckpointTuple) -> Program:
    """The keys and the due nodes of a checkpoint as a program that can be looked at, not run."""
    checkpoint = saved.checkpoint
    held = checkpoint.get("channel_values", {})
    due = checkpoint.get("due") or ()
    names = {item["node"] for item in due}
    functional = END in held or any(
        item["node"] != START and item.get("by") == ["input"] for item in due
    )
    keys = tuple(name for name in held if not name.startswith(_OWN))
    channels = {name: _Shown(Any, name) for name in (END, *keys)}
    shown: tuple[str, ...] | str = END if functional else keys
    return Program(
        name="?",
        nodes={name: _node(name) for name in names},
        channels=dict(channels),
        joins={},
        accept=_cannot_run,
        first=next(iter(names), "") if functional else START,
        state_keys=keys,
        output_keys=shown,
        stream_keys=shown,
        managed={},
        volatile=(),
        functional=functional,
    )


def get_to_know(run: Run, saved: CheckpointTuple) -> None:
    """Let a run that looks at a namespace of which nobody knows the graph read this checkpoint."""
    if run.unknown:
        run.program = program_of(saved)
        run.stream_keys = run.program.stream_keys


class _Shown(LastValue):
    """A key of which nobody knows the reducer."""

    __slots__ = ()

    def load(self, saved: Any) -> None:
        super().load(unfolded(saved))


def _node(name: str) -> Node:
    return Node(
        name=name,
        fn=_cannot_run,
        is_async=False,
        write=_cannot_run,
        read=lambda channels, remaining: None,
    )


def _cannot_run(*_: Any) -> NoReturn:
    raise RuntimeError("a graph that is known only by its checkpoints cannot be run")
