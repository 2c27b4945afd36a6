"""What tools gave back: as messages that answer their calls, and as one update of the state."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from langchain_core.messages import RemoveMessage, ToolMessage, convert_to_messages
from langchain_core.tools.base import TOOL_MESSAGE_BLOCK_TYPES

from workflows.engine.graph.message import REMOVE_ALL_MESSAGES
from workflows.engine.prebuilt.tool_calls import Form
from workflows.engine.types import Command, Send


def checked(given: Any, call: Mapping[str, Any], form: Form, key: str) -> Any:
    """A tool's result: a ToolMessage, a Command, or a list of these.

    Each call is answered by one ToolMessage, since models refuse a conversation with a call that has none.
    Raises TypeError for anything else, ValueError where the call has no answer, or more than one.
    """
    if isinstance(given, ToolMessage):
        return _plain(given)
    if isinstance(given, Command):
        command, answers, is_free = _command(given, call, form, key)
        if not (answers or is_free or given.graph is not None):
            raise ValueError(
                f"tool {call['name']!r} returned a Command without an answer to its call; put "
                f"ToolMessage(..., tool_call_id={call['id']!r}) among the messages of its update"
            )
        return command
    if isinstance(given, list) and all(
        isinstance(each, Command | ToolMessage) for each in given
    ):
        return _several(given, call, form, key)
    what = "a list with others" if isinstance(given, list) else type(given).__name__
    raise TypeError(
        f"tool {call['name']!r} gave {what}, and not a ToolMessage, a Command or a list of these"
    )


def _several(given: list[Any], call: Mapping[str, Any], form: Form, key: str) -> Any:
    found, count = [], 0
    for each in given:
        if isinstance(each, ToolMessage):
            found.append(_plain(each))
            count += each.tool_call_id == call["id"]
            continue
        command, answers, _ = _command(each, call, form, key)
        found.append(command)
        count += answers
    if count != 1:
        raise ValueError(
            f"tool {call['name']!r} returned a list with {count} answers to its call; there must be one "
            f"ToolMessage(..., tool_call_id={call['id']!r})"
        )
    return found


def _command(
    given: Any, call: Mapping[str, Any], form: Form, key: str
) -> tuple[Any, int, bool]:
    """The command with whole messages, how many of them answer the call, and whether none needs to."""
    update = given.update
    if not isinstance(update, dict | list):
        return given, 0, True
    if isinstance(update, list) != (form == "list"):
        wanted = "a list of messages" if form == "list" else f"a dict with {key!r}"
        raise ValueError(
            f"tool {call['name']!r} returned a Command whose update is a {type(update).__name__}; its node was "
            f"given another kind of state, so give {wanted}"
        )
    listed = update if isinstance(update, list) else update.get(key, [])
    messages = convert_to_messages(listed if isinstance(listed, list) else [listed])
    messages = [_named(each, call) for each in messages]
    answers = sum(_answers(each, call) for each in messages)
    is_free = [type(m) for m in messages] == [RemoveMessage] and (
        messages[0].id == REMOVE_ALL_MESSAGES
    )
    whole: Any = messages
    if isinstance(update, dict):
        whole = {**update, key: messages} if key in update else update
    return replace(given, update=whole), answers, is_free


def _answers(message: Any, call: Mapping[str, Any]) -> bool:
    return isinstance(message, ToolMessage) and message.tool_call_id == call["id"]


def _named(message: Any, call: Mapping[str, Any]) -> Any:
    if _answers(message, call):
        return message.model_copy(update={"name": call["name"]})
    return message


def _plain(message: ToolMessage) -> ToolMessage:
    """A message whose content a model takes: a text, or blocks of the known kinds."""
    content = message.content
    if isinstance(content, str) or all(
        isinstance(part, dict) and part.get("type") in TOOL_MESSAGE_BLOCK_TYPES
        for part in content
    ):
        return message
    try:
        text = json.dumps(content, ensure_ascii=False)
    except (TypeError, ValueError):
        text = str(content)
    return message.model_copy(update={"content": text})


def together(results: Iterable[Any], form: Form, key: str) -> Any:
    """What the node returns: its messages as one update, or a list where a Command is among them."""
    flat: list[Any] = []
    for each in results:
        flat += each if isinstance(each, list) else [each]
    if not any(isinstance(each, Command) for each in flat):
        return flat if form == "list" else {key: flat}
    found: list[Any] = []
    upward: list[Send] = []
    for each in flat:
        if not isinstance(each, Command):
            found.append([each] if form == "list" else {key: [each]})
        elif _only_sends_up(each):
            upward += each.goto  # type: ignore[arg-type]
        else:
            found.append(each)
    if upward:  # the graph above is left by one Command
        found.append(Command(graph=Command.PARENT, goto=upward))
    return found


def _only_sends_up(command: Command[Any]) -> bool:
    return (
        command.graph == Command.PARENT
        and isinstance(command.goto, list)
        and all(isinstance(each, Send) for each in command.goto)
    )
