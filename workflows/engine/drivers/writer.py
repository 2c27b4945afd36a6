"""What hands out chunks of a task while it runs."""

from __future__ import annotations

from typing import Any

from workflows.engine.loop.plan import metadata_of
from workflows.engine.types import MessageChunk


class Writer:
    """The stream writer of one attempt; see `types.StreamWriter`."""

    __slots__ = ("_context",)

    def __init__(self, context: Any) -> None:
        self._context = context

    def __call__(self, chunk: Any, /) -> None:
        """Hand out a chunk in the mode `custom`."""
        self._context.write("custom", lambda: chunk)

    def message(self, id: str, text: str) -> None:
        """Hand out a part of the message `id` in the mode `messages` (R9.6)."""
        context = self._context
        context.run.shown.add(id)
        context.write(
            "messages",
            lambda: (MessageChunk(text, id), metadata_of(context.run, context.task)),
        )
