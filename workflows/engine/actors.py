"""From nodes that subscribe to channels to the program that the loop runs (R1.49, R1.50)."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from workflows.engine.actions import in_a_row
from workflows.engine.bound import Bound
from workflows.engine.channels import MISSING, Channel, DeltaChannel
from workflows.engine.constants import (
    COPY,
    GOTO,
    HANDLED,
    INPUT,
    NS_END,
    NS_SEP,
    RESERVED_WRITES,
)
from workflows.engine.entries import pairs_of
from workflows.engine.errors import EmptyInputError, InvalidUpdateError
from workflows.engine.kinds import check_text, listed, refused
from workflows.engine.loop.apply import due_item
from workflows.engine.loop.identity import Identity
from workflows.engine.loop.program import Node, Program, Writes
from workflows.engine.loop.traits import is_bare, is_plain
from workflows.engine.managed import ManagedValue
from workflows.engine.node_builder import NodeBuilder, PregelNode
from workflows.engine.serde import register_reachable
from workflows.engine.types import CachePolicy, RetryPolicy, Send

log = logging.getLogger("durableweb.engine")
_RESERVED = RESERVED_WRITES | {INPUT, COPY, HANDLED, NS_SEP, NS_END}
_PARTS_OF_NAMES = (NS_SEP, NS_END)
Names = str | tuple[str, ...]


class Places(NamedTuple):
    """Which channels take the input, give the output and are shown to who streams."""

    input: Names
    output: Names
    stream: Names


def built(nodes: Any) -> dict[str, PregelNode]:
    """The nodes by name, builders as what they build. Raises TypeError and ValueError."""
    if not isinstance(nodes, Mapping):
        raise refused("Pregel", "nodes", nodes, "a dict of nodes by name")
    found = {}
    for name, given in nodes.items():
        check_text(name, "Pregel", "a node's name", "a text")
        if name in _RESERVED or any(each in name for each in _PARTS_OF_NAMES):
            raise ValueError(f"a node cannot be called {name!r}; that name is reserved")
        node = given.build() if isinstance(given, NodeBuilder) else given
        if not isinstance(node, PregelNode):
            raise refused("Pregel", f"node {name!r}", given, "a NodeBuilder")
        found[name] = node
    return found


def sorted_out(
    channels: Any,
) -> tuple[dict[str, Channel], dict[str, type[ManagedValue]]]:
    """The channels of a state, and its managed values. Raises TypeError and ValueError."""
    own: dict[str, Channel] = {}
    managed: dict[str, type[ManagedValue]] = {}
    for name, given in dict(channels or {}).items():
        if name in _RESERVED:
            raise ValueError(
                f"a channel cannot be called {name!r}; that name is reserved"
            )
        kind = (getattr(given, "__metadata__", None) or (given,))[-1]
        if isinstance(kind, type) and issubclass(kind, ManagedValue):
            managed[name] = kind
        elif isinstance(given, Channel):
            own[name] = channel = given.fresh()
            channel.key = name
            if isinstance(channel, DeltaChannel) and channel.typ is Any:
                channel.typ = list  # where it begins (R2.8)
                channel.clear()
        else:
            wanted = "a channel such as LastValue(str), or a managed value"
            raise refused("Pregel", f"channel {name!r}", given, wanted)
    return own, managed


def names_of(given: Any, argument: str) -> Names:
    """One channel by name, or several. Raises TypeError for what is neither."""
    if isinstance(given, str):
        return given
    wanted = "a channel's name, or a list of names"
    found = tuple(listed(given, "Pregel", argument, wanted))
    for name in found:
        check_text(name, "Pregel", f"a name in {argument}", wanted)
    return found


def check_fit(
    nodes: Mapping[str, PregelNode],
    channels: Mapping[str, Channel],
    managed: Mapping[str, Any],
    places: Places,
) -> None:
    """Raises ValueError where something names a channel that is not there, or no node takes the input."""
    for name, node in nodes.items():
        many = isinstance(node.channels, list)
        readable = {*channels, *managed} if many else {*channels}
        _check_known(each(node.channels), readable, f"node {name!r} reads")
        _check_known(node.triggers, channels, f"node {name!r} subscribes to")
    _check_known(each(places.input), channels, "input_channels names")
    _check_known(each(places.output), channels, "output_channels names")
    _check_known(each(places.stream), channels, "stream_channels names")
    called = {channel for node in nodes.values() for channel in node.triggers}
    if called.isdisjoint(each(places.input)):
        raise ValueError(
            f"no node subscribes to an input channel ({', '.join(each(places.input))}), so "
            "nothing would ever run: NodeBuilder().subscribe_only(...)"
        )


def each(names: str | Sequence[str]) -> tuple[str, ...]:
    """The names, one or several."""
    return (names,) if isinstance(names, str) else tuple(names)


def _check_known(names: Iterable[str], known: Any, what: str) -> None:
    for name in names:
        if name not in known:
            raise ValueError(
                f"{what} channel {name!r}, which is not there; there are "
                f"{', '.join(map(repr, sorted(known)))}"
            )


def program_of(
    nodes: Mapping[str, PregelNode],
    channels: dict[str, Channel],
    managed: Mapping[str, Any],
    places: Places,
    *,
    name: str,
    identity: Identity,
    retry: tuple[RetryPolicy, ...] = (),
    cache: CachePolicy | None = None,
) -> Program:
    """The program of these nodes; `retry` and `cache` are for those that have none of their own."""
    found: dict[str, Node] = {}
    for index, (key, given) in enumerate(nodes.items()):
        node = _node(key, given, index, channels, managed)
        node.write = _writer(key, given, channels, nodes, name)
        node.retry = given.retry_policy or retry
        node.cache = given.cache_policy or cache
        node.is_bare = is_bare(node)
        found[key] = node
    subscribers: dict[str, tuple[str, ...]] = {}
    for key, given in nodes.items():
        for channel in dict.fromkeys(given.triggers):
            subscribers[channel] = (*subscribers.get(channel, ()), key)
    register_reachable(*(channel.typ for channel in channels.values()))
    return Program(
        name=name,
        nodes=found,
        channels=channels,
        joins={},
        accept=_accepter(places.input, name),
        first="",
        state_keys=tuple(channels),
        output_keys=places.output,
        stream_keys=places.stream,
        managed=managed,
        volatile=tuple(k for k, c in channels.items() if c.volatile),
        deltas=tuple(k for k, c in channels.items() if isinstance(c, DeltaChannel)),
        untracked=frozenset(k for k, c in channels.items() if not c.tracked),
        subscribers=subscribers,
        plain=all(is_plain(node) for node in found.values()),
        identity=identity,
    )


def _node(
    name: str,
    given: PregelNode,
    index: int,
    channels: Mapping[str, Channel],
    managed: Mapping[str, Any],
) -> Node:
    action = in_a_row(given.parts, f"node {name!r}")
    graphs = [part for part in given.parts if isinstance(part, Bound)]
    can_stop = action.is_async or action.afn is not None
    if given.timeout is not None and not can_stop:
        raise ValueError(
            f"node {name!r} has a timeout but is a plain function, which cannot be "
            "stopped; make it a coroutine function"
        )
    return Node(
        name=name,
        fn=action.fn,
        afn=action.afn,
        is_async=action.is_async,
        write=lambda result: [],
        read=_reader(given.channels, managed),
        index=index,
        inject=action.inject,
        triggers=tuple(given.triggers),
        only=given.channels if isinstance(given.channels, str) else "",
        timeout=given.timeout,
        metadata=given.metadata,
        tags=given.tags,
        subgraph=graphs[0] if len(graphs) == 1 else None,
    )


def _reader(
    names: str | Sequence[str], managed: Mapping[str, Any]
) -> Callable[[Any, int], Any]:
    """A function that reads a node's input: the value of one channel, or a dict of those that hold something."""
    if isinstance(names, str):

        def only(live: Any, remaining: int) -> Any:
            value = live[names].peek()
            return None if value is MISSING else value

        return only

    def read(live: Any, remaining: int) -> dict[str, Any]:
        found = {}
        for name in names:
            if name in managed:
                found[name] = managed[name].read(remaining)
                continue
            value = live[name].peek()
            if value is not MISSING:
                found[name] = value
        return found

    return read


