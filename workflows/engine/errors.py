"""Every error the engine raises by name; one base for those that are ours alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


class DurablewebError(Exception):
    """Base of the errors that LangGraph does not have."""


class ConcurrencyError(DurablewebError):
    """Somebody else got there first; nothing was written."""


class WorkflowError(DurablewebError):
    """The workflow's code and its saved history do not fit together."""


class SerdeError(DurablewebError):
    """A value cannot be written or read."""


class InvalidUpdateError(Exception):
    """A write that the state cannot take, or a target that is no node."""


class GraphRecursionError(RecursionError):
    """The recursion limit was reached; the state is saved, `invoke(None)` goes on."""


class EmptyChannelError(Exception):
    """A channel that has no value has been read; the `get` of a channel raises it."""


class EmptyInputError(Exception):
    """There is nothing to run: no input and nothing to continue."""


class TaskNotFound(Exception):
    """Nothing here raises it; it is there for programs that name it, as in LangGraph, which does not raise it either."""


class GraphBubbleUp(Exception):
    """Control flow, not a failure: let it pass (`except GraphBubbleUp: raise`)."""

    attributes: Mapping[str, Any] | None = None
    """The engine's own: what the task has set of its thread before it came up (RB.11)."""


class GraphInterrupt(GraphBubbleUp):
    """A task waits for an answer; `args[0]` holds the interrupts."""

    def __init__(self, interrupts: Sequence[Any] = ()) -> None:
        super().__init__(tuple(interrupts))

    @property
    def interrupts(self) -> tuple[Any, ...]:
        """The questions, in the order they were asked."""
        return tuple(self.args[0])


class ParentCommand(GraphBubbleUp):
    """A command for the parent graph; `args[0]` is the command."""


class BeginsAnew(GraphBubbleUp):
    """A body ends and begins again with `input`; `save` holds the one value of its `previous`, if it gives any."""

    def __init__(self, input: Any, save: tuple[Any, ...] = ()) -> None:
        super().__init__("the body begins anew")
        self.input = input
        self.save = save


class GraphDrained(GraphBubbleUp):
    """The run was asked to stop after its step; `invoke(None)` goes on (R3.19)."""

    def __init__(
        self, reason: str = "shutdown", *, thread_id: str | None = None
    ) -> None:
        saved = (
            f"; the state of thread {thread_id!r} is saved, invoke(None) goes on"
            if thread_id is not None
            else ""
        )
        super().__init__(f"Graph drained: {reason}{saved}")
        self.reason = reason


class NoParentGraphError(ParentCommand, InvalidUpdateError):
    """A command addressed a parent graph that is not there; `args[0]` is the command."""

    def __init__(self, command: Any, text: str) -> None:
        Exception.__init__(self, command)
        self.text = text

    def __str__(self) -> str:
        return self.text


class NodeTimeoutError(Exception):
    """An attempt took longer than its timeout allows (R1.37). Not a `TimeoutError`.

    `kind` is "run" or "idle"; times are in seconds.
    """

    def __init__(
        self,
        node: str,
        elapsed: float,
        *,
        kind: str = "run",
        idle_timeout: float | None = None,
        run_timeout: float | None = None,
    ) -> None:
        limit = run_timeout if kind == "run" else idle_timeout
        remedy = (
            "give it more time, or a RetryPolicy"
            if kind == "run"
            else "call runtime.heartbeat() while it waits, or give it more time"
        )
        super().__init__(
            f"node {node!r} exceeded its {kind} timeout of {limit} s "
            f"(elapsed {elapsed:.3f} s); {remedy}"
        )
        self.node = node
        self.elapsed = elapsed
        self.kind = kind
        self.idle_timeout = idle_timeout
        self.run_timeout = run_timeout


class NodeCancelledError(Exception):
    """A node raised `asyncio.CancelledError` itself; the run was not cancelled."""

    def __init__(self, node: str, message: str | None = None) -> None:
        super().__init__(
            message
            or f"node {node!r} raised CancelledError by itself; "
            "the run was not cancelled, so the node counts as failed; invoke(None) runs "
            "it again"
        )
        self.node = node


