"""`@entrypoint`: a function as a graph of one node (R8.1 to R8.8)."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, Unpack, get_args, get_origin

from workflows.engine.bound import Bound, check_cache, check_saver, check_store
from workflows.engine.channels import LastValue
from workflows.engine.constants import END, GOTO, PREVIOUS, START
from workflows.engine.draw import DrawnGraph
from workflows.engine.drivers.future import TaskFuture
from workflows.engine.drivers.timeouts import checked_policy
from workflows.engine.errors import BeginsAnew
from workflows.engine.inject import (
    first_annotation,
    hints_of,
    injections,
    is_coroutine_function,
    is_generator_function,
    name_of,
    parameters_of,
)
from workflows.engine.jsonschema import json_schema
from workflows.engine.kinds import IN_BRACKETS, check_callable, check_schema
from workflows.engine.loop.identity import OnChange, checked_identity
from workflows.engine.loop.program import Node, Program, Writes
from workflows.engine.policies import checked_cache, checked_retry
from workflows.engine.pregel import Pregel
from workflows.engine.serde import register_reachable
from workflows.engine.spellings import OfEntrypoints, taken
from workflows.engine.types import CachePolicy, RetryPolicy

R = TypeVar("R")
S = TypeVar("S")


@dataclass(frozen=True)
class Final(Generic[R, S]):
    """Return `value` and save `save` for the next run's `previous` (R8.5)."""

    value: R
    save: S


class Entrypoint(Pregel):
    """What `@entrypoint` makes of a function: a graph with all its methods."""

    def __init__(self, program: Program, **options: Any) -> None:
        Bound.__init__(self, program, **options)

    def get_graph(
        self, config: dict[str, Any] | None = None, *, xray: int | bool = False
    ) -> DrawnGraph:
        """The function as the one node between start and end (R1.45)."""
        name = self.program.first
        edges = [(START, name, None, False), (name, END, None, False)]
        return DrawnGraph([START, name, END], edges)

    def get_input_jsonschema(self, config: Any = None) -> dict[str, Any]:
        """The JSON Schema of the first parameter."""
        schema = self.input_schema
        return {} if schema is None else json_schema(schema)

    def get_output_jsonschema(self, config: Any = None) -> dict[str, Any]:
        """The JSON Schema of what the function returns."""
        schema = self.output_schema
        return {} if schema is None else json_schema(schema)


class entrypoint:
    """Decorator: makes a compiled graph of a function of one input (R8.1).

    The function's `@task` calls are recorded; after a stop it runs again from its first
    line, and recorded calls answer without running. What it returns is the result, and the
    next run's `previous`; `entrypoint.final(value=, save=)` keeps these apart (R8.5).
    Raises ValueError for a function without a parameter, NotImplementedError for a
    generator, TypeError for a parameter that nothing fills.

    `version`, `on_change` and `aliases` say what happens to threads that other code has
    begun, as in `StateGraph.compile`; in mid-body the default is to warn (RB.12).
    """

    final = Final

    __class_getitem__ = IN_BRACKETS

    def __init__(
        self,
        checkpointer: Any = None,
        store: Any = None,
        cache: Any = None,
        context_schema: Any = None,
        cache_policy: CachePolicy | None = None,
        retry_policy: RetryPolicy | Sequence[RetryPolicy] | None = None,
        timeout: Any = None,
        *,
        version: str | None = None,
        on_change: OnChange = None,
        aliases: Mapping[str, str] | None = None,
        **more: Unpack[OfEntrypoints],
    ) -> None:
        if more:
            named = {"context_schema": context_schema, "retry_policy": retry_policy}
            context_schema, retry_policy = taken("entrypoint()", more, named).values()
        if inspect.isroutine(checkpointer):
            raise TypeError(
                f"entrypoint was given {checkpointer!r} as its checkpointer; write "
                "@entrypoint() with brackets above the function"
            )
        check_saver(checkpointer)
        check_store(store, "entrypoint")
        check_cache(cache, "entrypoint")
        if context_schema is not None:
            check_schema(context_schema, "entrypoint", "context_schema")
        self.checkpointer = checkpointer
        self.store = store
        self.cache = cache
        self.cache_policy = checked_cache(cache_policy, "entrypoint")
        self.context_schema = context_schema
        self.timeout = checked_policy(timeout, "entrypoint: timeout")
        self.code = {"version": version, "on_change": on_change, "aliases": aliases}
        self.retry = checked_retry(retry_policy, "entrypoint") or ()

    def __call__(self, fn: Callable[..., Any]) -> Entrypoint:
        """The graph. Raises ValueError for a function without an input parameter."""
        check_callable(fn, "entrypoint", "what it decorates", "a function")
        name = name_of(fn)
        if is_generator_function(fn):
            raise NotImplementedError(
                f"entrypoint {name!r} is a generator function; return a value, and "
                "stream with get_stream_writer()"
            )
        if not parameters_of(fn):
            raise ValueError(f"entrypoint {name!r} needs a parameter for its input")
        if self.timeout is not None and not is_coroutine_function(fn):
            raise ValueError(
                f"entrypoint {name!r} has a timeout but is a plain function, which cannot "
                "be stopped; make it a coroutine function"
            )
        inject, _ = injections(fn, f"entrypoint {name!r}")
        register_reachable(fn)
        node = Node(
            name=name,
            fn=fn,
            is_async=is_coroutine_function(fn),
            write=_writer(name),
            read=lambda channels, remaining: None,
            inject=inject,
            retry=self.retry,
            cache=self.cache_policy,
            timeout=self.timeout,
        )
        channels = {END: LastValue(Any, END), PREVIOUS: LastValue(Any, PREVIOUS)}
        program = Program(
            name=name,
            nodes={name: node},
            channels=dict(channels),
            joins={},
            accept=lambda value, what="": value,
            first=name,
            state_keys=(END,),
            output_keys=END,
            stream_keys=END,
            managed={},
            volatile=(),
            functional=True,
            plain=not node.is_async,
            identity=checked_identity(
                f"entrypoint {name!r}", {name: node}, name="", **self.code
            ),
        )
        return Entrypoint(
            program,
            checkpointer=self.checkpointer,
            store=self.store,
            cache=self.cache,
            name=name,
            schemas={
                "state": None,
                "input": first_annotation(fn),
                "output": _returned(hints_of(fn).get("return")),
                "context": self.context_schema,
            },
        )


def _returned(annotation: Any) -> Any:
    """What the caller is given: of a `final` its value."""
    if (get_origin(annotation) or annotation) is not Final:
        return annotation
    return next(iter(get_args(annotation)), None)


def _writer(name: str) -> Callable[[Any], Writes]:
    def write(result: Any) -> Writes:
        if isinstance(result, BeginsAnew):
            again: Writes = [(GOTO, {"node": name, "by": [name], "send": result.input})]
            return again + [(PREVIOUS, saved) for saved in result.save]
        value, saved = result, result
        if isinstance(result, Final):
            value, saved = result.value, result.save
        if isinstance(value, TaskFuture):
            raise TypeError(
                f"entrypoint {name!r} returned the future of task {value.name!r}; return "
                "its result: .result(), or await it"
            )
        return [(END, value), (PREVIOUS, saved)]

    return write
