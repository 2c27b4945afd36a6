"""What a generic program is generic over."""

from workflows.engine.typevars import (
    ContextT,
    ContextT_contra,
    InputT,
    NodeInputT,
    NodeInputT_contra,
    OutputT,
    StateT,
    StateT_co,
    StateT_contra,
)

__all__ = [
    "ContextT",
    "ContextT_contra",
    "InputT",
    "NodeInputT",
    "NodeInputT_contra",
    "OutputT",
    "StateT",
    "StateT_co",
    "StateT_contra",
]
