"""Errors of updates that were sent to a thread: refused, failed, not taken in time (RB.16)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from workflows.engine.errors import WorkflowError


class UpdateRefused(WorkflowError):
    """An update was refused, and nothing was written (RB.16); its handler raises this, with the reason.

    `errors` says by the name of an argument what is wrong with it, where that is why.
    """

    def __init__(self, reason: str, errors: Mapping[str, str] | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.errors = dict(errors or {})


class UnknownUpdateError(UpdateRefused):
    """The graph has no update of this name; `known` are those that it has."""

    def __init__(self, name: str, graph: str, known: Iterable[str]) -> None:
        self.name = name
        self.known = tuple(known)
        has = f"it has {', '.join(self.known)}" if self.known else "it has none"
        super().__init__(
            f"graph {graph!r} has no update {name!r}: {has}; an update is declared with "
            f'@graph.update("{name}") before the graph is compiled'
        )


class UpdateFailed(WorkflowError):
    """The handler of an update raised what is no refusal, or gave what the state cannot take; nothing was written (RB.16)."""

    def __init__(self, name: str, thread_id: str, error: str) -> None:
        super().__init__(
            f"update {name!r} of thread {thread_id!r} was not carried out: {error}; nothing was written. "
            "Mend its handler, or raise UpdateRefused there for what is no mistake of the code"
        )
        self.name = name
        self.thread_id = thread_id
        self.error = error


class UpdateTimeout(TimeoutError):
    """An update was not taken in time, and is taken back: nothing of it was written, or will be (RB.16)."""

    def __init__(self, name: str, thread_id: str, seconds: float) -> None:
        super().__init__(
            f"update {name!r} of thread {thread_id!r} was not taken in {seconds:g} seconds and is taken back; "
            "a run takes updates between two steps: wait longer than a step may take, or send it again"
        )
        self.name = name
        self.thread_id = thread_id
        self.seconds = seconds
