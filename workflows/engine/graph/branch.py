"""Conditional edges: from what a path function returns to what is due (R1.18 to R1.22)."""

from __future__ import annotations

import typing
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, Literal

from msgspec import Struct

from workflows.engine.checkpoint.base import Due
from workflows.engine.constants import END, START
from workflows.engine.errors import InvalidUpdateError
from workflows.engine.inject import hints_of
from workflows.engine.kinds import check_text, several
from workflows.engine.loop.apply import due_item
from workflows.engine.types import Command, Send


class BranchSpec(Struct, eq=False):
    """A conditional edge as it was added."""

    source: str
    name: str
    path: Callable[..., Any]
    path_map: Mapping[Any, str] | None
    shown: Mapping[Any, str] | None


def path_map_of(path: Any, given: Any) -> tuple[Any, Any]:
    """The map to look results up in, and the targets to draw."""
    if isinstance(given, Mapping):
        return dict(given), dict(given)
    if given is not None:
        wanted = "a dict from what the path returns to nodes' names, or a list of names"
        listed = several(given, "add_conditional_edges", "path_map", wanted)
        for name in listed:
            check_text(name, "add_conditional_edges", "a name in path_map", wanted)
        names = {name: name for name in listed}
        return names, names
    hint = hints_of(path).get("return")
    if typing.get_origin(hint) is Literal:
        names = {name: name for name in typing.get_args(hint)}
        return None, names
    return None, None


def router(
    spec: BranchSpec, nodes: Mapping[str, Any], graph: str
) -> Callable[[Any], list[Due]]:
    """A function that turns what the path returned into due items."""
    by = f"edge:{spec.source}"

    def route(answer: Any) -> list[Due]:
        if isinstance(answer, Command):
            raise InvalidUpdateError(
                f"branch {spec.name!r} of node {spec.source!r} returned a Command; a "
                "branch returns names or Sends, a node returns Commands"
            )
        listed = (
            list(answer)
            if isinstance(answer, Sequence) and not isinstance(answer, str)
            else [answer]
        )
        due: list[Due] = []
        for target in listed:
            if not isinstance(target, Send):
                target = _looked_up(spec, target)
                if target == END:
                    continue
            due.append(due_item(target, nodes, by, f"branch {spec.name!r}", graph))
        return due

    return route


def _looked_up(spec: BranchSpec, target: Any) -> Any:
    if spec.path_map is not None and not (target == END and END not in spec.path_map):
        if not isinstance(target, Hashable) or target not in spec.path_map:
            raise KeyError(
                f"branch {spec.name!r} of node {spec.source!r} returned {target!r}, which its "
                f"path_map does not lead anywhere; it has {', '.join(map(repr, spec.path_map))}"
            )
        target = spec.path_map[target]
    if isinstance(target, Send):
        return target
    if target is None or target == START:
        raise ValueError(
            f"branch {spec.name!r} of node {spec.source!r} returned {target!r}; return "
            "the name of a node, END, a Send, or a list of these"
        )
    return target
