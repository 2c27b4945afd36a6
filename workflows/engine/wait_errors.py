"""Errors of what a task waits for: it did not come in time, or has no result."""

from __future__ import annotations

from workflows.engine.errors import WorkflowError

_TOO_LATE = {
    "signal": "no signal {topic!r} came to thread {thread_id!r}{long}, where {node!r} waited for it; "
    "send it with send_signal({thread_id!r}, {topic!r}, payload), wait longer, or give wait_signal() a default",
    "event": "no event {topic!r} came to thread {thread_id!r}{long}, where {node!r} waited for it; "
    "tell it with emit({topic!r}, payload), wait longer, or give wait_event() a default",
    "child": "thread {topic!r} has not ended{long}, where {node!r} of thread {thread_id!r} waited for it; "
    "look what it waits for, wait longer, or give result() a default",
}


class WaitTimeout(TimeoutError):
    """What a task waited for has not come in time, and it gave no default (RB.2, RB.3, RB.5); `topic` is what that was."""

    def __init__(
        self,
        topic: str,
        seconds: float | None,
        node: str,
        thread_id: str | None,
        kind: str = "signal",
    ) -> None:
        long = "" if seconds is None else f" in {seconds:g} seconds"
        super().__init__(
            _TOO_LATE[kind].format(
                topic=topic, thread_id=thread_id, node=node, long=long
            )
        )
        self.topic = topic
        self.seconds = seconds
        self.node = node
        self.thread_id = thread_id
        self.kind = kind

    def __repr__(self) -> str:
        # As it stands on record: with what makes it anew (R4.16).
        given = (self.topic, self.seconds, self.node, self.thread_id, self.kind)
        return f"WaitTimeout{given!r}"


class InterruptTimeout(TimeoutError):
    """Nobody answered a question in time that has no `on_timeout` (RB.4); `question` is what was asked, as text."""

    def __init__(
        self, question: str, seconds: float | None, node: str, thread_id: str | None
    ) -> None:
        short = question if len(question) <= 200 else f"{question[:200]}..."
        long = " in time" if seconds is None else f" in {seconds:g} seconds"
        super().__init__(
            f"nobody answered {short!r}{long}, which {node!r} of thread {thread_id!r} asked; "
            "give interrupt() more time, or with on_timeout= what to go on with"
        )
        self.question = short
        self.seconds = seconds
        self.node = node
        self.thread_id = thread_id

    def __repr__(self) -> str:
        given = (self.question, self.seconds, self.node, self.thread_id)
        return f"InterruptTimeout{given!r}"  # as in `WaitTimeout`


class ChildFailed(WorkflowError):
    """A thread that a task waited for has ended without a result (RB.5); `error` says why."""

    def __init__(self, thread_id: str, error: str) -> None:
        super().__init__(
            f"thread {thread_id!r} has no result: {error}; see what it ended with there, or catch ChildFailed"
        )
        self.thread_id = thread_id
        self.error = error

    def __repr__(self) -> str:
        return f"ChildFailed{(self.thread_id, self.error)!r}"  # as in `WaitTimeout`
