"""Names that programs import from LangGraph and that are not here: who asks is told what to write."""

from __future__ import annotations

from collections.abc import Callable
from typing import NoReturn


def absent(module: str, instead: str, *names: str) -> Callable[[str], NoReturn]:
    """The `__getattr__` of a module that lacks `names`; raises ImportError for these."""

    def __getattr__(name: str) -> NoReturn:
        if name in names:
            text = f"{module}.{name} is not part of durableweb: {instead}"
            raise ImportError(text, name=module)
        raise AttributeError(f"module {module!r} has no attribute {name!r}")

    return __getattr__


__all__ = ["absent"]
