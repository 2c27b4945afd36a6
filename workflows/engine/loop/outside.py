"""What a `Command` says from outside, beside an answer: values and nodes for the present checkpoint."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from workflows.engine.constants import END, GOTO
from workflows.engine.loop import plan
from workflows.engine.loop.apply import due_item, goto_targets
from workflows.engine.loop.routes import Routes
from workflows.engine.loop.subscribers import reach_subscribers, to_channels
from workflows.engine.loop.view import View
from workflows.engine.types import Command


def outside_pairs(view: View, command: Command[Any]) -> list[tuple[str, Any]]:
    """A command's update and goto as writes into the present checkpoint (R5.21, R5.22)."""
    pairs: list[tuple[str, Any]] = []
    program = view.run.program
    if command.update:
        said = f"thread {view.run.thread_id!r}: the caller gave"
        if program.subscribers:
            pairs += to_channels(view, command.update, said)
        else:
            update: Command[Any] = Command(update=command.update)
            found = program.nodes[program.first].write(update, said)
            pairs += [pair for pair in found if pair[0] != GOTO]
    where = f"thread {view.run.thread_id!r}: Command.goto"
    for target in goto_targets(command.goto, where):
        if target != END:  # adds nothing to what is due (R1.25)
            item = due_item(
                target,
                program.nodes,
                "goto:outside",
                where,
                program.name,
                program.first,
            )
            pairs.append((GOTO, item))
    return pairs


def adopt_outside(view: View, *, routes: bool = True) -> None:
    """Take up what was said from outside at this checkpoint, in the order it was said.

    Without `routes` only its values, which belong to the checkpoint whatever becomes of it.
    """
    for task_id in sorted(view.pending):
        if task_id.startswith(plan.OUTSIDE):
            pairs = view.pending[task_id]
            adopt(view, pairs if routes else [p for p in pairs if p[0] != GOTO])


def adopt(view: View, pairs: Iterable[tuple[str, Any]]) -> None:
    """Apply writes to the present checkpoint's channels and due list."""
    writes: dict[str, list[Any]] = {}
    routes = Routes(view.run.program)
    for item in view.due:
        routes.add(item)
    for channel, value in pairs:
        if channel == GOTO:
            routes.add(value)
        elif channel in view.channels:
            writes.setdefault(channel, []).append(value)
    changed = [
        name for name, each in writes.items() if view.channels[name].update(each)
    ]
    view.dirty.update(changed)
    reach_subscribers(view, routes, changed)
    view.due = routes.listed()
