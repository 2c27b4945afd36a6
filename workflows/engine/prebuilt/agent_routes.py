"""Where an agent goes next: the branches behind its model, its hook and its tools."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from langchain_core.messages import AIMessage, ToolMessage
from msgspec import Struct

from workflows.engine.constants import END
from workflows.engine.prebuilt.agent_nodes import calls_of, open_calls
from workflows.engine.prebuilt.agent_state import value_of
from workflows.engine.prebuilt.agent_tools import sent
from workflows.engine.types import Send


class Routes(Struct):
    """The branches of one agent.

    `entry` begins a round, `last` ends the whole; `direct` are the tools whose result is the last word. With
    `apart` each call of a tool is a task of its own.
    """

    entry: str
    last: str
    direct: Collection[str]
    apart: bool

    def should_continue(self, state: Any) -> str | list[Send]:
        """To the tools that the model has asked for, or to the end."""
        calls = calls_of(value_of(state, "messages")[-1])
        if not calls:
            return self.last
        return sent(calls) if self.apart else "tools"

    def post_model_hook_router(self, state: Any) -> str | list[Send]:
        """To the calls that the hook has left open, back to the model where it has answered them, or to the end."""
        messages = value_of(state, "messages")
        asking = next((m for m in reversed(messages) if isinstance(m, AIMessage)), None)
        calls = open_calls([asking] if asking else [], messages)
        if calls:
            return sent(calls)
        return self.entry if isinstance(messages[-1], ToolMessage) else self.last

    def route_tool_responses(self, state: Any) -> str:
        """Back to the model, unless a tool has had the last word.

        Tools of one message may be tasks of their own, so one may know of the other by its call alone.
        """
        names: set[str | None] = set()
        for message in reversed(value_of(state, "messages")):
            if not isinstance(message, ToolMessage):
                names |= {call["name"] for call in calls_of(message)}
                break
            names.add(message.name)
        return END if names & set(self.direct) else self.entry
