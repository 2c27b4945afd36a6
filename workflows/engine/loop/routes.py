"""What is due next, collected from whatever leads to it: each `Send` once, each node once."""

from __future__ import annotations

from collections.abc import Iterable

from workflows.engine.checkpoint.base import Due
from workflows.engine.loop.program import Program


class Routes:
    """Collects what is due next: each `Send` once, each node once whatever leads to it."""

    __slots__ = ("nodes", "program", "sends")

    def __init__(self, program: Program) -> None:
        self.program = program
        self.sends: list[Due] = []
        self.nodes: dict[str, Due] = {}

    def add(self, item: Due) -> None:
        """Take one due item."""
        if "send" in item:
            self.sends.append(item)
            return
        known = self.reach(item["node"], [*item.get("by", ())])
        for mark in ("carried", "origin", "over", "forks", "was"):
            if item.get(mark):
                known[mark] = item[mark]

    def reach(self, name: str, ways: list[str]) -> Due:
        """Make a node due, by these ways; returns its due item."""
        known = self.nodes.get(name)
        if known is None:
            known = self.nodes[name] = {"node": name, "by": ways}
            if self.program.defers:
                node = self.program.nodes.get(name)
                if node is not None and node.defer:
                    known["defer"] = True
        else:
            known["by"] += [way for way in ways if way not in known["by"]]
        return known

    def listed(self, waiting: Iterable[Due] = ()) -> list[Due]:
        """Sends as sent, then nodes as registered (R3.5)."""
        for item in waiting:
            self.add(item)
        if len(self.nodes) < 2:
            return [*self.sends, *self.nodes.values()]
        order = self.program.nodes
        return [
            *self.sends,
            *sorted(
                self.nodes.values(),
                key=lambda item: (
                    order[item["node"]].index if item["node"] in order else 0
                ),
            ),
        ]
