"""What a generic program of an author's is generic over; a default stands for what is not given."""

from __future__ import annotations

import sys
from typing import Any

if sys.version_info >= (3, 13):
    from typing import TypeVar
else:
    from typing_extensions import TypeVar

StateT = TypeVar("StateT")
"""A graph's state."""
StateT_co = TypeVar("StateT_co", covariant=True)
StateT_contra = TypeVar("StateT_contra", contravariant=True)
ContextT = TypeVar("ContextT", default=None)
"""What a run is given as `context=`; None where nothing is."""
ContextT_contra = TypeVar("ContextT_contra", contravariant=True, default=None)
InputT = TypeVar("InputT", default=StateT)
"""A graph's input; its state unless said otherwise."""
OutputT = TypeVar("OutputT", default=StateT)
"""A graph's output; its state unless said otherwise."""
NodeStateT = TypeVar("NodeStateT", default=dict[str, Any])
"""The state that a node of tools is given."""
NodeInputT = TypeVar("NodeInputT")
"""What a node is given."""
NodeInputT_contra = TypeVar("NodeInputT_contra", contravariant=True)

__all__ = [
    "ContextT",
    "ContextT_contra",
    "InputT",
    "NodeInputT",
    "NodeInputT_contra",
    "NodeStateT",
    "OutputT",
    "StateT",
    "StateT_co",
    "StateT_contra",
]
