"""The messages of langchain-core, where that package is installed (R2.18).

Chat models take no others, so texts, pairs and dicts become these. The package is imported when
the first message is made.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any

_MODULE = "langchain_core.messages"
_CLASSES = {
    "human": "HumanMessage",
    "ai": "AIMessage",
    "system": "SystemMessage",
    "tool": "ToolMessage",
}


@cache
def is_installed() -> bool:
    """Say whether there is such a package."""
    return find_spec("langchain_core") is not None


def made(given: Any) -> Any:
    """The message that a text, a (role, content) pair or a dict says."""
    return import_module(_MODULE).convert_to_messages([given])[0]


def made_of(kind: str, content: Any, fields: Mapping[str, Any]) -> Any:
    """A message of a kind such as "human", with those of `fields` that it has; others are kept beside them."""
    cls = getattr(import_module(_MODULE), _CLASSES[kind])
    known = {name: part for name, part in fields.items() if name in cls.model_fields}
    known["additional_kwargs"] = {
        **{name: part for name, part in fields.items() if part and name not in known},
        **(known.get("additional_kwargs") or {}),
    }
    return cls(content=content, **known)


def is_in_parts(kind: type) -> bool:
    """Say whether a class is that of a message that a model says piece by piece."""
    loaded = sys.modules.get(_MODULE)
    return loaded is not None and issubclass(kind, loaded.BaseMessageChunk)


def whole(message: Any) -> Any:
    """The message that the pieces of one have become; any other as it is."""
    if not is_in_parts(type(message)):
        return message
    return sys.modules[_MODULE].message_chunk_to_message(message)
