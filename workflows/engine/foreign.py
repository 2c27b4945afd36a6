"""What other libraries look for in our classes, once these libraries are there."""

from __future__ import annotations

import sys

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


__all__ = ["introduce"]
