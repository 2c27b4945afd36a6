"""What other libraries look for in our classes, once these libraries are there."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from workflows.engine.types import Command, ToolOutput

_THEIRS = "langchain_core.messages.tool"


def introduce() -> None:
    """Let LangChain's tools return a Command: they make a text of what is not of a class of theirs.

    Importing that library takes longer than the whole engine does, so its class takes its place among
    the bases of ours when it is loaded.
    """
    theirs = getattr(sys.modules.get(_THEIRS), "ToolOutputMixin", None)
    if theirs is None or issubclass(Command, theirs):
        return
    bases = (theirs if base is ToolOutput else base for base in Command.__bases__)
    Command.__bases__ = tuple(bases)


def side_by_side(parts: Mapping[str, Any], where: str) -> Any:
    """A Runnable that gives each of `parts` the same input, and returns a dict of what they return.

    Raises TypeError where langchain-core is missing, and for what that package cannot run.
    """
    if find_spec("langchain_core") is None:
        raise TypeError(
            f"{where} is a dict, which langchain-core runs: pip install langchain-core, "
            "or give a function that returns the dict"
        )
    return import_module("langchain_core.runnables").RunnableParallel(dict(parts))


__all__ = ["introduce", "side_by_side"]
