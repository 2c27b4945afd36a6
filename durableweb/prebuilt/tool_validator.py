"""A node that checks what a model gives to tools."""

from typing import TYPE_CHECKING

from workflows.engine.absent import absent, later

if TYPE_CHECKING:
    from workflows.engine.prebuilt.validation_node import ValidationNode

__all__ = ["ValidationNode"]

__getattr__ = later(
    __name__,
    {"ValidationNode": "workflows.engine.prebuilt.validation_node"},
    absent(__name__, ""),
)
