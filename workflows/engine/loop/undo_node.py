"""The node that undoes what a thread has done: a body that calls each undo, newest first, as a task (RB.8)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal, NamedTuple, NoReturn, TypedDict

from msgspec.structs import replace

from workflows.engine.constants import UNDO
from workflows.engine.errors import (
    CompensationFailed,
    GraphBubbleUp,
    RecordedTaskError,
)
from workflows.engine.inject import injections, is_coroutine_function
from workflows.engine.loop.handling import revived
from workflows.engine.loop.program import Node
from workflows.engine.runtime import interrupt, task_context
from workflows.engine.types import RetryPolicy
from workflows.engine.undo_calls import UndoCall, find

RETRY = RetryPolicy(max_attempts=3, retry_on=Exception)
"""Of an undo that has no policy of its own."""
SKIP, STOP = "skip", "stop"
_SHOWN = 300
"""Characters of what an undo was given."""


class UndoDecision(TypedDict):
    """What becomes of an undo that has failed: "retry" it, "skip" it (it is done by hand), or "stop"."""

    action: Literal["retry", "skip", "stop"]


def is_stop(answer: Any) -> bool:
    """Say whether an answer says to stop."""
    return isinstance(answer, Mapping) and answer.get("action") == STOP


def question_key(call: UndoCall, failures: int) -> str:
    """The key of the question that is asked when a call has failed once more after so many questions."""
    return f"{call['id']}:{failures}"


class _Called(NamedTuple):
    """What `TaskContext.call` is given."""

    name: str
    node: Node


def _undo_all(given: Mapping[str, Any]) -> None:
    thread_id = task_context("an undo").config()["configurable"]["thread_id"]
    for call in given["undo"]:
        if call["thread"] == str(thread_id):  # else this thread is a copy
            _undo(call)


def _undo(call: UndoCall) -> None:
    """Call it until it works, or a person says that it need not."""
    context: Any = task_context("an undo")
    failures = 0
    while True:
        called = _Called(call["name"], _node_of(call))
        try:
            context.call(called, tuple(call["args"]), dict(call["kwargs"])).result()
        except GraphBubbleUp:
            raise
        except Exception as error:  # noqa: BLE001 - a person is told
            told = _told(error)
        else:
            return
        if _decided(call, told, failures) == SKIP:
            return
        failures += 1


def _decided(call: UndoCall, told: str, failures: int) -> str:
    """What a person says to it; CompensationFailed where that is to stop."""
    answer = interrupt(
        {
            "question": f"{call['name']} failed to undo what was done: try again, skip it (done by hand), "
            "or stop and leave the rest?",
            "undo": call["call"],
            "arguments": _shown(call),
            "error": told,
        },
        response_schema=UndoDecision,
        key=question_key(call, failures),
    )
    if is_stop(answer):
        thread_id = task_context("an undo").config()["configurable"]["thread_id"]
        raise CompensationFailed(str(thread_id), call["call"], told)
    decision: str = answer["action"]
    return decision


def _shown(call: UndoCall) -> str:
    parts = [repr(each) for each in call["args"]]
    parts += [f"{name}={value!r}" for name, value in call["kwargs"].items()]
    text = ", ".join(parts)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


def _told(error: Exception) -> str:
    """The error as text, the same whether it has just come or is on record."""
    if not isinstance(error, RecordedTaskError):
        error = revived(repr(error), "")  # type: ignore[assignment]
    if isinstance(error, RecordedTaskError):
        return f"{error.type_name}: {error.message}"
    return f"{type(error).__name__}: {error}"


def _node_of(call: UndoCall) -> Node:
    """The call's function as a task; where it is not found any more, one that fails with that."""
    try:
        fn: Any = find(call["call"])
    except (ImportError, AttributeError) as error:
        return _made_node(call["name"], _failing(call["call"], error))
    node = getattr(fn, "node", None)
    if isinstance(node, Node):
        retry = node.retry or (RETRY,)
        return replace(node, name=call["name"], retry=retry, cache=None, undo=None)
    return _made_node(call["name"], fn)


def _made_node(name: str, fn: Callable[..., Any]) -> Node:
    inject, _ = injections(fn, f"undo {name!r}", skip=0, strict=False)
    return Node(
        name=name,
        fn=fn,
        is_async=is_coroutine_function(fn),
        write=lambda value: [],
        read=lambda channels, remaining: None,
        inject=inject,
        retry=(RETRY,),
    )


def _failing(address: str, error: Exception) -> Callable[..., NoReturn]:
    def gone(*args: Any, **kwargs: Any) -> NoReturn:
        raise LookupError(
            f"{address} is not there any more ({error}); bring it back under its name and try again"
        )

    return gone


NODE = Node(
    name=UNDO,
    fn=_undo_all,
    is_async=False,
    write=lambda result: [],
    read=lambda channels, remaining: None,
    hidden=True,
)

RECORD = replace(NODE)
"""Of the calls by which bodies say what undoes what they have done; the loop itself carries them out (`undos.py`)."""
