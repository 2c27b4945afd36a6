"""From the arguments of a call to the record of its run: alone, or within another graph."""

from __future__ import annotations

import dataclasses
import logging
import uuid
from collections.abc import Mapping
from typing import Any, Self

from msgspec import Struct, structs

from workflows.engine import ids
from workflows.engine.breakpoints import breakpoints_of
from workflows.engine.callbacks import handlers_in
from workflows.engine.checkpoint.base import BaseCheckpointSaver
from workflows.engine.config import (
    caller_metadata,
    configurable,
    max_concurrency_of,
    merge_configs,
    place_of,
    recursion_limit_of,
    run_id_of,
    thread_id_of,
)
from workflows.engine.constants import DEFAULT_RECURSION_LIMIT, NS_SEP
from workflows.engine.drivers.listeners import asked_around
from workflows.engine.drivers.timeouts import step_limit
from workflows.engine.errors import SerdeError
from workflows.engine.kinds import check_amount, listed, refused
from workflows.engine.loop.forking import origin_here
from workflows.engine.loop.namespaces import without_ids
from workflows.engine.loop.notes import kept_name
from workflows.engine.loop.plan import node_metadata
from workflows.engine.loop.rehearsal import check_on_record, rehearse
from workflows.engine.loop.run import Run
from workflows.engine.runtime import RunControl
from workflows.engine.serde import encode
from workflows.engine.spellings import durability_of
from workflows.engine.starts import check_key, with_thread
from workflows.engine.types import Durability

log = logging.getLogger("durableweb.engine")

_SETTINGS: dict[str, tuple[Any, ...]] = {
    "strict_resume": (True, False),
    "determinism": ("error", "warn", "off"),
    "question_changed": ("warn", "ask", "error", "off"),
    "strict_updates": (True, False),
    "strict_state": (True, False),
}
_TO_ONE_READER = frozenset({"custom"})
"""What only the innermost reader gets, as a stream writer has one."""
_DURABILITIES = ("sync", "async", "exit")


class Arguments(Struct):
    """What a public method was given; the fields are named like its parameters.

    `is_merged`: the graph's own config is in `config` already.
    """

    config: dict[str, Any] | None = None
    context: Any = None
    stream_mode: Any = ()
    print_mode: Any = ()
    output_keys: Any = None
    interrupt_before: Any = None
    interrupt_after: Any = None
    durability: Any = None
    subgraphs: bool = False
    debug: bool | None = None
    control: Any = None
    version: str = "v1"
    idempotency_key: str | None = None
    looking: bool = False
    is_merged: bool = False

    @classmethod
    def taken(cls, given: dict[str, Any]) -> Self:
        """From the `locals()` of a public method, so that no list of its parameters is written twice.

        Raises TypeError for a keyword that nothing knows.
        """
        named = {name: value for name, value in given.items() if name in _FIELDS}
        more = dict(given["more"])
        named |= {name: more.pop(name) for name in _ALSO_OF_INVOKE & more.keys()}
        if "checkpoint_during" in more:
            during = more.pop("checkpoint_during")
            named["durability"] = durability_of(during, named["durability"])
        if more:
            raise TypeError(f"unknown argument: {', '.join(sorted(more))}")
        return cls(**named)


_FIELDS = frozenset(Arguments.__struct_fields__) - {"looking", "is_merged"}
_ALSO_OF_INVOKE = frozenset({"subgraphs", "debug"})


def run_of(
    graph: Any, given: Arguments, context: Any, modes: frozenset[str] = frozenset()
) -> Run:
    """The record of one run of `graph` that emits `modes`; `context` is the task it is called in, or None.

    Raises ValueError for a missing thread id, an unknown durability or breakpoint.
    """
    program = graph.program
    saver = graph.checkpointer
    if given.is_merged and given.config is not None:
        config = given.config
    else:
        config = merge_configs(graph.bound_config, given.config)
    if context is not None and context.in_transaction and not given.looking:
        context.check_outside(f"graph {graph.name!r} was called")
    if context is None and not given.looking:
        config = asked_around(config) or config
    if given.idempotency_key is not None:
        config = with_thread(graph, given.idempotency_key, config, context)
    if context is not None and not _stands_alone(saver, config, context):
        run = _nested(graph, given, config, context)
    else:
        check_on_record(context, f"a run of its own of graph {graph.name!r}")
        if saver is True:
            raise RuntimeError(
                f"graph {graph.name!r} was compiled with checkpointer=True, which takes "
                "the parent's saver; run or asked alone it needs one of its own"
            )
        run = _root(graph, given, config, saver if saver is not False else None)
    if program.subscribers:
        run.is_silent = True
    run.handlers = handlers_in(run.config.get("callbacks"))
    run.stream_keys = program.stream_keys
    if given.output_keys is not None:
        run.stream_keys = keys = _output_keys(program, given.output_keys)
        run.program = structs.replace(program, output_keys=keys)
    run.read = modes
    run.deep = given.subgraphs
    run.before, run.after = breakpoints_of(graph, given)
    if graph.step_timeout:
        run.step_timeout = step_limit(graph.step_timeout, graph.name)
    if run.outer is not None:
        run.passed = run.outer.below - (modes & _TO_ONE_READER)
        run.sink = context.pass_up
        if "messages" in run.passed:
            run.shown = run.outer.shown
    run.modes = run.read | run.passed
    if run.outer is not None and run.outer.rehearsal is not None:
        rehearse(run, run.outer.rehearsal)
    return run


