"""The reducer for conversations: messages are put in place by id (R2.18)."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import partial
from typing import Annotated, Any, TypedDict
from uuid import UUID

from workflows.engine import ids
from workflows.engine.channels.reducer import tell_of
from workflows.engine.graph import core_messages
from workflows.engine.graph.message_types import (
    REMOVE_ALL_MESSAGES,
    AIMessage,
    AnyMessage,
    BaseMessage,
    FunctionMessage,
    HumanMessage,
    RemoveMessage,
    SystemMessage,
    ToolMessage,
)
from workflows.engine.graph.openai_format import FORMAT, check_installed, formatted
from workflows.engine.runtime import current
from workflows.engine.serde.write import ASSIGNED_ID

__all__ = [
    "REMOVE_ALL_MESSAGES",
    "AIMessage",
    "AnyMessage",
    "BaseMessage",
    "FunctionMessage",
    "HumanMessage",
    "Messages",
    "MessagesState",
    "RemoveMessage",
    "SystemMessage",
    "ToolMessage",
    "add_messages",
    "convert_to_messages",
    "push_message",
]

Messages = Any
"""One message or a list of them: objects, texts, (role, content) pairs, dicts."""

_ROLES: dict[str, type[BaseMessage]] = {
    "human": HumanMessage,
    "user": HumanMessage,
    "ai": AIMessage,
    "assistant": AIMessage,
    "system": SystemMessage,
    "developer": SystemMessage,
    "tool": ToolMessage,
    "function": FunctionMessage,
}
_COMMON = ("name", "id", "additional_kwargs", "response_metadata")
_FIELDS: dict[type[BaseMessage], tuple[str, ...]] = {
    AIMessage: ("tool_calls", "invalid_tool_calls", "usage_metadata"),
    ToolMessage: ("tool_call_id", "artifact", "status"),
}
_OF_CALLS = ("tool_calls", "tool_call_id")


def add_messages(
    left: Messages | None = None,
    right: Messages | None = None,
    *,
    format: str | None = None,
) -> Any:
    """The messages of `left` with those of `right` put in by id.

    An id that is there already is replaced where it stands, a new one goes to the end, a missing one is
    made. `RemoveMessage(id)` removes; ValueError where there is nothing to remove. Without
    arguments it gives a reducer with this `format`: "langchain-openai" makes langchain-core's messages
    of all, with contents as OpenAI writes them.
    """
    if format == FORMAT:
        check_installed()
    elif format:
        raise ValueError(f"unrecognized format={format!r}: expected {FORMAT!r} or None")
    if left is None and right is None:
        return partial(add_messages, format=format)
    if left is None or right is None:
        given = "left" if right is None else "right"
        raise ValueError(
            "add_messages needs both 'left' and 'right' to be non-null; "
            f"only received: {given!r}"
        )
    if not _has_ids(left):
        left = _with_ids(left)
    merged = _merge(left, _with_ids(right))
    return _with_ids(formatted(merged)) if format else merged


def _settled(messages: Any) -> Any:
    """Messages that replace all others, with an id each: what is saved must not get one later."""
    if isinstance(messages, list):
        for message in messages:
            if getattr(message, "id", "") is None and hasattr(message, "content"):
                message.id = new_id()
    return messages


tell_of(add_messages, keeps_left=True, settle=_settled)


def convert_to_messages(messages: Messages) -> list[Any]:
    """A list of message objects from one or many, in any of the accepted forms."""
    if isinstance(messages, list):
        return [_message(item) for item in messages]
    return [_message(messages)]


def push_message(message: Messages, *, state_key: str | None = "messages") -> Any:
    """Stream a message in the mode `messages` while the node runs, and write it to the state as the node ends.

    With `state_key=None` it is only streamed. It needs an id (ValueError). A node that fails has
    written nothing; in a `@task`, messages can only be streamed.
    """
    (found,) = convert_to_messages([message])
    if found.id is None:
        raise ValueError("push_message: the message needs an id")
    context = current.get()
    if context is None:
        raise RuntimeError("push_message was called outside a graph")
    context.push(found, state_key or None)
    return found


def _merge(left: list[Any], right: list[Any]) -> list[Any]:
    for at in range(len(right) - 1, -1, -1):
        if _is_removal(right[at]) and right[at].id == REMOVE_ALL_MESSAGES:
            left, right = [], right[at + 1 :]
            break
    merged = left[:]
    places = {message.id: at for at, message in enumerate(merged)}
    removed: set[str] = set()
    for message in right:
        at_present = places.get(message.id)
        if _is_removal(message):
            if at_present is None:
                raise ValueError(
                    f"cannot remove message {message.id!r}: no message has that id"
                )
            removed.add(message.id)
        elif at_present is None:
            places[message.id] = len(merged)
            merged.append(message)
        else:
            removed.discard(message.id)
            merged[at_present] = message
    if removed:
        merged = [message for message in merged if message.id not in removed]
    return merged


def _is_removal(message: Any) -> bool:
    return bool(message.type == "remove")


def _has_ids(messages: Messages) -> bool:
    # What came out of this reducer goes in again at each step: then nothing is to be converted.
    if type(messages) is not list or any(
        map(core_messages.is_in_parts, {*map(type, messages)})
    ):
        return False
    try:
        return None not in {message.id for message in messages}
    except AttributeError:
        return False


def _with_ids(messages: Messages) -> list[Any]:
    converted = convert_to_messages(messages)
    for message in converted:
        if message.id is None:
            message.id = new_id()
    return converted


def new_id() -> str:
    """An id for a message that has none."""
    return f"{ASSIGNED_ID}{UUID(int=ids.entropy(128), version=4)}"


def _message(given: Any) -> Any:
    if isinstance(given, BaseMessage):
        return given
    parts = _parts(given)
    if parts is None:
        return core_messages.whole(given)
    if core_messages.is_installed():
        return core_messages.made(dict(given) if isinstance(given, Mapping) else given)
    return _from_parts(*parts)


def own_message(given: Mapping[str, Any]) -> BaseMessage:
    """One of our own messages from a dict with `role` and `content`, whatever is installed."""
    parts = _parts(given)
    if parts is None:
        raise NotImplementedError(f"unsupported message type: {type(given)}")
    return _from_parts(*parts)


def _parts(given: Any) -> tuple[str, Any, dict[str, Any]] | None:
    """Role, content and the rest of what a text, pair or dict says; None for a message."""
    role: Any
    content: Any
    rest: dict[str, Any] = {}
    if isinstance(given, str):
        role, content = "human", given
    elif isinstance(given, tuple | list):
        if len(given) != 2:
            raise ValueError(f"a message pair is (role, content), not {given!r:.80}")
        role, content = given
    elif isinstance(given, Mapping):
        rest = dict(given)
        role = rest.pop("role", None) or rest.pop("type", None)
        if role is None or "content" not in rest:
            raise ValueError(
                f"a message dict needs 'role' and 'content', given {given!r:.80}"
            )
        content = rest.pop("content")
    elif has_parts(given):
        return None
    else:
        raise NotImplementedError(f"unsupported message type: {type(given)}")
    if not isinstance(role, str) or role not in {*_ROLES, "remove"}:
        raise ValueError(
            f"unexpected message type: {role!r}; use one of "
            f"{', '.join(map(repr, _ROLES))}"
        )
    return role, content, rest


def has_parts(given: Any) -> bool:
    """Say whether an object has what any message has."""
    return all(hasattr(given, name) for name in ("id", "type", "content"))


def _from_parts(role: str, content: Any, rest: dict[str, Any]) -> BaseMessage:
    if role == "remove":
        return RemoveMessage(rest["id"])
    cls = _ROLES[role]
    known: dict[str, Any] = {}
    for name in (*_COMMON, *_FIELDS.get(cls, ())):
        value = rest.pop(name, None)
        if value is not None:
            known[name] = value
    for name in (
        _OF_CALLS
    ):  # what some other kind of message has stands in many a dict as None or []
        if not rest.get(name):
            rest.pop(name, None)
    rest.pop("role", None)
    rest.pop("type", None)
    if role == "developer":
        rest["__openai_role__"] = role
    if "tool_calls" in known:
        known["tool_calls"] = [_tool_call(call) for call in known["tool_calls"]]
    if rest:
        known["additional_kwargs"] = {**rest, **known.get("additional_kwargs", {})}
    make: Callable[..., BaseMessage] = cls
    return make("" if content is None else content, **known)


def _tool_call(call: dict[str, Any]) -> dict[str, Any]:
    function = call.get("function")
    if function is None:
        return {**call, "type": "tool_call"}
    arguments = function.get("arguments") or "{}"
    return {
        "name": function["name"],
        "args": json.loads(arguments),
        "id": call.get("id"),
        "type": "tool_call",
    }


class MessagesState(TypedDict):
    """A conversation."""

    messages: Annotated[list[AnyMessage], add_messages]
