"""From the arguments of a call to the record of its run: alone, or within another graph."""

from __future__ import annotations

import dataclasses
import logging
import uuid
from dataclasses import dataclass, field
from typing import Any

from workflows.engine import ids
from workflows.engine.checkpoint.base import BaseCheckpointSaver
from workflows.engine.config import (
    caller_metadata,
    configurable,
    merge_configs,
    recursion_limit_of,
    thread_id_of,
)
from workflows.engine.constants import NS_SEP
from workflows.engine.errors import FeatureNotBuiltError, SerdeError
from workflows.engine.loop.records import Run
from workflows.engine.serde import encode
from workflows.engine.types import Durability

log = logging.getLogger("durableweb.engine")

_SETTINGS = (
    "strict_resume",
    "determinism",
    "question_changed",
    "strict_updates",
    "strict_state",
)
_DURABILITIES = ("sync", "async", "exit")


@dataclass(slots=True)
class Arguments:
    """What a public method was given."""

    config: dict[str, Any]
    context: Any = None
    modes: frozenset[str] = frozenset()
    output_keys: Any = None
    before: Any = ()
    after: Any = ()
    durability: Any = None
    control: Any = None
    subgraphs: bool = False
    looking: bool = False
    extra: dict[str, Any] = field(default_factory=dict)


_NOT_BUILT = {
    "print_mode": "printing chunks is not built yet; read them from stream()",
    "idempotency_key": (
        "idempotency keys of a call are not built yet; the dashboard's start has them"
    ),
}


def refuse_unbuilt(more: dict[str, Any], config: dict[str, Any] | None) -> None:
    """Say no to what would otherwise be ignored without a word.

    Raises FeatureNotBuiltError for a part of the interface that is not there yet, TypeError for an
    unknown argument.
    """
    for name in more:
        if name in _NOT_BUILT:
            raise FeatureNotBuiltError(_NOT_BUILT[name])
    if more:
        raise TypeError(f"unknown argument: {', '.join(sorted(more))}")
    callbacks = (config or {}).get("callbacks")
    for handler in callbacks if isinstance(callbacks, list | tuple) else ():
        if hasattr(handler, "on_interrupt") or hasattr(handler, "on_resume"):
            raise FeatureNotBuiltError(
                "callbacks on interrupt and resume are not built yet; read the "
                "`updates` stream, where a pause ends with `__interrupt__`"
            )


def run_of(graph: Any, given: Arguments, context: Any) -> Run:
    """The record of one run of `graph`; `context` is the task it is called in, or None.

    Raises ValueError for a missing thread id, an unknown durability or breakpoint.
    """
    program = graph.program
    saver = graph.checkpointer
    if context is not None and not _stands_alone(saver, given.config, context):
        run = _nested(graph, given, context)
    else:
        if saver is True:
            raise RuntimeError(
                f"graph {graph.name!r} was compiled with checkpointer=True, which takes "
                "the parent's saver; run alone it needs one of its own"
            )
        run = _root(graph, given, saver if saver is not False else None)
    keys = given.output_keys
    if keys is not None:
        _check_output_keys(program, keys)
        run.program = dataclasses.replace(
            program, output_keys=keys if isinstance(keys, str) else tuple(keys)
        )
    run.stream_keys = keys if keys is not None else program.stream_keys
    if isinstance(run.stream_keys, list):
        run.stream_keys = tuple(run.stream_keys)
    run.modes = given.modes
    run.subgraphs = given.subgraphs
    run.before = _breakpoints(program, given.before, "interrupt_before")
    run.after = _breakpoints(program, given.after, "interrupt_after")
    if context is not None and run.outer is not None and run.outer.subgraphs:
        run.modes = run.modes or run.outer.modes
        if not given.modes:
            driver = context.driver
            run.sink = driver.emit
            run.subgraphs = True
    return run


def _stands_alone(saver: Any, config: dict[str, Any], context: Any) -> bool:
    if not isinstance(saver, BaseCheckpointSaver):
        return False
    own = configurable(config).get("thread_id")
    return own is not None and str(own) != context.run.thread_id


