"""Small message classes for conversations. Any object with `id`, `type` and `content` will do as well."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

from workflows.engine.serde import register_type

REMOVE_ALL_MESSAGES = "__remove_all__"
"""The id of a `RemoveMessage` that removes all messages before it (R2.18)."""

Content = str | list[Any]


@dataclass
class BaseMessage:
    """What all messages have; `content` is text or a list of content blocks."""

    content: Content
    name: str | None = field(default=None, kw_only=True)
    id: str | None = field(default=None, kw_only=True)
    additional_kwargs: dict[str, Any] = field(default_factory=dict, kw_only=True)
    response_metadata: dict[str, Any] = field(default_factory=dict, kw_only=True)

    type: ClassVar[str] = "base"


@dataclass
class HumanMessage(BaseMessage):
    """What a person said."""

    type: ClassVar[str] = "human"


@dataclass
class AIMessage(BaseMessage):
    """What a model said, and which tools it wants called."""

    tool_calls: list[dict[str, Any]] = field(default_factory=list, kw_only=True)
    invalid_tool_calls: list[dict[str, Any]] = field(default_factory=list, kw_only=True)
    usage_metadata: dict[str, Any] | None = field(default=None, kw_only=True)

    type: ClassVar[str] = "ai"


@dataclass
class SystemMessage(BaseMessage):
    """What the model was told before the conversation."""

    type: ClassVar[str] = "system"


@dataclass
class ToolMessage(BaseMessage):
    """What a tool answered to the call `tool_call_id`."""

    tool_call_id: str = field(default="", kw_only=True)
    artifact: Any = field(default=None, kw_only=True)
    status: str = field(default="success", kw_only=True)

    type: ClassVar[str] = "tool"


@dataclass
class FunctionMessage(BaseMessage):
    """What the function `name` answered."""

    type: ClassVar[str] = "function"


@dataclass(init=False)
class RemoveMessage(BaseMessage):
    """Removes the message with this id, or with REMOVE_ALL_MESSAGES all that came before."""

    type: ClassVar[str] = "remove"

    def __init__(self, id: str, **more: Any) -> None:
        super().__init__(more.pop("content", ""), id=id, **more)


AnyMessage = (
    HumanMessage
    | AIMessage
    | SystemMessage
    | ToolMessage
    | FunctionMessage
    | RemoveMessage
)

for _cls in (
    BaseMessage,
    HumanMessage,
    AIMessage,
    SystemMessage,
    ToolMessage,
    FunctionMessage,
    RemoveMessage,
):
    register_type(_cls.__name__, _cls)
