"""How older programs ask: an exception that a node raises itself."""

from __future__ import annotations

import warnings
from typing import Any

from workflows.engine.errors import GraphInterrupt
from workflows.engine.types import Interrupt


class NodeInterrupt(GraphInterrupt):
    """Deprecated, use `interrupt`: `raise NodeInterrupt("why")` in a node or `@task` asks (R5.29).

    An answer runs the node again from its start and reaches it only through `interrupt`.
    """

    def __init__(self, value: Any, id: str | None = None) -> None:
        warnings.warn(
            "NodeInterrupt is deprecated; use interrupt(), which returns the answer",
            DeprecationWarning,
            stacklevel=2,
        )
        question = Interrupt(value) if id is None else Interrupt(value, id)
        super().__init__((question,))


__all__ = ["NodeInterrupt"]
