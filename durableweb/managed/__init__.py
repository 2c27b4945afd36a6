"""State keys that the engine fills in."""

from workflows.engine.managed import IsLastStep, RemainingSteps

__all__ = ["IsLastStep", "RemainingSteps"]
