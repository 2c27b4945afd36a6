"""Nodes that are due because a channel was written to which they subscribe (R1.49).

An edge leads from a node to a node; a subscription leads from a channel to a node, whoever wrote.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from workflows.engine.channels import NamedBarrierValue
from workflows.engine.checkpoint.base import Due
from workflows.engine.errors import InvalidUpdateError
from workflows.engine.loop.routes import Routes
from workflows.engine.loop.view import View


def reach_subscribers(view: View, routes: Routes, changed: Iterable[str]) -> None:
    """Make the nodes due that subscribe to one of these channels; one that holds nothing calls nobody."""
    nodes, subscribers = view.run.program.nodes, view.run.program.subscribers
    for name in changed:
        mine = subscribers.get(name)
        if mine is None or not view.channels[name].is_available():
            continue
        for node in mine:
            only = nodes[node].only
            if not only or view.channels[only].is_available():
                routes.reach(node, [name])
        consume(view, name)


def consume(view: View, name: str) -> None:
    """Empty a barrier whose nodes are called: it waits for everybody again."""
    channel = view.channels[name]
    if isinstance(channel, NamedBarrierValue):
        channel.consume()


def put_in(view: View, pairs: Iterable[tuple[str, Any]]) -> list[Due]:
    """Put an input into its channels, where no node takes it; returns what that makes due.

    What an earlier input has left undone is dropped, and one-step values go with it.
    """
    channels = view.channels
    writes: dict[str, list[Any]] = {}
    for name, value in pairs:
        writes.setdefault(name, []).append(value)
    if view.due:
        for name in view.run.program.volatile:
            if name not in writes and channels[name].update(()):
                view.dirty.add(name)
    changed = [name for name, values in writes.items() if channels[name].update(values)]
    view.dirty.update(changed)
    routes = Routes(view.run.program)
    reach_subscribers(view, routes, changed)
    return routes.listed()


def to_channels(view: View, update: Any, said: str) -> list[tuple[str, Any]]:
    """What is said from outside for the channels it names; `said` begins the text of an error.

    Raises InvalidUpdateError for what is no dict, nor a list of pairs.
    """
    try:
        pairs = dict(update).items()
    except (TypeError, ValueError):
        raise InvalidUpdateError(
            f"{said} {type(update).__name__} ({str(update)[:80]}), which is no update; give "
            "a dict by channel, or a list of pairs (channel, value)"
        ) from None
    return [pair for pair in pairs if pair[0] in view.channels]


def still_called(view: View, item: Due) -> bool:
    """Say whether one of the channels that made a node due still holds what the node has not seen."""
    ways = [way for way in item.get("by", ()) if way in view.channels]
    return not ways or any(
        view.channels[way].is_available()
        or isinstance(view.channels[way], NamedBarrierValue)
        for way in ways
    )