def _writer(
    name: str,
    given: PregelNode,
    channels: Mapping[str, Channel],
    nodes: Mapping[str, Any],
    graph: str,
) -> Callable[..., Writes]:
    """A function that turns what node `name` returned into writes; a channel that is not there is told of once."""
    warned: set[str] = set()

    def known(channel: str) -> bool:
        if channel not in channels and channel not in warned:
            warned.add(channel)
            log.warning(
                "node %r of graph %r wrote to channel %r, which is not there; it is dropped",
                name,
                graph,
                channel,
            )
        return channel in channels

    def write(result: Any, said: str = "") -> Writes:
        pairs: Writes = []
        for entry in given.entries:
            if isinstance(entry, Send):
                where = f"the Send of node {name!r}"
                item = due_item(entry, nodes, f"goto:{name}", where, graph)
                pairs.append((GOTO, item))
            else:
                pairs += [p for p in pairs_of(entry, result) if known(p[0])]
        return pairs

    return write


def _accepter(names: Names, graph: str) -> Callable[..., Any]:
    """A function that makes of an input what is written to which channel: pairs.

    It raises TypeError where several channels are given no dict, EmptyInputError for nothing.
    """

    def accept(given: Any, what: str = "") -> list[tuple[str, Any]]:
        if isinstance(names, str):
            return [(names, given)]
        where = f"graph {graph!r}"
        if not isinstance(given, dict):
            wanted = f"a dict with some of {', '.join(names)}"
            raise refused(where, what or "the input", given, wanted)
        for key in given.keys() - {*names}:
            log.debug("%s: %r is no input channel and is left out", where, key)
        pairs = [(key, value) for key, value in given.items() if key in names]
        if not pairs:
            kind = InvalidUpdateError if what else EmptyInputError
            wanted = f"values for some of the input channels {', '.join(names)}"
            raise refused(where, what or "the input", given, wanted, kind)
        return pairs

    return accept
