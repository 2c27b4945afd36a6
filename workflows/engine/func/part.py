"""A part of a node's own work, recorded like the call of a `@task`.

Streams tell of the node alone. What has ended is not done again when another part asks a person, or
when the process dies.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from workflows.engine.inject import is_coroutine_function
from workflows.engine.loop.program import Node
from workflows.engine.runtime import TaskContext


class _Part:
    def __init__(self, name: str, fn: Callable[..., Any]) -> None:
        self.name = name
        self.node = Node(
            name=name,
            fn=fn,
            is_async=is_coroutine_function(fn),
            write=lambda value: [],
            read=lambda channels, remaining: None,
            hidden=True,
        )


def start_part(
    context: TaskContext, name: str, fn: Callable[..., Any], *args: Any
) -> Any:
    """Start `fn(*args)` within the running task and return its future; its arguments are on its record."""
    return context.call(_Part(name, fn), args, {})
