"""What follows for a node from all its parts together."""

from __future__ import annotations

from workflows.engine.loop.program import Node


def is_bare(node: Node) -> bool:
    """What `Node.is_bare` is, once a node has all its parts."""
    return not (
        node.is_async
        or node.inject
        or node.inject_error
        or node.branches
        or node.mapper is not None
    )


def is_plain(node: Node) -> bool:
    """Say whether nothing in a node is a coroutine function."""
    below = getattr(node.subgraph, "program", None)
    return (
        not node.is_async
        and (node.afn is None or bool(below is not None and below.plain))
        and not any(branch.is_async for branch in node.branches)
        and (node.handler is None or is_plain(node.handler))
    )
