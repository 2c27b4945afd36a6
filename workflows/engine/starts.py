"""A call that is to begin work once: from its key to its thread and to what the loop is given (RB.6)."""

from __future__ import annotations

from typing import Any

from workflows.engine import ids
from workflows.engine.checkpoint.base import BaseCheckpointSaver
from workflows.engine.config import configurable, merge_configs
from workflows.engine.errors import SerializationError
from workflows.engine.kinds import check_line
from workflows.engine.loop.begun import Keyed
from workflows.engine.serde import canonical
from workflows.engine.types import Command

LONGEST_KEY = 200


def check_key(graph: Any, key: Any) -> None:
    """Refuse what is no key: TypeError, or ValueError for an empty one, a long one, one that cannot be printed."""
    where = f"graph {graph.name!r}"
    wanted = (
        f"a text of 1 to {LONGEST_KEY} characters that names what is to be done once"
    )
    check_line(key, where, "idempotency_key", wanted, LONGEST_KEY)
    if not key:
        raise ValueError(f"{where}: idempotency_key is ''; give {wanted}, or None")


def keyed(graph: Any, key: str, given: Any) -> Keyed:
    """`given` as what the loop is to begin with once.

    Raises ValueError for what begins nothing, SerializationError for an input that cannot be compared.
    """
    if given is None or isinstance(given, Command):
        raise ValueError(
            f"graph {graph.name!r}: idempotency_key={key!r} is for an input, of which the first begins the work; "
            f"{'None' if given is None else 'a Command'} goes on with a thread: leave the key out, or give the input"
        )
    try:
        text = canonical(given)
    except SerializationError as error:
        raise SerializationError(
            error.path,
            f"graph {graph.name!r} was called with idempotency_key={key!r} and an input that cannot be stored, so "
            f"that no later call could be compared with it: {error.text}",
        ) from error
    return Keyed(given, key, graph.name, _id_of(graph, key), ids.digest(text))


def with_thread(
    graph: Any, key: str, config: dict[str, Any], context: Any
) -> dict[str, Any]:
    """The config of a call with a key: without a thread it has the one of this graph and key, in any process.

    Raises RuntimeError where nothing would know the key again, ValueError for a call that names a checkpoint.
    """
    check_key(graph, key)
    where = f"graph {graph.name!r} was called with idempotency_key={key!r}"
    if not isinstance(graph.checkpointer, BaseCheckpointSaver):
        raise RuntimeError(
            f"{where} and has no checkpointer of its own to know that by: compile it with checkpointer=..."
        )
    asked = configurable(config)
    thread_id = asked.get("thread_id")
    if thread_id is None:
        thread_id = _id_of(graph, key)
    if context is not None and str(thread_id) == context.run.thread_id:
        raise RuntimeError(
            f"{where} inside a task of its own thread, of which it is a part that is begun once as it is: leave the "
            "key out, or give it a thread of its own"
        )
    if asked.get("checkpoint_id"):
        raise ValueError(
            f"{where} and checkpoint {asked['checkpoint_id']!r}: who names a checkpoint has its work done anew. Leave "
            "one of them out"
        )
    return merge_configs(config, {"configurable": {"thread_id": thread_id}})


def _id_of(graph: Any, key: str) -> str:
    return ids.task_id("start", graph.name, key)
