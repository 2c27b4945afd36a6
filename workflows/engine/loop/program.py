"""What a compiled graph, its nodes and its edges are, for the loop."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct, field

from workflows.engine.channels import Channel
from workflows.engine.checkpoint.base import Due
from workflows.engine.handlers import Handler
from workflows.engine.loop.identity import Identity
from workflows.engine.types import CachePolicy, RetryPolicy, TracePolicy

Writes = list[tuple[str, Any]]
Channels = dict[str, Channel]


class Branch(Struct, eq=False):
    """A conditional edge: `path` is asked, `route` turns its answer into due items."""

    name: str
    path: Callable[..., Any]
    is_async: bool
    inject: tuple[str, ...]
    read: Callable[[Channels, int], Any]
    route: Callable[[Any], list[Due]]
    ends: Mapping[str, str] | None = None
    schema: Any = None
    annotated: bool = False

    def sees(self, channels: Channels, remaining: int, returned: Any) -> Any:
        """The state as `path` is given it; without an annotation also what else its node has returned (R1.20)."""
        state = self.read(channels, remaining)
        plain = isinstance(state, dict) and type(returned) is dict
        return {**returned, **state} if plain and not self.annotated else state


class Node(Struct, eq=False):
    """A step of the graph.

    `write` turns what the function returned into writes; a second argument says who gave it, where
    that was not the function.
    """

    name: str
    fn: Callable[..., Any]
    is_async: bool
    write: Callable[..., Writes]
    read: Callable[[Channels, int], Any]
    index: int = 0
    inject: tuple[str, ...] = ()
    inject_error: str | None = None
    branches: tuple[Branch, ...] = ()
    edges: tuple[str, ...] = ()
    joins: tuple[str, ...] = ()
    triggers: tuple[str, ...] = ()  # the channels it subscribes to (R1.49)
    only: str = ""
    """The one channel whose value it is given; while that holds nothing, it is not due."""
    retry: tuple[RetryPolicy, ...] = ()
    cache: CachePolicy | None = None
    timeout: Any = None
    handler: Node | None = None
    defer: bool = False
    hidden: bool = False
    metadata: Mapping[str, Any] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    trace: TracePolicy | None = None
    subgraph: Any = None
    afn: Callable[..., Any] | None = None
    mapper: Callable[[Any], Any] | None = None
    undo: Any = None  # what undoes a `@task` that has worked (RB.8)
    transaction: str | None = None
    """The database in whose transaction a `@task` runs with its record, "" for the saver's own (RB.7)."""
    is_bare: bool = False  # a plain function: no injection, branch, mapped input


class Join(Struct, eq=False):
    """An edge from several nodes: `target` is due when all have arrived at `channel`."""

    channel: str
    target: str


class Program(Struct, eq=False):
    """A compiled graph as the loop sees it; nothing here knows edges by name of method."""

    name: str
    nodes: dict[str, Node]
    channels: Channels
    joins: dict[str, Join]
    accept: Callable[..., Any]  # input as given (and by what) -> as stored; raises
    first: str  # the node that takes the input; "" where channels do
    state_keys: tuple[str, ...]
    output_keys: tuple[str, ...] | str
    stream_keys: tuple[str, ...] | str
    managed: Mapping[str, Any]
    volatile: tuple[str, ...]
    untracked: frozenset[str] = frozenset()
    deltas: tuple[str, ...] = ()
    """The channels that are saved as what was written to them (R2.8)."""
    subscribers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """By channel, the nodes that are due when it is written to (R1.49); the input goes into channels then."""
    functional: bool = False
    defers: bool = False
    plain: bool = False  # without coroutine functions: a run needs one thread hop
    output: Callable[[Any], Any] | None = None
    """Turns the output into an instance of the output schema (version="v2")."""
    identity: Identity = field(default_factory=Identity)
    updates: Mapping[str, Handler] = field(default_factory=dict)
    """By name, what may be done to a living thread from outside (RB.16)."""
