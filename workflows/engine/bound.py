"""A compiled graph and what it is bound to: its saver, its store, its cache, its config."""

from __future__ import annotations

import copy
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from typing import Any, Literal, Self

from workflows.engine.breakpoints import stops_of
from workflows.engine.called import the_only
from workflows.engine.chaining import make_known
from workflows.engine.checkpoint.base import BaseCheckpointSaver
from workflows.engine.config import merge_configs
from workflows.engine.drivers.timeouts import step_limit
from workflows.engine.foreign import introduce
from workflows.engine.kinds import check_offers, check_text, refused
from workflows.engine.loop.program import Program
from workflows.engine.single import SingleNode
from workflows.engine.streaming import wanted_modes
from workflows.engine.types import StreamMode


class Bound:
    """What a graph is, before anything is asked of it."""

    _stream_mode: StreamMode | Sequence[StreamMode] = "updates"
    _step_timeout: float | None = None

    def __init__(
        self,
        program: Program,
        *,
        checkpointer: Any = None,
        store: Any = None,
        cache: Any = None,
        interrupt_before: tuple[str, ...] | Literal["*"] = (),
        interrupt_after: tuple[str, ...] | Literal["*"] = (),
        name: str | None = None,
        builder: Any = None,
        schemas: dict[str, Any] | None = None,
        config: dict[str, Any] | None = None,
        debug: bool = False,
    ) -> None:
        check_saver(checkpointer)
        introduce()
        make_known()
        self.program = program
        self.checkpointer = checkpointer
        self.store = store
        self.cache = cache
        self.interrupt_before = interrupt_before
        self.interrupt_after = interrupt_after
        self.name = name or program.name
        self.builder = builder
        self.schemas = schemas or {}
        self.bound_config = config
        self.debug = debug

    def with_config(self, config: dict[str, Any] | None = None, **more: Any) -> Self:
        """A copy that merges `config` below the config of each call."""
        twin = copy.copy(self)
        twin.bound_config = merge_configs(self.bound_config, config, more)
        return twin

    def copy(self, update: Mapping[str, Any] | None = None) -> Self:
        """A copy with other attributes, such as {"checkpointer": saver} (R1.48).

        Raises TypeError for an attribute that a copy cannot have another of, and what setting it raises.
        """
        twin = copy.copy(self)
        for name, value in (update or {}).items():
            if name not in _OTHERS:
                raise TypeError(
                    f"graph {self.name!r}: a copy cannot have another {name!r}, only "
                    f"another of {', '.join(_OTHERS)}"
                )
            check = _OTHERS[name]
            if check is not None:
                check(value, f"graph {self.name!r}")
            setattr(twin, name, value)
        return twin

    def with_saver(self, saver: Any) -> Self:
        """A copy that keeps its checkpoints in `saver`."""
        check_saver(saver)
        twin = copy.copy(self)
        twin.checkpointer = saver
        return twin

    def with_shared(self, *, store: Any = None, cache: Any = None) -> Self:
        """A copy with this store and this cache, where it was compiled without."""
        check_store(store, f"graph {self.name!r}")
        check_cache(cache, f"graph {self.name!r}")
        twin = copy.copy(self)
        twin.store = store if self.store is None else self.store
        twin.cache = cache if self.cache is None else self.cache
        return twin

    @property
    def interrupt_before_nodes(self) -> tuple[str, ...] | Literal["*"]:
        """The nodes before which it stops, or "*" for all; can be set anew (R5.25)."""
        return self.interrupt_before

    @interrupt_before_nodes.setter
    def interrupt_before_nodes(self, nodes: Any) -> None:
        self.interrupt_before = self._stops(nodes, "interrupt_before_nodes")

    @property
    def interrupt_after_nodes(self) -> tuple[str, ...] | Literal["*"]:
        """The nodes after which it stops, or "*" for all; can be set anew (R5.25)."""
        return self.interrupt_after

    @interrupt_after_nodes.setter
    def interrupt_after_nodes(self, nodes: Any) -> None:
        self.interrupt_after = self._stops(nodes, "interrupt_after_nodes")

    def _stops(self, nodes: Any, name: str) -> tuple[str, ...] | Literal["*"]:
        return stops_of(nodes, f"graph {self.name!r}", name)

    @property
    def config(self) -> dict[str, Any] | None:
        """What lies below the config of each call; can be set anew."""
        return self.bound_config

    @config.setter
    def config(self, config: dict[str, Any] | None) -> None:
        self.bound_config = None if config is None else merge_configs(config)

    @property
    def stream_mode(self) -> StreamMode | Sequence[StreamMode]:
        """What `stream` hands out where a call names no mode; can be set anew (R9.1)."""
        return self._stream_mode

    @stream_mode.setter
    def stream_mode(self, modes: StreamMode | Sequence[StreamMode]) -> None:
        if modes is None:
            wanted = "a mode such as 'updates', or a list of them"
            raise refused(f"graph {self.name!r}", "stream_mode", None, wanted)
        wanted_modes(modes)
        self._stream_mode = modes

    @property
    def step_timeout(self) -> float | None:
        """How long one step may take, in seconds; None or 0 for as long as it will; can be set anew (R3.20)."""
        return self._step_timeout

    @step_timeout.setter
    def step_timeout(self, seconds: float | None) -> None:
        self._step_timeout = step_limit(seconds, self.name)

    @property
    def nodes(self) -> dict[str, SingleNode]:
        """The nodes by name; each can be run by itself: `graph.nodes["draft"].invoke(state)` (R1.46)."""
        nodes = self.program.nodes
        return {name: SingleNode(node, self) for name, node in nodes.items()}

    @property
    def channels(self) -> dict[str, Any]:
        """The channels of the state by key, as each thread begins, and the classes of its managed values.

        What a thread holds stands in `get_state`.
        """
        program = self.program
        own = {key: program.channels[key].fresh() for key in program.state_keys}
        return {**own, **program.managed}

    @property
    def state_schema(self) -> Any:
        """The class of the state, as the author gave it."""
        return self.schemas.get("state")

    @property
    def input_schema(self) -> Any:
        """The class of the input."""
        return self.schemas.get("input") or self.schemas.get("state")

    @property
    def output_schema(self) -> Any:
        """The class of the output."""
        return self.schemas.get("output") or self.schemas.get("state")

    @property
    def context_schema(self) -> Any:
        """The class of the context, or None."""
        return self.schemas.get("context")

    def get_subgraphs(
        self, *, namespace: str | None = None, recurse: bool = False
    ) -> Iterator[tuple[str, Bound]]:
        """The graphs that are nodes, or that a node calls: ("mid", g), with recurse ("mid|inner", g) (R7.11)."""
        if namespace is not None:
            wanted = "the names of nodes, joined by '|', or None"
            where = f"get_subgraphs of graph {self.name!r}"
            check_text(namespace, where, "namespace", wanted)
        return self._subgraphs(namespace, recurse, (self.program,))

    def _subgraphs(
        self, namespace: str | None, recurse: bool, around: tuple[Program, ...]
    ) -> Iterator[tuple[str, Bound]]:
        for name, node in self.program.nodes.items():
            graph = node.subgraph or called_by(node.fn)
            if not isinstance(graph, Bound) or _is_one_of(graph.program, around):
                continue
            if namespace in (None, name):
                yield name, graph
            if recurse:
                inner = (
                    namespace.removeprefix(f"{name}|")
                    if namespace and namespace.startswith(f"{name}|")
                    else None
                )
                if namespace is None or inner is not None:
                    below = (*around, graph.program)
                    for path, found in graph._subgraphs(inner, True, below):
                        yield f"{name}|{path}", found

    async def aget_subgraphs(
        self, *, namespace: str | None = None, recurse: bool = False
    ) -> AsyncIterator[tuple[str, Bound]]:
        """Async twin of `get_subgraphs`."""
        for found in self.get_subgraphs(namespace=namespace, recurse=recurse):
            yield found