def reading_run(graph: Any, config: dict[str, Any], namespace: str) -> Run:
    """The record of a run that only reads a thread of `graph`'s own saver, by a merged `config`.

    It starts nothing and saves nothing, so what a config says of that is not looked at. Raises ValueError for a
    missing thread id or an unknown setting, TypeError for a checkpoint id that is none.
    """
    asked = configurable(config)
    program = graph.program
    return Run(
        program=program,
        thread_id=thread_id_of(asked),
        namespace=namespace,
        saver=graph.checkpointer,
        config=config,
        metadata={},
        limit=DEFAULT_RECURSION_LIMIT,
        stream_keys=program.stream_keys,
        checkpoint_id=place_of(asked, "checkpoint_id"),
        settings=_settings(asked),
        warn=log.warning,
    )


def check_call(graph: Any, given: Arguments) -> None:
    """Refuse at once what a stream would meet only when it is read.

    What is wrong with the thread is told when the run is opened.
    """
    config = merge_configs(graph.bound_config, given.config)
    recursion_limit_of(config)
    max_concurrency_of(config)
    run_id_of(config)
    handlers_in(config.get("callbacks"))
    _settings(configurable(config))
    _durability(given.durability)
    _checked_control(graph, given.control)
    if given.idempotency_key is not None:
        check_key(graph, given.idempotency_key)
    breakpoints_of(graph, given)
    if given.output_keys is not None:
        _output_keys(graph.program, given.output_keys)


def _stands_alone(saver: Any, config: dict[str, Any], context: Any) -> bool:
    if not isinstance(saver, BaseCheckpointSaver):
        return False
    own = configurable(config).get("thread_id")
    return own is not None and str(own) != context.run.thread_id


