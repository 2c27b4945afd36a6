"""What a thread has on record to undo, asked by those who cancel its work (RB.8)."""

from __future__ import annotations

import logging
from typing import NamedTuple

from workflows.engine.checkpoint.base import (
    BaseCheckpointSaver,
    CheckpointTuple,
    checkpoint_config,
)
from workflows.engine.constants import UNDO
from workflows.engine.errors import DurablewebError
from workflows.engine.loop.undoing import (
    calls_before,
    calls_begun,
    has_undo,
    is_begun,
)
from workflows.models import PendingWrite
from workflows.storage.outage import is_away

log = logging.getLogger(__name__)

NOT_UNDONE = "not_undone"
"""The reason of a run that was cancelled, and whose work is not undone, or not to the end."""


class ToUndo(NamedTuple):
    """Whether something is on record that nobody has begun to undo; whether somebody has, and has not ended.

    `problem` says why that cannot be told, as of what is encrypted under a key that is gone.
    """

    on_record: bool = False
    begun: bool = False
    problem: str = ""

    @property
    def is_left(self) -> bool:
        """Whether a run that ends as cancelled now leaves something that is not undone."""
        return self.on_record or self.begun or bool(self.problem)


def to_undo(saver: BaseCheckpointSaver, thread_id: str) -> ToUndo:
    """What there is to undo at the thread's head. Raises what a database raises that is away."""
    try:
        saved = saver.get_tuple(checkpoint_config(thread_id))
    except Exception as error:  # whatever is damaged there, the work is cancelled
        if is_away(error):
            raise
        log.exception("thread %s: what it has on record cannot be read", thread_id)
        return ToUndo(problem=f"{type(error).__name__}: {error}")
    return ToUndo(has_undo(saved), is_begun(saved))


def is_undone_since(
    saver: BaseCheckpointSaver, using: str, thread_id: str, checkpoint: str
) -> bool:
    """Say whether something that the thread had done when this checkpoint was saved is undone since, on any line of it.

    Who goes on from there goes on as if it still stood. What cannot be read is taken for not undone.
    """

    def at(name: str) -> CheckpointTuple | None:
        return saver.get_tuple(checkpoint_config(thread_id, checkpoint_id=name))

    try:
        before = at(checkpoint)
        calls = [] if before is None else calls_before(before)
        if not calls:
            return False
        # The path of a write is not encrypted, unlike what is due at a checkpoint.
        undone = PendingWrite.objects.using(using).filter(
            thread_id=thread_id,
            namespace="",
            checkpoint__gt=checkpoint,
            path__contains=UNDO,
        )
        names = undone.values_list("checkpoint", flat=True).distinct()
        later = [found for name in names if (found := at(name)) is not None]
    except DurablewebError:
        log.exception("thread %s: what it has on record cannot be read", thread_id)
        return False
    return any(call in calls for found in later for call in calls_begun(found))
