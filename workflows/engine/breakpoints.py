"""Static breakpoints as a graph or a call is given them, and the nodes that they name (R5.25)."""

from __future__ import annotations

from typing import Any, Literal

from workflows.engine.kinds import listed


def stops_of(given: Any, where: str, name: str) -> tuple[str, ...] | Literal["*"]:
    """Breakpoints as they were given: names, or "*" for all (R5.25).

    Raises TypeError for what is neither; whether the names are nodes is seen later.
    """
    if not given:
        return ()
    if isinstance(given, str) and given == "*":
        return "*"
    return tuple(listed(given, where, name, "a list of nodes' names, or '*'"))


_NOWHERE: tuple[frozenset[str], frozenset[str]] = (frozenset(), frozenset())


def breakpoints_of(graph: Any, given: Any) -> tuple[frozenset[str], frozenset[str]]:
    """Where a call stops, before and after which nodes: its own lists, else the graph's.

    Raises ValueError for a name that is no node.
    """
    before = given.interrupt_before or graph.interrupt_before
    after = given.interrupt_after or graph.interrupt_after
    if not before and not after:
        return _NOWHERE
    return (
        _breakpoints(graph.program, before, "interrupt_before"),
        _breakpoints(graph.program, after, "interrupt_after"),
    )


def check_stops(graph: Any) -> None:
    """Raises ValueError where a graph's own breakpoints name what is no node."""
    _breakpoints(graph.program, graph.interrupt_before, "interrupt_before_nodes")
    _breakpoints(graph.program, graph.interrupt_after, "interrupt_after_nodes")


def _breakpoints(program: Any, given: Any, what: str) -> frozenset[str]:
    names = stops_of(given, f"graph {program.name!r}", what)
    if not names:
        return frozenset()
    if names == "*":
        return frozenset("*")
    handlers = (node.handler for node in program.nodes.values())
    known = {"*", *program.nodes, *(each.name for each in handlers if each)}
    unknown = [n for n in names if not (isinstance(n, str) and n in known)]
    if unknown:
        raise ValueError(
            f"{what} names {', '.join(map(repr, unknown))}, which graph "
            f"{program.name!r} does not have"
        )
    return frozenset(names)
