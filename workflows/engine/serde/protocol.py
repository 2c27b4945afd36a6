"""What a serializer of an author's own offers."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable


@runtime_checkable
class SerializerProtocol(Protocol):
    """Values as bytes with the name of their form; `Serde` is one."""

    def dumps_typed(self, obj: Any) -> tuple[str, bytes]:
        """(Name of the form, bytes)."""
        ...

    def loads_typed(self, data: tuple[str, bytes]) -> Any:
        """The value that was written."""
        ...


__all__ = ["SerializerProtocol"]
