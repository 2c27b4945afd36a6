"""Messages whose contents have the form of OpenAI's, as langchain-core writes it (R2.18)."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from workflows.engine.graph import core_messages

FORMAT = "langchain-openai"
_PARTS = (
    "name",
    "id",
    "tool_calls",
    "tool_call_id",
    "artifact",
    "status",
    "additional_kwargs",
)


def check_installed() -> None:
    """Raises ImportError without langchain-core, which knows the forms."""
    if not core_messages.is_installed():
        raise ImportError(
            f"add_messages(format={FORMAT!r}) needs langchain-core; install it, or leave "
            "format out",
            name="langchain_core",
        )


def formatted(messages: list[Any]) -> list[Any]:
    """Messages of langchain-core, with the ids they had; one may become several, which have none."""
    core = import_module("langchain_core.messages")
    given = [
        each if isinstance(each, core.BaseMessage) else _parts_of(each)
        for each in messages
    ]
    plain = core.convert_to_openai_messages(given, include_id=True)
    return list(core.convert_to_messages(plain))


def _parts_of(message: Any) -> dict[str, Any]:
    parts = {name: getattr(message, name, None) for name in _PARTS}
    found = {name: part for name, part in parts.items() if part}
    return {"role": message.type, "content": message.content, **found}
