"""What is imported when something of it is first used: asyncio, and names that few programs want.

asyncio brings TLS, sockets and subprocesses along, a fifth of what importing the engine took, and a
program that only blocks needs none of it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any


class _Later:
    """Stands for a module until one of its names is asked for."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, name: str) -> Any:
        found = getattr(import_module(self._name), name)
        setattr(self, name, found)
        return found


if TYPE_CHECKING:
    import asyncio
else:
    asyncio = _Later("asyncio")


def handed_on(source: str, *names: str) -> Callable[[str], Any]:
    """The `__getattr__` of a module that hands on `names` of `source`, which is imported then."""

    def __getattr__(name: str) -> Any:
        if name in names:
            return getattr(import_module(source), name)
        raise AttributeError(f"there is no name {name!r} here, nor in {source}")

    return __getattr__


def is_in_loop() -> bool:
    """Say whether an event loop runs on this thread."""
    if "asyncio" not in sys.modules:
        return False
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def cancellation() -> type[BaseException] | tuple[()]:
    """What to catch for `asyncio.CancelledError`: nothing, where nobody can have raised it."""
    return asyncio.CancelledError if "asyncio" in sys.modules else ()


__all__ = ["asyncio", "cancellation", "handed_on", "is_in_loop"]
