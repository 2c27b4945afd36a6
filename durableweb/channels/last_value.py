"""A channel of one value, written once a step."""

from workflows.engine.channels import LastValue

__all__ = ["LastValue"]
