"""What every channel can do."""

from workflows.engine.channels import BaseChannel

__all__ = ["BaseChannel"]
