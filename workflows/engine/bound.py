"""A compiled graph and what it is bound to: its saver, its store, its cache, its config."""

from __future__ import annotations

import copy
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any, Self

from workflows.engine.checkpoint.base import BaseCheckpointSaver
from workflows.engine.config import merge_configs
from workflows.engine.kinds import check_offers, check_text
from workflows.engine.loop.records import Program


class Bound:
    """What a graph is, before anything is asked of it."""

    default_stream_mode = "values"

    def __init__(
        self,
        program: Program,
        *,
        checkpointer: Any = None,
        store: Any = None,
        cache: Any = None,
        interrupt_before: Sequence[str] | str = (),
        interrupt_after: Sequence[str] | str = (),
        name: str | None = None,
        builder: Any = None,
        schemas: dict[str, Any] | None = None,
        config: dict[str, Any] | None = None,
        debug: bool = False,
    ) -> None:
        check_saver(checkpointer)
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
    def nodes(self) -> dict[str, Any]:
        """The nodes by name."""
        return self.program.nodes

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
        """The subgraphs added as nodes: ("mid", g), with recurse ("mid|inner", g) (R7.11)."""
        if namespace is not None:
            wanted = "the names of nodes, joined by '|', or None"
            where = f"get_subgraphs of graph {self.name!r}"
            check_text(namespace, where, "namespace", wanted)
        return self._subgraphs(namespace, recurse)

    def _subgraphs(
        self, namespace: str | None, recurse: bool
    ) -> Iterator[tuple[str, Bound]]:
        for name, node in self.program.nodes.items():
            graph = node.subgraph
            if not isinstance(graph, Bound):
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
                    for path, below in graph._subgraphs(inner, True):
                        yield f"{name}|{path}", below

    async def aget_subgraphs(
        self, *, namespace: str | None = None, recurse: bool = False
    ) -> AsyncIterator[tuple[str, Bound]]:
        """Async twin of `get_subgraphs`."""
        for found in self.get_subgraphs(namespace=namespace, recurse=recurse):
            yield found


def check_saver(checkpointer: Any) -> None:
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