@dataclass(frozen=True)
class NodeError:
    """What an error handler is told: which node failed, and with what. No exception."""

    node: str
    error: BaseException


class UnknownInterruptError(RuntimeError):
    """An answer has no question. `reason`: not_pending, empty_map, ambiguous, nothing_pending."""

    def __init__(
        self,
        reason: str,
        interrupt_ids: Sequence[str] = (),
        pending_ids: Sequence[str] = (),
        *,
        thread_id: str | None = None,
        hint: str = "",
    ) -> None:
        texts = {
            "not_pending": "no such question is open",
            "empty_map": "the resume map is empty",
            "ambiguous": (
                "several questions are open, so a plain answer has no addressee; "
                "answer by id: Command(resume={interrupt_id: answer})"
            ),
            "nothing_pending": "no question is open",
        }
        where = f" on thread {thread_id!r}" if thread_id is not None else ""
        given = f"; given: {', '.join(interrupt_ids)}" if interrupt_ids else ""
        open_ids = ", ".join(pending_ids) or "none"
        super().__init__(
            f"cannot resume{where}: {texts.get(reason, reason)}{given}; "
            f"open questions: {open_ids}. Nothing was written." + hint
        )
        self.reason = reason
        self.interrupt_ids = tuple(interrupt_ids)
        self.pending_ids = tuple(pending_ids)


class StaleResumeError(ConcurrencyError):
    """The thread has moved on since it was read; `winner_checkpoint_id` is its new head."""

    def __init__(
        self, winner_checkpoint_id: str, *, thread_id: str | None = None
    ) -> None:
        super().__init__(
            f"thread {thread_id!r} was moved on by another run to checkpoint "
            f"{winner_checkpoint_id}; read it again before you answer"
        )
        self.winner_checkpoint_id = winner_checkpoint_id


class StaleAnswerError(StaleResumeError, UnknownInterruptError):
    """The questions that were answered are not open any more: somebody was faster (R5.24).

    As StaleResumeError it names the thread's new head, as UnknownInterruptError the questions.
    """

    def __init__(
        self,
        winner_checkpoint_id: str,
        interrupt_ids: Sequence[str],
        pending_ids: Sequence[str] = (),
        *,
        thread_id: str | None = None,
        hint: str = "",
    ) -> None:
        so = (
            f"was answered at checkpoint {winner_checkpoint_id}"
            if hint
            else "was asked there and is not open any more; another run moved the thread on "
            f"to checkpoint {winner_checkpoint_id}"
        )
        Exception.__init__(
            self,
            f"cannot resume thread {thread_id!r}: {', '.join(interrupt_ids)} {so}; open questions: "
            f"{', '.join(pending_ids) or 'none'}. Nothing was written"
            + (f".{hint}" if hint else "; read the thread again before you answer"),
        )
        self.winner_checkpoint_id = winner_checkpoint_id
        self.reason = "not_pending"
        self.interrupt_ids = tuple(interrupt_ids)
        self.pending_ids = tuple(pending_ids)


class ThreadBusyError(ConcurrencyError):
    """Another run holds the thread; `run_id` and `since` tell which and how long."""

    def __init__(
        self, run_id: str, since: Any = None, *, thread_id: str | None = None
    ) -> None:
        super().__init__(
            f"thread {thread_id!r} is busy with run {run_id}"
            f"{f' since {since}' if since else ''}; wait for it to end or cancel it"
        )
        self.run_id = run_id
        self.since = since


class LeaseLostError(ConcurrencyError):
    """This run's fencing number is old: another worker owns the run. Nothing was written."""

    def __init__(self, run_id: str, fence: int) -> None:
        super().__init__(
            f"run {run_id} is no longer ours (fencing number {fence} is old); "
            "another worker has taken it over, so this write was refused"
        )
        self.run_id = run_id
        self.fence = fence


