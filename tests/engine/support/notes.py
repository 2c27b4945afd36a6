"""Notes of what bodies called, kept over all lives of a program."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass
class Notes:
    """What was called, over all lives of a program."""

    calls: list[Any] = field(default_factory=list)

    def times(self, call: Any) -> int:
        return self.calls.count(call)


def settings(**more: Any) -> dict[str, Any]:
    """The config of the thread "t", with more of `configurable`."""
    return {"configurable": {"thread_id": "t", **more}}
