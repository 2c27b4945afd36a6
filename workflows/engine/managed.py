"""State keys that the engine fills in and nobody writes (R2.15)."""

from __future__ import annotations

from typing import Annotated, Any


class ManagedValue:
    """Base of the markers; `read` gets the number of steps left, this one included."""

    @staticmethod
    def read(remaining: int) -> Any:
        """The value a node sees."""
        raise NotImplementedError


class IsLastStepManager(ManagedValue):
    """True in the last step that the recursion limit allows."""

    @staticmethod
    def read(remaining: int) -> bool:
        """True when no further step is allowed."""
        return remaining <= 1


class RemainingStepsManager(ManagedValue):
    """How many steps the recursion limit still allows."""

    @staticmethod
    def read(remaining: int) -> int:
        """The number of steps left."""
        return remaining


IsLastStep = Annotated[bool, IsLastStepManager]
"""A key to read only: whether the limit of steps ends the run after this one (R2.15)."""
RemainingSteps = Annotated[int, RemainingStepsManager]
"""A key to read only: how many steps the limit leaves, this one among them (R2.15)."""