class RunCancelled(BaseException):
    """The run was asked to end; let it pass, as one lets KeyboardInterrupt pass.

    `cause` is "cancelled", "undone" (it was cancelled, and what it had done is undone), "timeout" (the run's time is
    over) or "lost" (another worker has the run); `reason` is what whoever asked has said.
    """

    def __init__(self, reason: str = "", *, cause: str = "cancelled") -> None:
        texts = {
            "cancelled": "the run was cancelled",
            "undone": "the run was cancelled, and what it had done is undone",
            "timeout": "the run took longer than its run_timeout",
            "lost": "the run is no longer ours",
        }
        text = texts.get(cause, cause)
        super().__init__(f"{text}: {reason}" if reason else text)
        self.reason = reason
        self.cause = cause


class NonDeterminismError(WorkflowError):
    """The code does not repeat what its record says (R4.14)."""


class InterruptSwallowedError(WorkflowError):
    """A task caught its own question; let `GraphBubbleUp` pass (R5.10)."""


class TooManyRecordsError(WorkflowError):
    """A body has asked for more calls, waits and questions than it may have on record (RB.15)."""


class StateMutationError(WorkflowError):
    """A node changed the state it was given instead of returning an update."""


class GraphChangedError(WorkflowError):
    """The graph no longer fits the saved thread; `diff` lists what is missing."""

    def __init__(self, text: str, diff: Sequence[str] = ()) -> None:
        super().__init__(text)
        self.diff = tuple(diff)


class CheckpointNotFoundError(WorkflowError):
    """No checkpoint of that id on that thread."""

    def __init__(self, thread_id: str, checkpoint_id: str) -> None:
        named = f"checkpoint {checkpoint_id!r}" if checkpoint_id else "checkpoint yet"
        super().__init__(
            f"thread {thread_id!r} has no {named}; get_state_history lists those it has"
        )
        self.thread_id = thread_id
        self.checkpoint_id = checkpoint_id


class RecordedTaskError(WorkflowError):
    """A task's recorded failure, raised again on replay (R4.16).

    Stands for an exception of a type that a record cannot bring back.
    """

    def __init__(self, type_name: str, message: str, *, where: str = "") -> None:
        recorded = (
            f"{where} failed when it ran, and that is on record: " if where else ""
        )
        super().__init__(f"{recorded}{type_name}: {message}")
        self.type_name = type_name
        self.message = message


class CompensationFailed(WorkflowError):
    """Work could not be undone, and a person has said to leave the rest (RB.8).

    `undo` is the function that failed, as "module:name", and `error` what with.
    """

    def __init__(self, thread_id: str, undo: str, error: str) -> None:
        super().__init__(
            f"thread {thread_id!r}: {undo} has failed, and with it the undoing of what the thread did: {error}. What is "
            "older is not undone; continue the thread to be asked again"
        )
        self.thread_id = thread_id
        self.undo = undo
        self.error = error


class SerializationError(SerdeError, TypeError):
    """A value cannot be stored; `path` says where in the value it stands."""

    def __init__(self, path: str, text: str) -> None:
        super().__init__(f"{text} (at {path})")
        self.path = path
        self.text = text


class UnknownTypeError(SerdeError):
    """A stored value carries a type tag that nothing is registered for."""

    def __init__(self, tag: str) -> None:
        super().__init__(
            f"no type is registered for tag {tag!r}; call register_type({tag!r}, cls), "
            "or pass aliases=[...] where the class was renamed"
        )
        self.tag = tag


class DamagedValueError(SerdeError):
    """A stored value does not match its digest."""


class DecryptionError(SerdeError):
    """A stored value cannot be decrypted: wrong key, changed, or moved from its place."""


class InvalidNamespaceError(ValueError):
    """A store namespace that is empty, not a tuple of texts, or reserved."""


class FeatureNotBuiltError(NotImplementedError):
    """A part of the interface that is not built yet; said instead of ignored in silence."""
