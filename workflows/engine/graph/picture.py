"""From the builder's words to the picture of a graph, with the inside of its subgraphs if wanted (R1.45)."""

from __future__ import annotations

from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

from workflows.engine.bound import called_by
from workflows.engine.constants import END, START
from workflows.engine.draw import DrawnGraph
from workflows.engine.graph.validate import command_targets

Edge = tuple[str, str, str | None, bool]
_open: ContextVar[tuple[Shape, ...]] = ContextVar("durableweb_drawing", default=())


class Shape:
    """What the builder of a graph held when it was compiled."""

    def __init__(self, builder: Any) -> None:
        self.nodes = dict(builder.nodes)
        self.edges = sorted(builder.edges)
        self.waiting = list(builder.waiting_edges)
        self.branches = {k: dict(v) for k, v in builder.branches.items()}

    def drawn(
        self, before: Any = (), after: Any = (), xray: int | bool = False
    ) -> DrawnGraph:
        """The picture; `xray` opens so many levels of subgraphs, True all of them.

        A branch without a map or an annotation is drawn to every node. A node that leads nowhere leads to END.
        """
        told = sorted(set(self._edges()), key=lambda e: (e[0], e[1], e[2] or ""))
        leads = {source for source, *_ in told}
        last: list[Edge] = [
            (name, END, None, False)
            for name in self.nodes
            if name not in leads and name in _reached(told)
        ]
        nodes = [(name, self._notes(name, before, after)) for name in self.nodes]
        graph = DrawnGraph([(START, None), *nodes, (END, None)], [*told, *last])
        if not xray:
            return graph
        open_before = _open.set((*_open.get(), self))
        try:
            for name, inner in self._inside(xray if xray is True else xray - 1):
                graph = graph.opened(name, inner)
        finally:
            _open.reset(open_before)
        return graph

    def _inside(self, deeper: int | bool) -> Iterator[tuple[str, DrawnGraph]]:
        """The pictures of the graphs that nodes are or call, without those that this one is drawn in."""
        for name, spec in self.nodes.items():
            below = spec.subgraph or called_by(spec.fn)
            shape = getattr(below, "shape", None)
            if below is not None and not any(shape is each for each in _open.get()):
                yield name, below.get_graph(xray=deeper)

    def _edges(self) -> Iterator[Edge]:
        for start, end in self.edges:
            yield start, end, None, False
        for starts, end in self.waiting:
            for start in starts:
                yield start, end, None, False
        for source, branches in self.branches.items():
            for spec in branches.values():
                shown = spec.shown or {n: n for n in [*self.nodes, END]}
                for label, end in shown.items():
                    yield source, end, str(label) if str(label) != end else None, True
        for name, spec in self.nodes.items():
            targets = spec.destinations
            if not targets and spec.subgraph is None:
                targets = {target: target for target in command_targets(spec.fn)}
            for end, label in (targets or {}).items():
                yield name, end, label if label != end else None, True

    def _notes(self, name: str, before: Any, after: Any) -> dict[str, Any]:
        spec = self.nodes[name]
        notes = dict(spec.metadata)
        if spec.defer:
            notes["defer"] = True
        stops = [
            word
            for word, names in (("before", before), ("after", after))
            if name in _listed(names)
        ]
        if stops:
            notes["__interrupt"] = ",".join(stops)
        return notes


def _listed(names: Any) -> tuple[str, ...]:
    """Breakpoints by name; one that stands everywhere is not drawn."""
    if isinstance(names, str):
        return () if names == "*" else (names,)
    return tuple(names or ())


def _reached(edges: list[Edge]) -> set[str]:
    found = {START}
    while True:
        more = {end for start, end, *_ in edges if start in found} - found
        if not more:
            return found
        found |= more
