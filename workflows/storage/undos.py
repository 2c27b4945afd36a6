"""What a thread has on record to undo, asked by those who cancel its work (RB.8)."""

from __future__ import annotations

import logging
from typing import NamedTuple

from workflows.engine.checkpoint.base import checkpoint_config
from workflows.engine.loop.undoing import has_undo, is_begun
from workflows.storage.outage import is_away
from workflows.storage.saver import DjangoSaver

log = logging.getLogger(__name__)


class ToUndo(NamedTuple):
    """Whether something is on record that nobody has begun to undo; whether somebody has, and has not ended.

    `problem` says why that cannot be told, as of what is encrypted under a key that is gone.
    """

    on_record: bool = False
    begun: bool = False
    problem: str = ""


def to_undo(using: str, thread_id: str) -> ToUndo:
    """What there is to undo at the thread's head. Raises what a database raises that is away."""
    try:
        saved = DjangoSaver(using).get_tuple(checkpoint_config(thread_id))
    except Exception as error:  # whatever is damaged there, the work is cancelled
        if is_away(error):
            raise
        log.exception("thread %s: what it has on record cannot be read", thread_id)
        return ToUndo(problem=f"{type(error).__name__}: {error}")
    return ToUndo(has_undo(saved), is_begun(saved))
