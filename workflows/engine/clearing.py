"""What a compiled graph can forget of its cached results."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from workflows.engine.cache.base import Namespace
from workflows.engine.kinds import listed
from workflows.engine.loop.caching import node_namespace
from workflows.engine.loop.program import Program


class Clearing:
    """The part of a graph that forgets; a base of `Pregel`."""

    program: Program
    name: str
    cache: Any

    def clear_cache(self, nodes: Sequence[str] | None = None) -> None:
        """Forget the cached results of these nodes, or of all where none is named (R1.38).

        Those of a `@task` belong to the task: `task.clear_cache(cache)`. Raises ValueError
        without a cache, and for an unknown node.
        """
        namespaces = self._namespaces(nodes)
        self.cache.clear(namespaces)

    async def aclear_cache(self, nodes: Sequence[str] | None = None) -> None:
        """Async twin of `clear_cache`."""
        namespaces = self._namespaces(nodes)
        await self.cache.aclear(namespaces)

    def _namespaces(self, nodes: Sequence[str] | None) -> list[Namespace]:
        if self.cache is None:
            raise ValueError(
                f"graph {self.name!r} was compiled without a cache, so there is nothing "
                "to clear; compile(cache=...)"
            )
        known = self.program.nodes
        where = f"clear_cache of graph {self.name!r}"
        wanted = "a node's name, a list of names, or None for all"
        named = [] if nodes is None else listed(nodes, where, "nodes", wanted)
        names = [*named] or [*known]
        unknown = [n for n in names if not isinstance(n, str) or n not in known]
        if unknown:
            raise ValueError(
                f"clear_cache names {', '.join(map(repr, unknown))}, which graph "
                f"{self.name!r} does not have"
            )
        return [node_namespace(self.program.name, name) for name in names]
