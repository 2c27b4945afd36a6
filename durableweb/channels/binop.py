"""A channel that folds what is written."""

from workflows.engine.channels import BinaryOperatorAggregate

__all__ = ["BinaryOperatorAggregate"]
