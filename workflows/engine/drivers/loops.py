"""The event loop that a call stands in."""

from __future__ import annotations

from typing import Any

from workflows.engine.drivers.context import Context
from workflows.engine.runtime import current


def loop_around() -> Any:
    """The event loop that awaits the run of which the graph called here is a node; None where a function calls it."""
    around = current.get()
    if not isinstance(around, Context) or around.task.node.subgraph is None:
        return None
    return around.driver.loop
