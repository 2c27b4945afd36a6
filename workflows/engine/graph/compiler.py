"""From what a builder has collected to the program that the loop runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from workflows.engine.channels import DeltaChannel, NamedBarrierValue
from workflows.engine.constants import END, HANDLER_OF, ROOT, START
from workflows.engine.graph.branch import router
from workflows.engine.graph.schema import (
    annotation_schema,
    is_bare_value,
    keys_of,
    mapper,
    reader,
)
from workflows.engine.graph.updates import handlers
from workflows.engine.graph.wiring import accepter, writer
from workflows.engine.inject import (
    injections,
    is_coroutine_function,
    is_runnable,
    name_of,
    parameters_of,
)
from workflows.engine.loop.identity import Identity
from workflows.engine.loop.program import Branch, Join, Node, Program
from workflows.engine.loop.traits import is_bare, is_plain
from workflows.engine.serde import register_reachable


def build(graph: Any, name: str, identity: Identity) -> Program:
    """The program of a `StateGraph`; a picture that later changes do not reach."""
    channels = {key: channel.fresh() for key, channel in graph.channels.items()}
    state_keys = tuple(channels)
    joins = _joins(graph, channels)
    nodes: dict[str, Node] = {}
    root = is_bare_value(channels)
    allowed = None if root else frozenset(keys_of(graph.input_schema))
    general = writer(START, channels, nodes, name, quiet=True)
    narrow = writer(START, channels, nodes, name, quiet=True, allowed=allowed)
    nodes[START] = Node(
        name=START,
        fn=lambda value: value,
        is_async=False,
        write=_start_writer(general, narrow),
        read=lambda channels, remaining: None,
        hidden=True,
    )
    read = _readers(graph, channels)
    for index, spec in enumerate(graph.nodes.values(), start=1):
        nodes[spec.name] = _node(graph, spec, nodes, channels, name, index, read)
    _edges(graph, nodes, joins)
    for source, branches in graph.branches.items():
        nodes[source].branches = tuple(
            _branch(graph, spec, nodes, channels, name) for spec in branches.values()
        )
    for node in nodes.values():
        node.is_bare = is_bare(node)
    register_reachable(
        graph.state_schema,
        graph.input_schema,
        graph.output_schema,
        *(spec.schema for spec in graph.nodes.values()),
        *(spec.schema for spec in graph.updates.values()),
    )
    output = tuple(k for k in keys_of(graph.output_schema) if k in channels)
    volatile = tuple(k for k, c in channels.items() if c.volatile)
    make = mapper(graph.output_schema)
    updates = handlers(graph, channels, state_keys)
    return Program(
        name=name,
        nodes=nodes,
        channels=channels,
        joins=joins,
        accept=accepter(name, root),
        first=START,
        state_keys=state_keys,
        output_keys=ROOT if root else output,
        stream_keys=ROOT if root else state_keys,
        managed=dict(graph.managed),
        volatile=volatile,
        deltas=tuple(k for k, c in channels.items() if isinstance(c, DeltaChannel)),
        untracked=frozenset(k for k, c in channels.items() if not c.tracked),
        defers=any(node.defer for node in nodes.values()),
        output=make,
        plain=all(is_plain(node) for node in nodes.values())
        and not any(each.is_async for each in updates.values()),
        identity=identity,
        updates=updates,
    )


def _start_writer(
    general: Callable[..., Any], narrow: Callable[..., Any]
) -> Callable[..., Any]:
    from_type = dict

    def write(value: Any, *said: str) -> Any:
        chosen = narrow if type(value) is from_type else general
        return chosen(value, *said)

    return write


def _joins(graph: Any, channels: dict[str, Any]) -> dict[str, Join]:
    joins = {}
    for starts, end in graph.waiting_edges:
        if end == END:
            continue
        key = f"join:{'+'.join(starts)}:{end}"
        barrier = NamedBarrierValue(str, starts)
        barrier.key = key
        channels[key] = barrier
        joins[key] = Join(key, end)
    return joins


def _edges(graph: Any, nodes: dict[str, Node], joins: dict[str, Join]) -> None:
    for start in nodes:
        nodes[start].edges = tuple(
            sorted(end for source, end in graph.edges if source == start and end != END)
        )
    for starts, end in graph.waiting_edges:
        if end == END:
            continue
        key = f"join:{'+'.join(starts)}:{end}"
        for start in starts:
            if key not in nodes[start].joins:
                nodes[start].joins = (*nodes[start].joins, key)


def _node(
    graph: Any,
    spec: Any,
    nodes: dict[str, Node],
    channels: dict[str, Any],
    name: str,
    index: int,
    read: Callable[[Any], Callable[[Any, int], Any]],
) -> Node:
    fn, afn = _callables(spec.fn)
    quiet = spec.subgraph is not None
    defaults = graph.defaults
    retry = spec.retry if spec.retry is not None else defaults.get("retry")
    timeout = spec.timeout if spec.timeout is not None else defaults.get("timeout")
    node = Node(
        name=spec.name,
        fn=fn,
        afn=afn,
        is_async=is_coroutine_function(fn),
        write=writer(spec.name, channels, nodes, name, quiet=quiet),
        read=read(spec.schema),
        mapper=mapper(spec.schema),
        index=index,
        inject=spec.inject,
        inject_error=spec.inject_error,
        retry=retry or (),
        cache=spec.cache or defaults.get("cache"),
        timeout=timeout if is_coroutine_function(fn) else None,
        defer=spec.defer,
        metadata=spec.metadata,
        trace=spec.trace,
        subgraph=spec.subgraph,
    )
    handler = spec.handler or defaults.get("handler")
    if handler is not None:
        inject, error = injections(handler, f"error handler of node {spec.name!r}")
        hidden_name = f"{HANDLER_OF}{spec.name}"
        node.handler = Node(
            name=hidden_name,
            fn=handler,
            is_async=is_coroutine_function(handler),
            write=writer(hidden_name, channels, nodes, name),
            read=node.read,
            mapper=node.mapper,
            index=index,
            inject=inject,
            inject_error=error,
            retry=defaults.get("retry") or (),
            metadata=spec.metadata,
        )
    return node


def _readers(
    graph: Any, channels: dict[str, Any]
) -> Callable[[Any], Callable[[Any, int], Any]]:
    """`reader` by schema: most nodes have the graph's, whose annotations are resolved once."""
    made: dict[int, Callable[[Any, int], Any]] = {}

    def read(schema: Any) -> Callable[[Any, int], Any]:
        found = made.get(id(schema))
        if found is None:
            found = made[id(schema)] = reader(schema, channels, graph.managed)
        return found

    return read