def _is_one_of(program: Program, others: Sequence[Program]) -> bool:
    return any(program is each for each in others)


def called_by(fn: Any) -> Any:
    """The graph that the function of a node calls, where its code names one that saves, and no other."""
    found = the_only(Bound, fn)
    return found if found is not None and found.checkpointer is not False else None


def check_saver(checkpointer: Any, where: str = "") -> None:
    """Raises TypeError for what is no saver, None, True or False (R1.42)."""
    if checkpointer is None or checkpointer is True or checkpointer is False:
        return
    if not isinstance(checkpointer, BaseCheckpointSaver):
        raise TypeError(
            "checkpointer must be a saver (BaseCheckpointSaver), None, True or False, "
            f"not {type(checkpointer).__name__}"
        )


def check_store(store: Any, where: str) -> None:
    """Raises TypeError for what has nothing of a store; the class is the author's own affair."""
    verbs = (("batch",), ("abatch",), ("put",), ("aput",), ("search",), ("asearch",))
    wanted = "a store such as InMemoryStore(), or None"
    check_offers(store, where, "store", verbs, wanted)


def check_cache(cache: Any, where: str) -> None:
    """Raises TypeError for what cannot be asked as a cache; the class is the author's own affair."""
    verbs = (("get", "set"), ("aget", "aset"))
    wanted = "a cache such as InMemoryCache(), or None"
    check_offers(cache, where, "cache", verbs, wanted)


def _check_name(name: Any, where: str) -> None:
    check_text(name, where, "name", "a text")


_OTHERS: dict[str, Callable[[Any, str], None] | None] = {
    "cache": check_cache,
    "checkpointer": check_saver,
    "config": None,
    "debug": None,
    "interrupt_after_nodes": None,
    "interrupt_before_nodes": None,
    "name": _check_name,
    "step_timeout": None,
    "store": check_store,
    "stream_mode": None,
}
"""attribute that a copy may have another of -> what looks at that; None: the attribute does, when it is set"""
