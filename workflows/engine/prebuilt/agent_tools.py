"""The node of an agent that runs its tools, and the tasks for their calls."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from workflows.engine.prebuilt.tool_node import ToolNode
from workflows.engine.runtime import current
from workflows.engine.types import Send


def sent(calls: Iterable[Any]) -> list[Send]:
    """A task for each call.

    LangGraph sends the state along, and so saves the whole conversation again with each call: 31 MB after 100
    rounds of two calls, where 1 MB does. `RunTools` reads it where the thread has it.
    """
    return [Send("tools", [call]) for call in calls]


class RunTools:
    """Node `tools`: its tools see the state as it is when they begin, whether their call was sent or not."""

    def __init__(self, node: ToolNode) -> None:
        self._node = node

    def invoke(self, given: Any) -> Any:
        """Run them, and wait."""
        return self._node.invoke(_with_state(given))

    async def ainvoke(self, given: Any) -> Any:
        """Async twin of `invoke`."""
        return await self._node.ainvoke(_with_state(given))


def _with_state(given: Any) -> Any:
    if not isinstance(given, list):
        return given
    [call] = given
    state = _state_before()
    return {"__type": "tool_call_with_context", "tool_call": call, "state": state}


def _state_before() -> Any:
    """The state as the branch saw it that has sent the call, which was one step before."""
    context: Any = current.get()
    run, node = context.run, context.task.node
    found = node.read(run.channels, run.remaining + 1)
    return found if node.mapper is None else node.mapper(found)