def _root(graph: Any, given: Arguments, config: dict[str, Any], saver: Any) -> Run:
    program = graph.program
    asked = configurable(config)
    _check_if_busy(asked)
    has_saver = saver is not None
    namespace = place_of(asked, "checkpoint_ns") or ""
    checkpoint_id = place_of(asked, "checkpoint_id") if has_saver else None
    inside = {}
    if namespace and checkpoint_id and not given.looking:
        inside, checkpoint_id = {namespace: checkpoint_id}, None
    return Run(
        program=program,
        thread_id=thread_id_of(asked) if has_saver else None,
        namespace=namespace if given.looking else "",
        saver=saver,
        saver_below=saver,
        config=config,
        metadata=_storable(caller_metadata(config)) if has_saver else {},
        limit=recursion_limit_of(config),
        durability=_durability(given.durability),
        context=_context_of(graph, given.context),
        store=graph.store,
        cache=graph.cache,
        control=_checked_control(graph, given.control) or RunControl(),
        max_concurrency=max_concurrency_of(config),
        checkpoint_id=checkpoint_id,
        inside=inside,
        expected_head=place_of(asked, "expected_head") if has_saver else None,
        run_id=run_id_of(config),
        settings=_settings(asked),
        warn=log.warning,
        seed="" if has_saver else uuid.uuid4().hex,
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
        kept[kept_name(key)] = value
    return kept


def _nested(graph: Any, given: Arguments, own: dict[str, Any], context: Any) -> Run:
    context.meet_stop()
    outer: Run = context.run
    saver = outer.saver if graph.checkpointer is not False else None
    namespace = context.namespace
    if graph.checkpointer is True:  # also below one that saves nothing itself (R7.5)
        saver = outer.saver_below
        namespace = without_ids(namespace)
        call = context.task.call
        if context.task.node.hidden and call is not None and call.number:
            namespace = f"{namespace}{NS_SEP}{call.number}"
    number = context.subgraphs
    context.subgraphs += 1
    if number:
        namespace = f"{namespace}{NS_SEP}{number}"
    config, metadata = _below(graph, own, context)
    return Run(
        program=graph.program,
        thread_id=outer.thread_id,
        namespace=namespace,
        saver=saver,
        saver_below=outer.saver_below,
        config=config,
        metadata=metadata,
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
        control=_checked_control(graph, given.control) or outer.control,
        max_concurrency=max_concurrency_of(config),
        answers=outer.answers,
        waits=outer.waits,
        resuming=outer.resuming,
        is_silent=context.task.node.subgraph is graph and not graph.program.functional,
        parent=context.task,
        outer=outer,
        outermost=outer.outermost or context,
        reached=outer.reached,
        place=outer.place,
        cuts=outer.cuts,
        places=outer.places,
        parents={**outer.parents, outer.namespace: outer.live_checkpoint or ""},
        parent_task=context.task.id,
        origin=ids.task_id(origin_here(context.task), number),
        run_id=run_id_of(own) or outer.run_id,
        settings=outer.settings,
        warn=outer.warn,
        stop=outer.stop,
        seed=namespace,
    )


def _below(
    graph: Any, own: dict[str, Any], context: Any
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The config of a graph below, and what its checkpoints keep of it; `own` is its own.

    A graph that is called hears its caller before those above, one that is a node is called with
    the config of those above.
    """
    outer: Run = context.run
    above, kept = outer.config, outer.metadata
    of_node = node_metadata(context.task)
    if of_node:
        above = merge_configs(above, {"metadata": of_node})
        kept = {**kept, **_storable(dict(of_node))}
    asked = _storable(caller_metadata(own))
    tags = [*above.get("tags", ()), *own.get("tags", ())]
    is_node = context.task.node.subgraph is graph
    config = merge_configs(*((own, above) if is_node else (above, own)))
    if tags:
        config["tags"] = [*dict.fromkeys(tags)]
    return config, {**asked, **kept} if is_node else {**kept, **asked}


def _check_if_busy(asked: Mapping[str, Any]) -> None:
    """A call runs here and now: it cannot wait its turn, so it is refused (RA.2)."""
    word = asked.get("if_busy", "reject")
    if word != "reject":
        raise ValueError(
            f"if_busy={word!r} is for runs that a worker carries out "
            "(durableweb.durable.start); a call of the graph itself knows 'reject' only: "
            "it raises ThreadBusyError while another run holds the thread"
        )


def _settings(asked: Mapping[str, Any]) -> dict[str, Any]:
    """The engine's own settings in `configurable`; ValueError for an unknown word (RA.21)."""
    if len(asked) == 1 and "thread_id" in asked:  # as nearly always
        return {}
    found = {key: asked[key] for key in _SETTINGS if key in asked}
    for key, value in found.items():
        if value not in _SETTINGS[key]:
            words = ", ".join(map(repr, _SETTINGS[key]))
            raise ValueError(
                f"configurable[{key!r}] must be one of {words}, not {value!r}"
            )
    if "sleep_in_place" in asked:
        seconds = asked["sleep_in_place"]
        wanted = "seconds, as a number"
        check_amount(seconds, "configurable", "sleep_in_place", wanted)
        found["sleep_in_place"] = seconds
    return found


def _durability(word: Any) -> Durability:
    if word is None:
        return "async"
    if word not in _DURABILITIES:
        raise ValueError(
            f"durability must be one of {', '.join(_DURABILITIES)}, not {word!r}"
        )
    found: Durability = word
    return found


def _checked_control(graph: Any, control: Any) -> RunControl | None:
    if control is None or isinstance(control, RunControl):
        return control
    raise refused(f"graph {graph.name!r}", "control", control, "a RunControl, or None")


def _output_keys(program: Any, given: Any) -> str | tuple[str, ...]:
    where = f"graph {program.name!r}"
    keys = listed(given, where, "output_keys", "a key of the state, or a list of keys")
    for key in keys:
        if not isinstance(key, str) or key not in program.channels:
            raise ValueError(f"output_keys names {key!r}, which is no key of the state")
    return given if isinstance(given, str) else tuple(keys)


def _context_of(graph: Any, value: Any) -> Any:
    schema = graph.context_schema
    if schema is None or not isinstance(value, dict):
        return value
    if dataclasses.is_dataclass(schema) or hasattr(schema, "model_validate"):
        return schema(**value)
    return value
