"""A node of a compiled graph, run by itself: what a test of one node calls (R1.46)."""

from __future__ import annotations

from collections.abc import Mapping
from inspect import isawaitable
from typing import Any

from workflows.engine.config import merge_configs
from workflows.engine.drivers.requests import injected
from workflows.engine.inject import is_coroutine_function
from workflows.engine.loop.program import Node
from workflows.engine.runtime import NoWriter, Runtime, current


class SingleNode:
    """One of `graph.nodes`; `invoke` calls its function and nothing else: no branch, no saver, no retry."""

    def __init__(self, node: Node, graph: Any) -> None:
        self._node = node
        self._graph = graph

    @property
    def name(self) -> str:
        """Its name in the graph."""
        return self._node.name

    @property
    def metadata(self) -> Mapping[str, Any]:
        """What the author noted of it."""
        return self._node.metadata

    @property
    def subgraph(self) -> Any:
        """The graph that it is, or None."""
        return self._node.subgraph

    def __repr__(self) -> str:
        return f"<node {self.name!r} of graph {self._graph.name!r}>"

    def invoke(self, input: Any, config: dict[str, Any] | None = None) -> Any:
        """What the node's function returns for `input`, a state as its schema has it.

        What it asks for by name is that of the running task, else the graph's store and an empty runtime. Raises
        TypeError where the function is a coroutine function.
        """
        node = self._node
        if is_coroutine_function(node.fn):
            raise TypeError(
                f"node {self.name!r} is a coroutine function: await ainvoke(...)"
            )
        return node.fn(self._mapped(input), **self._filled(config))

    async def ainvoke(self, input: Any, config: dict[str, Any] | None = None) -> Any:
        """Async twin of `invoke`; takes plain functions, too."""
        function = self._node.afn or self._node.fn
        found = function(self._mapped(input), **self._filled(config))
        return await found if isawaitable(found) else found

    def _mapped(self, given: Any) -> Any:
        mapper = self._node.mapper
        return mapper(given) if mapper and isinstance(given, Mapping) else given

    def _filled(self, config: dict[str, Any] | None) -> dict[str, Any]:
        names = self._node.inject
        graph: Any = self._graph
        context: Any = current.get()
        if context is not None:
            found = injected(names, context)
        else:
            alone = {
                "config": {},
                "runtime": Runtime(store=graph.store),
                "store": graph.store,
                "writer": NoWriter(),
                "previous": None,
            }
            found = {name: alone[name] for name in names}
        if "config" in found:
            found["config"] = merge_configs(graph.bound_config, found["config"], config)
        return found
