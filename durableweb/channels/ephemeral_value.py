"""A channel whose value lasts a step."""

from workflows.engine.channels import EphemeralValue

__all__ = ["EphemeralValue"]
