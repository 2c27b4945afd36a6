"""`StateGraph`: collects nodes and edges by name, and compiles them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self, Unpack

from msgspec import Struct, field

from workflows.engine.bound import check_cache, check_saver, check_store
from workflows.engine.breakpoints import stops_of
from workflows.engine.constants import END, START
from workflows.engine.drivers.timeouts import checked_policy
from workflows.engine.foreign import side_by_side
from workflows.engine.graph.branch import BranchSpec, path_map_of
from workflows.engine.graph.compiled import CompiledStateGraph
from workflows.engine.graph.compiler import build
from workflows.engine.graph.schema import channels_of, has_keys, merge_channel
from workflows.engine.graph.updates import TakesUpdates, UpdateSpec
from workflows.engine.graph.validate import check_name, validate
from workflows.engine.inject import (
    first_annotation,
    injections,
    is_coroutine_function,
    is_generator_function,
    is_runnable,
    name_of,
)
from workflows.engine.kinds import (
    IN_BRACKETS,
    check_callable,
    check_schema,
    check_text,
    plain_name,
    refused,
    several,
)
from workflows.engine.loop.identity import OnChange, checked_identity
from workflows.engine.policies import checked_cache, checked_handler, checked_retry
from workflows.engine.pregel import Pregel
from workflows.engine.spellings import OfGraphs, OfNodes, taken
from workflows.engine.types import CachePolicy, RetryPolicy, TracePolicy

log = logging.getLogger("durableweb.engine")


class NodeSpec(Struct, eq=False):
    """A node as it was added."""

    name: str
    fn: Any
    schema: Any
    inject: tuple[str, ...] = ()
    inject_error: str | None = None
    defer: bool = False
    metadata: Mapping[str, Any] = field(default_factory=dict)
    retry: tuple[RetryPolicy, ...] | None = None
    cache: CachePolicy | None = None
    timeout: Any = None
    handler: Any = None
    destinations: Mapping[str, str] | None = None
    trace: TracePolicy | None = None
    subgraph: Pregel | None = None


class StateGraph(TakesUpdates):
    """A graph over a shared state; every method returns the builder (R1.1)."""

    __class_getitem__ = IN_BRACKETS

    def __init__(
        self,
        state_schema: Any,
        context_schema: Any = None,
        *,
        input_schema: Any = None,
        output_schema: Any = None,
        **more: Unpack[OfGraphs],
    ) -> None:
        schemas = {
            "context_schema": context_schema,
            "input_schema": input_schema,
            "output_schema": output_schema,
        }
        if more:
            schemas = taken("StateGraph()", more, schemas)
        check_schema(state_schema, "StateGraph", "state_schema")
        for key, given in schemas.items():
            if given is not None:
                check_schema(given, "StateGraph", key)
        self.state_schema = state_schema
        self.context_schema = schemas["context_schema"]
        self.input_schema = schemas["input_schema"] or state_schema
        self.output_schema = schemas["output_schema"] or state_schema
        self.nodes: dict[str, NodeSpec] = {}
        self.edges: set[tuple[str, str]] = set()
        self.waiting_edges: list[tuple[tuple[str, ...], str]] = []
        self.branches: dict[str, dict[str, BranchSpec]] = {}
        self.channels: dict[str, Any] = {}
        self.managed: dict[str, Any] = {}
        self.defaults: dict[str, Any] = {}
        self.updates: dict[str, UpdateSpec] = {}
        self.compiled = False
        self._schemas: list[Any] = []
        for schema in (state_schema, self.input_schema, self.output_schema):
            self._add_schema(schema)

    def _add_schema(self, schema: Any) -> None:
        if any(schema is known for known in self._schemas):
            return  # as most nodes have the graph's
        channels, managed = channels_of(schema)
        for key, channel in channels.items():
            known = self.channels.get(key)
            self.channels[key] = (
                channel if known is None else merge_channel(known, channel, key)
            )
        self.managed.update(managed)
        self._schemas.append(schema)

    def add_node(
        self,
        node: Any,
        action: Any = None,
        *,
        defer: bool = False,
        metadata: Mapping[str, Any] | None = None,
        input_schema: Any = None,
        retry_policy: RetryPolicy | Sequence[RetryPolicy] | None = None,
        cache_policy: CachePolicy | None = None,
        error_handler: Any = None,
        destinations: Any = None,
        timeout: Any = None,
        trace_policy: TracePolicy | None = None,
        **more: Unpack[OfNodes],
    ) -> Self:
        """Add a function, coroutine function, callable, Runnable or compiled graph (R1.2 to R1.4).

        Raises ValueError for a bad or repeated name, TypeError for a parameter that nothing fills.
        """
        if more:
            named = {"retry_policy": retry_policy, "input_schema": input_schema}
            retry_policy, input_schema = taken("add_node()", more, named).values()
        if isinstance(node, str):
            if action is None:
                raise ValueError(
                    f"add_node({node!r}) has a name but no action: add_node(name, function)"
                )
            name, fn = node, action
        else:
            if action is not None and not callable(node) and not is_runnable(node):
                raise refused("add_node", "node", node, "the node's name as text")
            fn = node
            name = name_of(node)
        if isinstance(fn, Mapping):
            fn = side_by_side(fn, f"node {name!r}")
        if not callable(fn) and not is_runnable(fn):
            raise TypeError(
                f"node {name!r}: {fn!r} cannot be called; give a function, a callable "
                "object or a compiled graph"
            )
        check_name(name, self.nodes)
        name = plain_name(name)
        self._note_change()
        if is_generator_function(fn):
            raise TypeError(
                f"node {name!r} is a generator function; return an update instead, and "
                "stream with get_stream_writer()"
            )
        spec = NodeSpec(name, fn, self._schema_of(fn, input_schema))
        if isinstance(fn, Pregel):
            spec.subgraph = fn
        elif not is_runnable(fn):
            spec.inject, spec.inject_error = injections(fn, f"node {name!r}")
        if metadata is not None and not isinstance(metadata, Mapping):
            raise refused(f"node {name!r}", "metadata", metadata, "a dict")
        self._add_schema(spec.schema)
        spec.defer = defer
        spec.metadata = dict(metadata or {})
        spec.retry = checked_retry(retry_policy, f"node {name!r}")
        spec.cache = checked_cache(cache_policy, f"node {name!r}")
        spec.timeout = checked_policy(timeout, f"node {name!r}: timeout")
        spec.handler = checked_handler(error_handler, f"node {name!r}")
        if trace_policy is not None and not isinstance(trace_policy, TracePolicy):
            wanted = "a TracePolicy, or None"
            raise refused(f"node {name!r}", "trace_policy", trace_policy, wanted)
        spec.trace = trace_policy
        spec.destinations = _destinations(destinations, f"node {name!r}")
        if timeout is not None and not is_coroutine_function(fn):
            raise ValueError(
                f"node {name!r} has a timeout but is a plain function, which cannot be "
                "stopped; make it a coroutine function"
            )
        self.nodes[name] = spec
        return self

    def _schema_of(self, fn: Any, given: Any) -> Any:
        if given is not None:
            check_schema(given, f"node {name_of(fn)!r}", "input_schema")
            return given
        if is_runnable(fn):
            return self.state_schema
        hint = first_annotation(fn)
        return hint if has_keys(hint) else self.state_schema

    def _note_change(self) -> None:
        if self.compiled:
            log.warning(
                "this graph was changed after compile(); graphs compiled before do not "
                "see the change"
            )

    def add_edge(self, start_key: str | Sequence[str], end_key: str) -> Self:
        """Run `end_key` after `start_key`; with a list, after all of them (R1.13 to R1.17)."""
        self._note_change()
        check_text(end_key, "add_edge", "end_key", "a node's name, or END")
        end_key = plain_name(end_key)
        if isinstance(start_key, str):
            start_key = plain_name(start_key)
            if start_key == END:
                raise ValueError("END cannot be the start of an edge")
            if end_key == START:
                raise ValueError("START cannot be the end of an edge")
            self.edges.add((start_key, end_key))
            return self
        wanted = "a node's name, START, or a list of names"
        given = several(start_key, "add_edge", "start_key", wanted)
        starts = tuple(map(plain_name, given))
        if not starts:
            raise refused("add_edge", "start_key", start_key, wanted, ValueError)
        if end_key == START:
            raise ValueError("START cannot be the end of an edge")
        for start in starts:
            if start == END:
                raise ValueError("END cannot be the start of an edge")
            if start not in self.nodes:
                raise ValueError(
                    f"add_edge({list(starts)!r}, {end_key!r}): there is no node {start!r} "
                    "yet; add the nodes before an edge from a list"
                )
        self.waiting_edges.append((starts, end_key))
        return self

    def add_conditional_edges(
        self, source: str, path: Callable[..., Any], path_map: Any = None
    ) -> Self:
        """After `source`, ask `path` where to go (R1.18 to R1.22)."""
        self._note_change()
        where = "add_conditional_edges"
        check_text(source, where, "source", "a node's name, or START")
        source = plain_name(source)
        if not is_runnable(path):
            wanted = "a function that says where to go"
            check_callable(path, f"{where}({source!r})", "path", wanted)
        name = getattr(path, "__name__", None) or type(path).__name__
        mine = self.branches.setdefault(source, {})
        if name == "<lambda>" and name in mine:
            name = f"<lambda>{len(mine) + 1}"
        if name in mine:
            raise ValueError(
                f"node {source!r} already has a branch named {name!r}; give the path "
                "functions different names"
            )
        hint = None if is_runnable(path) else first_annotation(path)
        if has_keys(hint):
            self._add_schema(hint)
        lookup, shown = path_map_of(path, path_map)
        mine[name] = BranchSpec(source, name, path, lookup, shown)
        return self

    def add_sequence(self, nodes: Sequence[Any]) -> Self:
        """Add nodes, each a function or (name, function), and edges between them (R1.23)."""
        wanted = "a list of functions, or of pairs (name, function)"
        items = several(nodes, "add_sequence", "nodes", wanted)
        if not items:
            raise ValueError("add_sequence needs at least one node")
        before: str | None = None
        for item in items:
            if isinstance(item, str):
                raise refused("add_sequence", "nodes", nodes, wanted)
            if isinstance(item, tuple):
                if len(item) != 2:
                    raise refused("add_sequence", "nodes", nodes, wanted)
                name, fn = item
                self.add_node(name, fn)
            else:
                name = name_of(item)
                self.add_node(item)
            if before is not None:
                self.add_edge(before, name)
            before = name
        return self

    def set_entry_point(self, key: str) -> Self:
        """An edge from START."""
        return self.add_edge(START, key)

    def set_finish_point(self, key: str) -> Self:
        """An edge to END."""
        return self.add_edge(key, END)

    def set_conditional_entry_point(
        self, path: Callable[..., Any], path_map: Any = None
    ) -> Self:
        """A branch on START."""
        return self.add_conditional_edges(START, path, path_map)

    def set_node_defaults(
        self,
        *,
        retry_policy: Any = None,
        cache_policy: Any = None,
        error_handler: Any = None,
        timeout: Any = None,
    ) -> Self:
        """Policies for nodes that have none of their own (R1.40); a later call adds to it."""
        given = {
            "retry": checked_retry(retry_policy, "set_node_defaults"),
            "cache": checked_cache(cache_policy, "set_node_defaults"),
            "handler": checked_handler(error_handler, "set_node_defaults"),
            "timeout": checked_policy(timeout, "set_node_defaults: timeout"),
        }
        self.defaults |= {k: value for k, value in given.items() if value is not None}
        return self

    def validate(self, interrupt: Sequence[str] = ()) -> Self:
        """Check that every edge leads somewhere. Raises ValueError (R1.13)."""
        validate(self, interrupt)
        return self

    def compile(
        self,
        checkpointer: Any = None,
        *,
        cache: Any = None,
        store: Any = None,
        interrupt_before: Sequence[str] | str | None = None,
        interrupt_after: Sequence[str] | str | None = None,
        debug: bool = False,
        name: str | None = None,
        version: str | None = None,
        on_change: OnChange = None,
        aliases: Mapping[str, str] | None = None,
    ) -> CompiledStateGraph:
        """A graph that can be run; later changes of the builder do not reach it (R1.1, R1.42).

        `version`, `on_change` ("continue", "warn", "refuse" or a function `migrate(old_version,
        checkpoint)` that returns the checkpoint) and `aliases` (gone node -> its new name) say what
        happens to threads that other code has begun (RB.12).
        """
        check_saver(checkpointer)
        check_store(store, "compile()")
        check_cache(cache, "compile()")
        if name is not None:
            check_text(name, "compile()", "name", "a text")
        before = stops_of(interrupt_before, "compile()", "interrupt_before")
        after = stops_of(interrupt_after, "compile()", "interrupt_after")
        self.validate([n for given in (before, after) if given != "*" for n in given])
        identity = checked_identity(
            "compile()",
            self.nodes,
            name=name or "",
            version=version,
            on_change=on_change,
            aliases=aliases,
        )
        program = build(self, name or "LangGraph", identity)
        self.compiled = True
        return CompiledStateGraph(
            program,
            checkpointer=checkpointer,
            store=store,
            cache=cache,
            interrupt_before=before,
            interrupt_after=after,
            name=name,
            builder=self,
            schemas={
                "state": self.state_schema,
                "input": self.input_schema,
                "output": self.output_schema,
                "context": self.context_schema,
            },
            debug=debug,
        )


def _destinations(given: Any, where: str) -> dict[str, str] | None:
    """Where a node's commands may lead, to be drawn: name -> label."""
    if given is None:
        return None
    if isinstance(given, Mapping):
        return dict(given)
    wanted = "a list of nodes' names, or a dict from names to labels"
    names = several(given, where, "destinations", wanted)
    for name in names:
        check_text(name, where, "a name in destinations", "a node's name, or END")
    return {name: name for name in names}
