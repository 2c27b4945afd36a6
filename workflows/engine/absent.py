"""Names that programs import from LangGraph and that are not here: who asks is told what to write."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from importlib.util import find_spec
from typing import Any, NoReturn


def absent(module: str, instead: str, *names: str) -> Callable[[str], NoReturn]:
    """The `__getattr__` of a module that lacks `names`; raises ImportError for these."""

    def __getattr__(name: str) -> NoReturn:
        if name in names:
            text = f"{module}.{name} is not part of durableweb: {instead}"
            raise ImportError(text, name=module)
        raise AttributeError(f"module {module!r} has no attribute {name!r}")

    return __getattr__


def later(
    module: str, homes: Mapping[str, str], otherwise: Callable[[str], Any]
) -> Callable[[str], Any]:
    """The `__getattr__` of a module whose names, in the modules of `homes`, need langchain-core.

    They are imported when somebody asks for them; ImportError says what to install where that package is missing.
    What is in no home is left to `otherwise`.
    """

    def __getattr__(name: str) -> Any:
        if name not in homes:
            return otherwise(name)
        if find_spec("langchain_core") is None:
            text = f"{module}.{name} works with LangChain's tools: pip install langchain-core"
            raise ImportError(text, name=module)
        return getattr(import_module(homes[name]), name)

    return __getattr__


__all__ = ["absent", "later"]
