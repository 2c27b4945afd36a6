"""A list of messages, as a stored tree: told from other lists, and read as who says what."""

from typing import Any

ROLES = {
    "HumanMessage": "human",
    "AIMessage": "ai",
    "SystemMessage": "system",
    "ToolMessage": "tool",
}


_SAID = frozenset({"content", "type"})
_OF_CORE = "langchain_core:"  # begins the tags of that package's messages


def are_messages(tree: Any) -> bool:
    """Whether a tree is a conversation in plain words; one with pictures in it is not."""
    return isinstance(tree, list) and bool(tree) and all(map(is_message, tree))


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