def _root(graph: Any, given: Arguments, saver: Any) -> Run:
    program = graph.program
    config = given.config
    asked = configurable(config)
    thread_id = thread_id_of(config) if saver is not None else None
    checkpoint_id = asked.get("checkpoint_id") if saver is not None else None
    metadata = _storable(caller_metadata(config)) if saver is not None else {}
    return Run(
        program=program,
        thread_id=thread_id,
        namespace=str(asked.get("checkpoint_ns") or "") if given.looking else "",
        saver=saver,
        config=config,
        metadata=metadata,
        limit=recursion_limit_of(config),
        durability=_durability(given.durability),
        context=_context_of(graph, given.context),
        store=graph.store,
        cache=graph.cache,
        control=given.control,
        max_concurrency=config.get("max_concurrency"),
        checkpoint_id=checkpoint_id,
        settings={key: asked[key] for key in _SETTINGS if key in asked},
        warn=log.warning,
        seed="" if saver is not None else uuid.uuid4().hex,
    )


def _storable(metadata: dict[str, Any]) -> dict[str, Any]:
    """What of the caller's metadata a checkpoint can keep (R3.4)."""
    kept = {}
    for key, value in metadata.items():
        try:
            encode(value)
        except SerdeError:
            log.debug("metadata %r cannot be stored and is left out", key)
            continue
        kept[key] = value
    return kept


def _nested(graph: Any, given: Arguments, context: Any) -> Run:
    outer: Run = context.run
    saver = outer.saver if graph.checkpointer is not False else None
    number = context.subgraphs
    context.subgraphs += 1
    if graph.checkpointer is True:
        namespace = (
            f"{outer.namespace}{NS_SEP}{context.task.name}"
            if outer.namespace
            else context.task.name
        )
    else:
        namespace = context.namespace
    if number:
        namespace = f"{namespace}{NS_SEP}{number}"
    config = merge_configs(outer.config, given.config)
    return Run(
        program=graph.program,
        thread_id=outer.thread_id,
        namespace=namespace,
        saver=saver,
        config=config,
        metadata=merge_configs(
            {"metadata": outer.metadata},
            {"metadata": _storable(caller_metadata(given.config))},
        )["metadata"],
        limit=recursion_limit_of(config),
        durability=(
            _durability(given.durability) if given.durability else outer.durability
        ),
        context=(
            outer.context
            if given.context is None
            else _context_of(graph, given.context)
        ),
        store=outer.store if graph.store is None else graph.store,
        cache=graph.cache,
        control=given.control or outer.control,
        max_concurrency=config.get("max_concurrency"),
        answers=outer.answers,
        resuming=outer.resuming,
        parent=context.task,
        outer=outer,
        parents={**outer.parents, outer.namespace: outer.live_checkpoint or ""},
        parent_task=context.task.id,
        origin=ids.task_id(context.task.origin, number),
        run_id=outer.run_id,
        settings=outer.settings,
        warn=outer.warn,
        seed=namespace,
    )


def _durability(word: Any) -> Durability:
    if word is None:
        return "async"
    if word not in _DURABILITIES:
        raise ValueError(
            f"durability must be one of {', '.join(_DURABILITIES)}, not {word!r}"
        )
    found: Durability = word
    return found


def _breakpoints(program: Any, names: Any, what: str) -> frozenset[str]:
    if not names:
        return frozenset()
    if names == "*":
        return frozenset("*")
    if isinstance(names, str):
        names = [names]
    unknown = [n for n in names if n != "*" and n not in program.nodes]
    if unknown:
        raise ValueError(
            f"{what} names {', '.join(map(repr, unknown))}, which graph "
            f"{program.name!r} does not have"
        )
    return frozenset(names)


def _check_output_keys(program: Any, keys: Any) -> None:
    for key in [keys] if isinstance(keys, str) else keys:
        if key not in program.channels:
            raise ValueError(f"output_keys names {key!r}, which is no key of the state")


def _context_of(graph: Any, value: Any) -> Any:
    schema = graph.context_schema
    if schema is None or not isinstance(value, dict):
        return value
    if dataclasses.is_dataclass(schema) or hasattr(schema, "model_validate"):
        return schema(**value)
    return value
