"""A channel that is saved as what was added."""

from workflows.engine.channels import DeltaChannel

__all__ = ["DeltaChannel"]
