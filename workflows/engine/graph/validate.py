"""Whether a graph's names fit together, before it is compiled (R1.3, R1.13)."""

from __future__ import annotations

import typing
from collections.abc import Container, Iterator, Sequence
from typing import Any, Literal

from workflows.engine.constants import END, HANDLER_OF, START
from workflows.engine.inject import hints_of
from workflows.engine.types import Command


def check_name(name: Any, known: Container[str]) -> None:
    """Raises ValueError for a name that a node cannot have."""
    if not isinstance(name, str):
        raise TypeError(f"a node's name must be text, not {name!r}")
    if name in (START, END):
        raise ValueError(f"{name!r} is a reserved name")
    if name in known:
        raise ValueError(f"there is already a node {name!r}")
    for character in "|:":
        if character in name:
            raise ValueError(f"node name {name!r} must not contain {character!r}")


def command_targets(fn: Any) -> tuple[str, ...]:
    """The names in a `-> Command[Literal[...]]` annotation."""
    hint = hints_of(fn).get("return")
    found: list[str] = []
    for part in _parts(hint):
        if typing.get_origin(part) is Command:
            for argument in typing.get_args(part):
                if typing.get_origin(argument) is Literal:
                    found += typing.get_args(argument)
    return tuple(found)


def _parts(hint: Any) -> Iterator[Any]:
    yield hint
    for argument in typing.get_args(hint):
        if typing.get_origin(hint) is not Literal:
            yield from _parts(argument)


def validate(graph: Any, stops: Sequence[str]) -> None:
    """Raises ValueError for an edge, branch or breakpoint that names no node."""
    nodes = graph.nodes
    starts = {start for start, _ in graph.edges} | set(graph.branches)
    starts |= {s for many, _ in graph.waiting_edges for s in many}
    for start in starts:
        if start not in nodes and start != START:
            raise ValueError(f"an edge or branch starts at unknown node {start!r}")
    if START not in starts:
        raise ValueError(
            "nothing leads from START: add_edge(START, ...) or set_entry_point(...)"
        )
    for what, target in _targets(graph):
        if target not in nodes and target != END:
            raise ValueError(f"{what} leads to unknown node {target!r}")
    for name in nodes:
        if _has_handler(graph, name.removeprefix(HANDLER_OF), but=name):
            raise ValueError(
                f"node {name!r} is called like the error handler of another node; give it "
                "another name"
            )
    for stop in stops:
        handled = str(stop).removeprefix(HANDLER_OF)
        if stop not in nodes and not _has_handler(graph, handled):
            raise ValueError(f"the breakpoint names unknown node {stop!r}")


def _has_handler(graph: Any, name: str, but: str = "") -> bool:
    """Say whether there is a node of this name, other than `but`, with an error handler."""
    spec = None if name == but else graph.nodes.get(name)
    return spec is not None and bool(spec.handler or graph.defaults.get("handler"))


def _targets(graph: Any) -> Iterator[tuple[str, str]]:
    for start, end in graph.edges:
        yield f"the edge from {start!r}", end
    for starts, end in graph.waiting_edges:
        yield f"the edge from {list(starts)!r}", end
    for source, branches in graph.branches.items():
        for spec in branches.values():
            for target in (spec.path_map or spec.shown or {}).values():
                yield f"branch {spec.name!r} of {source!r}", target
    for name, spec in graph.nodes.items():
        for target in spec.destinations or ():
            yield f"destinations of node {name!r}", target
        if spec.subgraph is None:
            for target in command_targets(spec.fn):
                yield f"the annotation of node {name!r}", target