def _callables(fn: Any) -> tuple[Any, Any]:
    """The blocking and, for a graph or runnable, the async way to call it."""
    if is_runnable(fn):
        return fn.invoke, getattr(fn, "ainvoke", None)
    return fn, None


def _branch(
    graph: Any,
    spec: Any,
    nodes: dict[str, Node],
    channels: dict[str, Any],
    name: str,
) -> Branch:
    path, _ = _callables(spec.path)
    parameters = parameters_of(path) or []
    first = parameters[0].name if parameters else None
    source = graph.nodes.get(spec.source)
    usual = graph.state_schema if source is None else source.schema
    annotated = annotation_schema(path, first, None)
    schema = usual if annotated is None else annotated
    read = reader(schema, channels, graph.managed)
    make = mapper(schema)
    inject, _ = injections(path, f"branch {spec.name!r}", strict=False)

    def read_mapped(live: Any, remaining: int) -> Any:
        found = read(live, remaining)
        return make(found) if make is not None else found

    return Branch(
        name=spec.name,
        path=path,
        is_async=is_coroutine_function(path),
        inject=inject,
        read=read_mapped,
        route=router(spec, nodes, name),
        ends=spec.shown,
        schema=schema,
        annotated=annotated is not None,
    )


__all__ = ["build", "name_of"]
