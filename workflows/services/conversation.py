"""A list of messages, as a stored tree: told from other lists, and read as who says what."""

from functools import partial
from typing import Any

from workflows.engine.graph.message import add_messages

ROLES = {
    "HumanMessage": "human",
    "AIMessage": "ai",
    "SystemMessage": "system",
    "ToolMessage": "tool",
}


_SAID = frozenset({"content", "type"})
_FOR_PROGRAMS = frozenset({"id", "tool_call_id", "response_metadata", "usage_metadata"})
_OF_CORE = "langchain_core:"  # begins the tags of that package's messages


def are_messages(tree: Any) -> bool:
    """Whether a tree is a conversation in plain words; one with pictures in it is not."""
    return isinstance(tree, list) and bool(tree) and all(map(is_message, tree))


def conversations_of(graph: Any) -> frozenset[str]:
    """The keys of a graph's state that take messages, by their reducer; none of what is no graph."""
    channels = getattr(graph, "channels", None) or {}
    return frozenset(key for key, channel in channels.items() if _adds(channel))


def _adds(channel: Any) -> bool:
    reducer = getattr(channel, "operator", None)
    while isinstance(reducer, partial):
        reducer = reducer.func
    return reducer is add_messages


def is_message(tree: Any) -> bool:
    """Whether a tree is one message in plain words."""
    return (
        isinstance(tree, dict)
        and {"$t", "v"} <= tree.keys() <= {"$t", "v", "given"}
        and isinstance(tree["$t"], str)
        and tree["$t"].removeprefix(_OF_CORE) in ROLES
        and isinstance(tree["v"], dict)
        and isinstance(tree["v"].get("content"), str)
    )


def role_of(message: dict[str, Any]) -> str:
    """Who says a message, given as its tree."""
    return ROLES[message["$t"].removeprefix(_OF_CORE)]


def is_of_core(message: dict[str, Any]) -> bool:
    """Whether a message, given as its tree, is one of langchain-core's."""
    tag: str = message["$t"]
    return tag.startswith(_OF_CORE)


def to_read(tree: Any) -> Any:
    """A conversation as records of `who`, `says` and what else is given; else the tree itself."""
    if _are_given(tree):
        return [{"who": each["role"], "says": each["content"]} for each in tree]
    if not are_messages(tree):
        return tree
    return [
        {
            "who": role_of(each),
            "says": each["v"]["content"],
            **{k: v for k, v in each["v"].items() if v and k not in _SAID},
        }
        for each in tree
    ]


def _are_given(tree: Any) -> bool:
    """Whether these are messages as a workflow is given them: a role and a text."""
    return (
        isinstance(tree, list)
        and bool(tree)
        and all(
            isinstance(each, dict)
            and each.keys() == {"role", "content"}
            and isinstance(each["role"], str)
            and isinstance(each["content"], str)
            for each in tree
        )
    )


def spoken(said: dict[str, Any]) -> Any:
    """One of these records for people: a line where it is one; else what is called, and all that has no line.

    Ids are for programs, and so is what a provider says of its model and of tokens.
    """
    left = {key: part for key, part in said.items() if key not in _FOR_PROGRAMS}
    who, says = left.pop("who"), left.pop("says")
    who = f"{who} {left.pop('name', '')}".rstrip()
    if said["who"] == "tool" and left.pop("status", "") == "error":
        who += " failed"
    calls = left.pop("tool_calls", None)
    if left:
        return said
    if calls is None:
        return f"{who}: {says}"
    named = [{each.get("name", "?"): each.get("args")} for each in calls]
    return {who: says, "calls": named} if says else {who: {"calls": named}}
