"""What every channel can do."""

from workflows.engine.channels import MISSING, BaseChannel

__all__ = ["MISSING", "BaseChannel"]
