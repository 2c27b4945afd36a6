"""Errors of a start that is refused because an equal one came before."""

from __future__ import annotations

from workflows.engine.errors import ConcurrencyError


class IdempotencyConflict(ValueError):
    """An idempotency key was used before for another input (RB.6); `thread_id` is the thread that was started then."""

    def __init__(self, key: str, graph: str, thread_id: str) -> None:
        super().__init__(
            f"idempotency key {key!r} has started workflow {graph!r} on thread {thread_id!r} before, with another input; "
            "nothing was started: give the same input to be given that run, or another key to start another"
        )
        self.key = key
        self.graph = graph
        self.thread_id = thread_id


class DuplicateRunError(ConcurrencyError):
    """A run with this `dedup_key` waits or is at work (RB.9); `thread_id` is its thread."""

    def __init__(self, key: str, graph: str, thread_id: str) -> None:
        super().__init__(
            f"workflow {graph!r} has a run with the dedup_key {key!r} on thread {thread_id!r} that has not ended; "
            "nothing was started: start again when it has ended or is cancelled, or with another key"
        )
        self.key = key
        self.graph = graph
        self.thread_id = thread_id
