"""A list of messages, as a stored tree: told from other lists, and read as who says what."""

from typing import Any

ROLES = {
    "HumanMessage": "human",
    "AIMessage": "ai",
    "SystemMessage": "system",
    "ToolMessage": "tool",
}


def are_messages(tree: Any) -> bool:
    """Whether a tree is a conversation in plain words; one with pictures in it is not."""
    return isinstance(tree, list) and bool(tree) and all(map(is_message, tree))


def is_message(tree: Any) -> bool:
    """Whether a tree is one message in plain words."""
    return (
        isinstance(tree, dict)
        and tree.keys() == {"$t", "v"}
        and tree["$t"] in ROLES
        and isinstance(tree["v"], dict)
        and isinstance(tree["v"].get("content"), str)
    )


def to_read(tree: Any) -> Any:
    """A conversation as records of `who`, `says` and what else is given; else the tree itself."""
    if not are_messages(tree):
        return tree
    return [
        {
            "who": ROLES[each["$t"]],
            "says": each["v"]["content"],
            **{k: v for k, v in each["v"].items() if v and k != "content"},
        }
        for each in tree
    ]
