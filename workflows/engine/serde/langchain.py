"""The messages of langchain_core, where that package is installed (R10.5).

The list stands here, so a tag in the data chooses among these classes and names no others. The package is
imported only when one of them is written or read.
"""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.util import find_spec

from workflows.engine.serde.classes import form_of
from workflows.engine.serde.registry import Registered, Registry

_PREFIX = "langchain_core:"
_MODULE = "langchain_core.messages"
_NAMES = (
    "AIMessage",
    "AIMessageChunk",
    "ChatMessage",
    "ChatMessageChunk",
    "FunctionMessage",
    "FunctionMessageChunk",
    "HumanMessage",
    "HumanMessageChunk",
    "RemoveMessage",
    "SystemMessage",
    "SystemMessageChunk",
    "ToolMessage",
    "ToolMessageChunk",
)


def by_tag(tag: str, registry: Registry) -> Registered | None:
    """The entry of a message's tag."""
    if not tag.startswith(_PREFIX) or find_spec("langchain_core") is None:
        return None
    _enter_all(registry)
    return registry.by_tag.get(tag)


def by_class(cls: type, registry: Registry) -> Registered | None:
    """The entry of a message class, met for the first time."""
    if not cls.__module__.startswith(_MODULE):
        return None
    _enter_all(registry)
    return registry.by_class.get(cls)


def is_text(cls: type) -> bool:
    """Say whether `cls` is that of a message's `.text`: a text that older programs call (R10.2)."""
    home = sys.modules.get(f"{_MODULE}.base")
    return home is not None and cls is getattr(home, "TextAccessor", None)


def _enter_all(registry: Registry) -> None:
    module = import_module(_MODULE)
    for name in _NAMES:
        cls = getattr(module, name, None)
        form = form_of(cls) if isinstance(cls, type) else None
        if cls is not None and form is not None:
            registry.add(Registered(f"{_PREFIX}{name}", cls, form))
