"""Questions and answers in the shape of an Agent Inbox, for programs that name its types."""

from __future__ import annotations

from typing import Any, Literal, TypedDict


class ActionRequest(TypedDict):
    """A call that is proposed: its name and its arguments."""

    action: str
    args: dict[str, Any]


class HumanInterruptConfig(TypedDict):
    """What the person may do about it."""

    allow_ignore: bool
    allow_respond: bool
    allow_edit: bool
    allow_accept: bool


class HumanInterrupt(TypedDict):
    """What `interrupt` is given, alone or several in a list; the review queue knows the shape."""

    action_request: ActionRequest
    config: HumanInterruptConfig
    description: str | None


class HumanResponse(TypedDict):
    """What `interrupt` returns, in a list: `args` is None, the text of a response or the edited request."""

    type: Literal["accept", "ignore", "response", "edit"]
    args: str | ActionRequest | None


__all__ = ["ActionRequest", "HumanInterrupt", "HumanInterruptConfig", "HumanResponse"]
