"""A channel that waits for all of its names."""

from workflows.engine.channels import NamedBarrierValue

__all__ = ["NamedBarrierValue"]
