"""A channel that collects."""

from workflows.engine.channels import Topic

__all__ = ["Topic"]
