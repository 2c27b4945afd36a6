"""Which tools a model has asked for: in the last of its messages, or as they were sent one by one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, TypedDict

from langchain_core.messages import AIMessage, ToolCall
from langchain_core.tools import BaseTool

from workflows.engine.prebuilt.injected import ToolRuntime
from workflows.engine.runtime import current
from workflows.engine.spellings import outdated

Form = Literal["list", "dict", "tool_calls"]
"""How a node of tools was given its work: messages alone, a state, or calls that a `Send` carried."""
_WITH_STATE = "tool_call_with_context"


class ToolCallWithContext(TypedDict):
    """What a `Send` to a node of tools may carry: one call, and the state that its tool is to see."""

    tool_call: ToolCall
    __type: Literal["tool_call_with_context"]
    state: Any


@dataclass
class ToolCallRequest:
    """One call as a wrapper gets it; `tool` is None where the node has none of that name."""

    tool_call: ToolCall
    tool: BaseTool | None
    state: Any
    runtime: ToolRuntime[Any, Any]

    def __setattr__(self, name: str, value: Any) -> None:
        """Set it, as LangGraph still does, with a DeprecationWarning."""
        if name in vars(self):
            outdated(f"setting ToolCallRequest.{name}", "write request.override(...)")
        super().__setattr__(name, value)

    def override(self, **changes: Any) -> ToolCallRequest:
        """A copy with another `tool_call`, `tool` or `state`."""
        return replace(self, **changes)


@dataclass(frozen=True)
class Work:
    """The calls to carry out, and what the tools see of the state."""

    calls: list[ToolCall]
    form: Form
    state: Any


def work_in(given: Any, key: str, node: str) -> Work:
    """Read it from what node `node` was given; messages stand under `key` of a state.

    Raises ValueError where no message of a model is there.
    """
    if isinstance(given, Mapping) and given.get("__type") == _WITH_STATE:
        return Work([given["tool_call"]], "tool_calls", given["state"])
    if _are_calls(given):
        return Work([*given], "tool_calls", _live_state())
    messages = given if isinstance(given, list) else _messages_of(given, key)
    for message in reversed(messages or ()):
        if isinstance(message, AIMessage):
            form: Form = "list" if isinstance(given, list) else "dict"
            return Work([*message.tool_calls], form, given)
    what = "is no message of a model" if messages else "are no messages"
    raise ValueError(
        f"node {node!r} runs the tools that a model has asked for, and there {what} in its input; give it a "
        f"state with an AIMessage in {key!r}, a list of messages, or a list of tool calls"
    )


def _are_calls(given: Any) -> bool:
    last = given[-1] if isinstance(given, list) and given else None
    return isinstance(last, dict) and last.get("type") == "tool_call"


def _messages_of(state: Any, key: str) -> Any:
    if isinstance(state, Mapping):
        return state.get(key)
    return getattr(state, key, None)


def _live_state() -> dict[str, Any]:
    """The state of the graph as the present step began; empty outside a graph."""
    context: Any = current.get()
    if context is None:
        return {}
    run = context.run
    channels = {key: run.channels[key] for key in run.program.state_keys}
    return {key: each.get() for key, each in channels.items() if each.is_available()}


def tools_condition(
    state: Any, messages_key: str = "messages"
) -> Literal["tools", "__end__"]:
    """Go to "tools" where the last message asks for tools, else end: the branch after a model's node.

    Raises ValueError where there are no messages.
    """
    messages = state if isinstance(state, list) else _messages_of(state, messages_key)
    if not messages:
        raise ValueError(
            f"tools_condition looks at the last message, and there is none in {messages_key!r} of the state"
        )
    return "tools" if getattr(messages[-1], "tool_calls", None) else "__end__"
