"""`continue_as_new`: an entrypoint that goes on for long begins again, with an empty record (RB.15)."""

from __future__ import annotations

from typing import Any, NoReturn

from workflows.engine.errors import BeginsAnew
from workflows.engine.runtime import task_context

CALLER = "continue_as_new()"
_UNCHANGED: Any = object()


def continue_as_new(input: Any, *, save: Any = _UNCHANGED) -> NoReturn:
    """End the body of an entrypoint here and begin it again with `input` and an empty record (RB.15).

    For work without an end, such as one that takes a signal at a time: the record of a body is gone over whenever it
    begins again, and may hold 10,000 entries. `save` is the next body's `previous`; without it `previous` stays. The thread and its history,
    its attributes, its mailbox and what undoes its work stay too, and whoever called the graph is given what the
    last body returns. The steps of `recursion_limit` are counted anew. Calls that nobody has waited for are let end before.

    Call it in the entrypoint's own body; it never returns, and it passes an `except Exception` only where that raises
    GraphBubbleUp on. Raises RuntimeError in a `@task`, in a node, outside a graph and where nothing saves the thread.
    """
    context: Any = task_context(CALLER)
    context.meet_stop()
    task, run = context.task, context.run
    if task.call is not None or not run.program.functional:
        what = "@task" if task.call is not None else "node"
        instead = (
            "let the entrypoint that calls it do that"
            if task.call is not None
            else "lead an edge back to the node, or return Command(goto=...)"
        )
        raise RuntimeError(
            f"{CALLER} was called in {what} {task.name!r}; it ends the body of an entrypoint: {instead}"
        )
    if run.saver is None:
        raise RuntimeError(
            f"{CALLER} was called in {task.name!r}, whose thread nobody saves: compile it with checkpointer=..., or "
            "write a loop"
        )
    context.begins_anew = BeginsAnew(input, () if save is _UNCHANGED else (save,))
    raise context.begins_anew
