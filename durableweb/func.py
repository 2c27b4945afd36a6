"""The functional API."""

from workflows.engine.func.entrypoint import entrypoint
from workflows.engine.func.task import task

__all__ = ["entrypoint", "task"]
