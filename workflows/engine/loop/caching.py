"""Results kept for equal inputs: asked for before a task starts, kept when it has ended.

Whoever has a question on record is left alone: an answer was given to that one question,
so it neither gives way to a kept result nor becomes one (R1.38).
"""

from __future__ import annotations

import copy
from functools import partial
from typing import Any

from workflows.engine import ids
from workflows.engine.cache.base import FullKey, Namespace
from workflows.engine.constants import CALL
from workflows.engine.errors import SerializationError
from workflows.engine.loop import chunks, effects
from workflows.engine.loop.effects import Steps
from workflows.engine.loop.endings import settle
from workflows.engine.loop.inputs import argument_of, take_input
from workflows.engine.loop.program import Node
from workflows.engine.loop.resume import questions
from workflows.engine.loop.step import Step
from workflows.engine.loop.tasks import Task
from workflows.engine.loop.view import View
from workflows.engine.serde import canonical

_FORMAT = 2  # of keys and values; a change of either makes old entries unknown


def node_namespace(graph: str, node: str) -> Namespace:
    """Where the results of a node are kept."""
    return "durableweb", "node", graph, node


def task_namespace(node: Node) -> Namespace:
    """Where the results of a `@task` are kept, whoever calls it."""
    return "durableweb", "task", _identity(node)


def recall(view: View, step: Step) -> Steps[None]:
    """Take out of the queue what kept results answer; those tasks count as finished."""
    wanted = [
        task
        for task in step.queue
        if task.node.cache is not None and not questions(view, task)
    ]
    if not wanted:
        return
    for task in wanted:
        take_input(view, task)
        if not _is_refused(task):
            task.kept_as = yield from _key(view, task)
    keys = tuple(dict.fromkeys(task.kept_as for task in wanted if task.kept_as))
    found = yield from effects.lookup(keys)
    for task in wanted:
        if task.kept_as not in found:
            continue
        # Equal tasks of one step must not share a value that a reducer may change.
        pairs = copy.deepcopy(found[task.kept_as])
        task.kept_as = None
        step.queue.remove(task)
        yield from chunks.started(view, task)
        settle(view, step, task, [(channel, value) for channel, value in pairs])
        yield from chunks.update(view, task, cached=True)


def _is_refused(task: Task) -> bool:
    """Say whether a `key_func` has no input, as the schema refuses it: the node fails of it (R2.10)."""
    if task.node.cache is None or task.node.cache.key_func is None:
        return False
    try:
        argument_of(task)
    except Exception:  # noqa: BLE001 - what a model's own checks raise
        return True
    return False


def recall_call(view: View, step: Step, child: Task) -> Steps[bool]:
    """Answer the call of a `@task` with a kept result; False where there is none."""
    if questions(view, child):
        return False
    key = yield from _key(view, child)
    found = yield from effects.lookup((key,))
    if key not in found:
        child.kept_as = key
        return False
    yield from chunks.started(view, child)
    settle(view, step, child, [(channel, value) for channel, value in found[key]])
    yield from chunks.update(view, child, cached=True)
    return True


def keep(step: Step) -> Steps[None]:
    """Give what has ended to the cache, before it is saved: what is saved is not done again.

    Raises SerializationError for a result that cannot be kept.
    """
    tasks, step.to_keep = step.to_keep, []
    pairs: dict[FullKey, tuple[Any, float | None]] = {}
    for task in tasks:
        policy = task.node.cache
        if policy is not None and task.kept_as is not None:
            pairs[task.kept_as] = _kept(task), policy.ttl
    try:
        yield from effects.keep(pairs)
    except SerializationError as error:
        names = ", ".join(sorted({repr(task.name) for task in tasks}))
        raise SerializationError(
            error.path, f"the cache cannot keep what {names} returned: {error.text}"
        ) from error


def _kept(task: Task) -> Any:
    """All writes: what a call returned, the route of a node, attributes that were set."""
    return [[channel, value] for channel, value in task.writes or () if channel != CALL]


def _key(view: View, task: Task) -> Steps[FullKey]:
    """The place of a task's result: who it is, and a digest of function and input."""
    if task.call is None:
        namespace = node_namespace(view.run.program.name, task.node.name)
    else:
        namespace = task_namespace(task.node)
    try:
        text = yield from _input_key(task)
    except Exception as error:
        error.add_note(f"While the cache key of {task.name!r} was made")
        raise
    return namespace, ids.digest(f"{_FORMAT}\0{_identity(task.node)}\0{text}")


def _input_key(task: Task) -> Steps[str]:
    policy = task.node.cache
    assert policy is not None  # noqa: S101
    if policy.key_func is None:
        return _default_key(task)
    kwargs: dict[str, Any] = {}
    if task.call is not None:
        args, kwargs = tuple(task.call.args), task.call.kwargs
    else:
        args = (argument_of(task),)
    key = yield from effects.compute(policy.key_func, args, kwargs, False)
    if isinstance(key, bytes):
        return f"bytes\0{key.hex()}"
    if isinstance(key, str):
        return f"text\0{key}"
    raise TypeError(
        f"the key_func of {task.name!r} returned {key!r}; a cache key is a text or bytes"
    )


def _default_key(task: Task) -> str:
    """All that the function is called with, and what a `partial` has bound before."""
    given = task.input
    if task.call is not None:
        given = [list(task.call.args), task.call.kwargs]
    try:
        texts = [canonical(given)]
        fn = task.node.fn
        while isinstance(fn, partial):
            texts.append(canonical([list(fn.args), fn.keywords]))
            fn = fn.func
    except SerializationError as error:
        raise SerializationError(
            error.path,
            f"what {task.name!r} is given makes no cache key: {error.text}. Give "
            "CachePolicy(key_func=...) a function that names what matters of it",
        ) from error
    return "\0".join(["input", *texts])


def _identity(node: Node) -> str:
    """The name of the function behind a node, so that another in its place has other keys."""
    if node.subgraph is not None:
        return f"graph {node.subgraph.name}"
    fn = node.fn
    while isinstance(fn, partial):
        fn = fn.func
    if not hasattr(fn, "__qualname__"):
        fn = type(fn)
    return f"{node.name} {fn.__module__}.{fn.__qualname__}"
