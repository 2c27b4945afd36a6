"""What the call of a transactional `@task` saves with its body, in the place of the loop (RB.7)."""

from __future__ import annotations

from typing import Any

from workflows.engine.attributes import Attributes
from workflows.engine.checkpoint.base import Commit, TaskWrites
from workflows.engine.constants import CALL, UNDO
from workflows.engine.loop.paths import path_text
from workflows.engine.loop.program import Writes
from workflows.engine.loop.tasks import Task
from workflows.engine.loop.undos import number_of
from workflows.engine.loop.view import View


def commit_of(
    view: View, task: Task, writes: Writes, attributes: Attributes | None
) -> Commit:
    """The record of a call that has worked. Asked for on the thread of its body, so it changes nothing of the view."""
    assert task.call is not None  # noqa: S101 - only calls come here
    for channel, value in writes:
        if channel == UNDO:
            value["n"] = number_of(view)
            value["thread"] = view.run.thread_id
    pairs: list[tuple[str, Any]] = [*writes, (CALL, task.call.record)]
    return Commit(
        view.run.thread_id or "",
        view.run.namespace,
        view.base_id,
        writes=[TaskWrites(task.id, path_text(task.path), task.name, pairs)],
        attributes=attributes,
    )
