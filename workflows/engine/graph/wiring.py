"""What a node returned -> writes; edges and branches -> what a finished task makes due."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

from workflows.engine.channels import DeltaChannel
from workflows.engine.constants import END, GOTO, ROOT
from workflows.engine.errors import InvalidUpdateError
from workflows.engine.graph.message_ids import with_ids
from workflows.engine.graph.schema import as_update, is_bare_value
from workflows.engine.loop.apply import due_item, goto_targets
from workflows.engine.loop.program import Writes
from workflows.engine.types import Command, Send

log = logging.getLogger("durableweb.engine")


def writer(
    name: str,
    channels: Mapping[str, Any],
    nodes: Mapping[str, Any],
    graph: str,
    *,
    quiet: bool = False,
    allowed: frozenset[str] | None = None,
) -> Callable[[Any], Writes]:
    """A function that turns what node `name` returned into writes (R1.10, R1.11).

    `quiet` drops unknown keys without a word (the result of a subgraph); `allowed` narrows
    the keys (the input). The function raises InvalidUpdateError for anything else.
    """
    warned: set[str] = set()
    root = is_bare_value(channels)
    returned = f"node {name!r} returned"

    def from_update(update: Any) -> Writes:
        if root:
            return [(ROOT, update)]
        if allowed is None and update.keys() <= channels.keys():
            return [*update.items()]
        pairs: Writes = []
        for key, value in update.items():
            if key in channels and (allowed is None or key in allowed):
                pairs.append((key, value))
            elif not quiet and key not in warned:
                warned.add(key)
                log.warning(
                    "node %r of graph %r wrote key %r, which is no key of the state; "
                    "it is dropped",
                    name,
                    graph,
                    key,
                )
        return pairs

    def from_command(command: Command[Any], said: str) -> Writes:
        pairs: Writes = []
        update = command.update
        if update is not None:
            if root:
                pairs += from_update(update)
            elif isinstance(update, list | tuple):
                for pair in update:
                    if not _is_pair(pair):
                        raise InvalidUpdateError(
                            f"{said} a Command with {str(update)[:80]}, which is no "
                            "update; give a dict of updates, or a list of pairs "
                            "(key, value)"
                        )
                    pairs += from_update(dict([pair]))
            else:
                pairs += from_update(_mapping(update, f"{said} a Command with"))
        for target in goto_targets(command.goto, f"Command.goto of node {name!r}"):
            if target != END:
                where = f"Command.goto of node {name!r}"
                item = due_item(target, nodes, f"goto:{name}", where, graph)
                pairs.append((GOTO, item))
        return pairs

    def write(result: Any, said: str = returned) -> Writes:
        if type(result) is dict and not root:
            return from_update(result)
        if isinstance(result, Command):
            return from_command(result, said)
        if isinstance(result, Send):
            where = f"the Send of node {name!r}"
            return [(GOTO, due_item(result, nodes, f"goto:{name}", where, graph))]
        if isinstance(result, list | tuple) and any(
            isinstance(part, Command) for part in result
        ):
            return [pair for part in result for pair in write(part, said)]
        if result is None:
            return []
        if root:
            return from_update(result)
        return from_update(_mapping(result, said))

    deltas = {key for key, each in channels.items() if isinstance(each, DeltaChannel)}
    return with_ids(write, deltas) if deltas else write


def _mapping(value: Any, said: str) -> dict[str, Any]:
    found = as_update(value)
    if found is None:
        raise InvalidUpdateError(
            f"{said} {type(value).__name__} ({str(value)[:80]}), which is no update; give a "
            "dict of updates, None, a Command, or an instance of the state class"
        )
    return found


def accepter(graph: str, root: bool) -> Callable[[Any], Any]:
    """A function that takes a graph's input, or raises InvalidUpdateError (R2.12)."""

    def accept(given: Any, what: str = "the input") -> Any:
        if root:
            return given
        found = as_update(given)
        if found is None:
            raise InvalidUpdateError(
                f"{what} of graph {graph!r} must be a dict of its keys, not "
                f"{type(given).__name__} ({str(given)[:80]})"
            )
        return found

    return accept


def _is_pair(given: Any) -> bool:
    return (
        isinstance(given, tuple | list)
        and len(given) == 2
        and isinstance(given[0], str)
    )
