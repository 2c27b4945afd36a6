"""How values are stored, and how an author's classes are named for it."""

from workflows.engine.serde import Serde, register_type

__all__ = ["Serde", "register_type"]
