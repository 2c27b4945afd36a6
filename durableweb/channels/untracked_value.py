"""A channel that is not saved."""

from workflows.engine.channels import UntrackedValue

__all__ = ["UntrackedValue"]
