"""What a part of a commit is not told where a saver of the author's own writes it, in LangGraph's form."""

from __future__ import annotations

from msgspec import structs

from workflows.engine.checkpoint.base import Commit, TaskWrites


def add_questions(part: Commit, whole: Commit) -> None:
    """What `put_writes` is not told of the task: its name, and what it asks."""
    (task,) = part.writes
    names = _channels(task)
    for known in whole.writes:  # a task that ran again saves its counter apart (RA.3)
        if known.task_id == task.task_id and _channels(known) == names:
            asked = {each.interrupt.id for each in known.asked}
            part.writes = [structs.replace(known, writes=task.writes)]
            part.closed = [c for c in whole.closed if c.interrupt_id in asked]


def _channels(task: TaskWrites) -> list[str]:
    return [channel for channel, _ in task.writes]
