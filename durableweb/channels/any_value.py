"""A channel of one value, whichever is written last."""

from workflows.engine.channels import AnyValue

__all__ = ["AnyValue"]
