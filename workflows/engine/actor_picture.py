"""Nodes that subscribe to channels as a picture: who writes where another one listens (R1.45, R1.49)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from workflows.engine.actors import Names, each
from workflows.engine.constants import END, START
from workflows.engine.draw import DrawnGraph
from workflows.engine.entries import ChannelWriteEntry
from workflows.engine.node_builder import PregelNode
from workflows.engine.types import Send

Edge = tuple[str, str, str | None, bool]


class Drawing:
    """What can be drawn of a `Pregel` that was made of nodes; `input` is what takes its input."""

    def __init__(self, nodes: Mapping[str, PregelNode], input: Names) -> None:
        self.nodes = nodes
        self.input = input

    def drawn(self, before: Any = (), after: Any = ()) -> DrawnGraph:
        """The picture; an edge that a value of None does not take is conditional. A node nobody listens to leads to END."""
        edges = [*self._edges()]
        leads = {source for source, *_ in edges}
        last: list[Edge] = [
            (name, END, None, False) for name in self.nodes if name not in leads
        ]
        notes = [(name, self._notes(name, before, after)) for name in self.nodes]
        return DrawnGraph([(START, None), *notes, (END, None)], [*edges, *last])

    def _edges(self) -> Iterator[Edge]:
        for channel in each(self.input):
            for name in self._listening(channel):
                yield START, name, None, False
        for name, node in self.nodes.items():
            for entry in node.entries:
                if isinstance(entry, ChannelWriteEntry):
                    for target in self._listening(entry.channel):
                        yield name, target, None, entry.skip_none
                elif isinstance(entry, Send):
                    yield name, entry.node, None, True

    def _listening(self, channel: str) -> Iterator[str]:
        return (name for name, node in self.nodes.items() if channel in node.triggers)

    def _notes(self, name: str, before: Any, after: Any) -> dict[str, Any]:
        notes = dict(self.nodes[name].metadata)
        stops = [
            word
            for word, names in (("before", before), ("after", after))
            if names != "*" and name in names
        ]
        if stops:
            notes["__interrupt"] = ",".join(stops)
        return notes
