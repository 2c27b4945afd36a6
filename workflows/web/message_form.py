"""A list of messages as a conversation: who says what, one entry a message.

What a message holds besides its text (ids, calls of tools) stays with it. A changed message is
built anew from its role and text, by the engine's own rules for messages.
"""

from typing import Any

from workflows.services.conversation import ROLES, is_message, role_of

_TAGS = {role: tag for tag, role in ROLES.items()}
_REST = "~message"
_WORDS = ("title", "description")

SCHEMA = {
    "type": "array",
    "format": "conversation",
    "items": {
        "type": "object",
        "properties": {
            "role": {"enum": list(_TAGS), "title": "Who"},
            "text": {"type": "string", "format": "long", "title": "Says"},
        },
        "required": ["role", "text"],
    },
}


_FIRST = {
    **SCHEMA,
    "default": [{"role": "human", "text": ""}],
    "items": {
        "type": "object",
        "properties": {
            "role": {"enum": ["human", "ai", "system"], "title": "Who"},
            "text": {
                "type": "string",
                "format": "long",
                "minLength": 1,
                "title": "Says",
            },
        },
        "required": ["role", "text"],
    },
}
"""What a workflow is begun with: it has one message to fill in, of a person."""


def begun(schema: Any, keys: frozenset[str]) -> Any:
    """The JSON Schema of an input whose `keys` are conversations, for people to type."""
    parts = (schema or {}).get("properties", {})
    named = keys & parts.keys()
    if not named:
        return schema
    first = {
        key: _FIRST | {k: v for k, v in parts[key].items() if k in _WORDS}
        for key in named
    }
    return {**schema, "properties": {**parts, **first}}


def as_input(value: Any, keys: frozenset[str]) -> Any:
    """What was typed, as the input that a graph takes."""
    if not isinstance(value, dict):
        return value
    return {
        key: [_given(each) for each in part]
        if key in keys and isinstance(part, list)
        else part
        for key, part in value.items()
    }


def _given(entry: Any) -> Any:
    if not isinstance(entry, dict):
        return entry
    return {"role": entry.get("role"), "content": entry.get("text")}


def to_form(tree: Any) -> Any:
    """The entries of the form; what is no message (any more) stays as it is."""
    if not isinstance(tree, list):
        return tree
    return [
        {"role": role_of(each), "text": each["v"]["content"], _REST: each}
        if is_message(each)
        else each
        for each in tree
    ]


def from_form(entries: Any) -> Any:
    """The tree of the form's entries."""
    if not isinstance(entries, list):
        return entries
    return [_tree(each) for each in entries]


def _tree(entry: Any) -> Any:
    if not isinstance(entry, dict) or entry.get("role") not in _TAGS:
        return entry
    rest = entry.get(_REST)
    text = entry.get("text", "")
    if not isinstance(rest, dict) or not is_message(rest):
        return {"$t": _TAGS[entry["role"]], "v": {"content": text}}
    kept = {**rest, "v": {**rest["v"], "content": text}}
    return (
        kept if role_of(rest) == entry["role"] else {**kept, "$t": _TAGS[entry["role"]]}
    )
