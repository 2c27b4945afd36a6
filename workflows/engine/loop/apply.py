"""All writes of a step into the channels, in task-path order; which channels moved."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from workflows.engine.attributes import Attributes, merged
from workflows.engine.channels import NamedBarrierValue
from workflows.engine.checkpoint.base import Due
from workflows.engine.constants import ATTRIBUTES, GOTO, HANDLED, START
from workflows.engine.errors import InvalidUpdateError
from workflows.engine.kinds import plain_name
from workflows.engine.loop.routes import Routes
from workflows.engine.loop.subscribers import reach_subscribers
from workflows.engine.loop.tasks import Task, order_of
from workflows.engine.loop.view import View
from workflows.engine.types import Send


def apply_writes(
    view: View, tasks: Iterable[Task], *, as_given: bool = False
) -> tuple[list[str], list[Due]]:
    """Put the writes of one step into the channels.

    `tasks` may come in any order; writes are applied in task-path order (R3.9), so a run replays to the same
    state, `as_given` in theirs, which a person chose (R6.11). Returns the names of the channels that moved, and
    what is due next; what the tasks have set of their thread is staged at the view, for whoever saves the step.

    Raises InvalidUpdateError when a channel that keeps one value gets two.
    """
    program = view.run.program
    channels = view.channels
    ordered = list(tasks)
    if len(ordered) > 1 and not as_given:
        ordered.sort(key=order_of)
    writes: dict[str, list[Any]] = {}
    routes = Routes(program)
    staged: Attributes | None = None
    for task in ordered:
        handled = False
        for channel, value in task.writes or ():
            if channel in channels:
                if channel in writes:
                    writes[channel].append(value)
                else:
                    writes[channel] = [value]
            elif channel == GOTO:
                routes.add(value)
            elif channel == HANDLED:
                handled = True
            elif channel == ATTRIBUTES:
                staged = merged(staged, value)
        if not handled:
            follow_edges(routes, writes, task)
    changed = []
    try:
        for channel, values in writes.items():
            if channels[channel].update(values):
                changed.append(channel)
    except InvalidUpdateError as error:
        where, writers = _writers(view, ordered, channel)
        raise InvalidUpdateError(f"{where}{error}. Written by {writers}") from error
    except Exception as error:  # the author's reducer: it stays theirs
        where, writers = _writers(view, ordered, channel)
        error.add_note(f"{where}key {channel!r}, written by {writers}")
        raise
    for channel in program.volatile:
        if channel not in writes and channels[channel].update(()):
            changed.append(channel)
    if program.joins:
        fire_joins(view, routes, writes, changed)
    if program.subscribers:
        reach_subscribers(view, routes, changed)
    view.staged = staged
    waiting = _still_deferred(view, ordered) if program.defers else ()
    return changed, routes.listed(waiting)


def _writers(view: View, tasks: list[Task], channel: str) -> tuple[str, str]:
    """The thread, and the nodes of the step that wrote to the channel, for the text of an error."""
    names = [t.name for t in tasks for name, _ in t.writes or () if name == channel]
    where = f"thread {view.run.thread_id!r}: " if view.run.thread_id else ""
    return where, ", ".join(map(repr, dict.fromkeys(names)))


def follow_edges(routes: Routes, writes: dict[str, list[Any]], task: Task) -> None:
    """The static edges of a task's node: targets are due, joins are told of its arrival."""
    node = task.node
    for target in node.edges:
        routes.reach(target, [f"edge:{task.name}"])
    for join in node.joins:
        writes.setdefault(join, []).append(task.name)


def fire_joins(
    view: View, routes: Routes, writes: dict[str, list[Any]], changed: list[str]
) -> None:
    """Empty the joins that are complete and make their targets due (R1.16)."""
    for name, join in view.run.program.joins.items():
        if name not in writes:
            continue
        barrier = view.channels[name]
        if isinstance(barrier, NamedBarrierValue) and barrier.consume():
            routes.reach(join.target, [name])
            if name not in changed:
                changed.append(name)


def _still_deferred(view: View, ran: list[Task]) -> list[Due]:
    # By item, not by name: a Send to a deferred node does not wait and is another task (R1.26).
    # An update in the name of a node has no item of its own, and stands for whichever waits.
    done = {id(task.due) for task in ran}
    stood_for = {task.name for task in ran if not task.due}
    return [
        item
        for item in view.due
        if item.get("defer") and id(item) not in done and item["node"] not in stood_for
    ]


def goto_targets(goto: Any, where: str) -> list[Any]:
    """What `Command.goto` names, as a list (R1.24 to R1.26).

    Raises InvalidUpdateError for what is neither a target nor several; whether a target is a node is seen later.
    """
    if goto is None:
        return []
    if isinstance(goto, str | Send):
        return [goto]
    if isinstance(goto, Iterable) and not isinstance(goto, bytes | Mapping):
        return list(goto)
    raise InvalidUpdateError(
        f"{where} is {goto!r}; give a node's name, END, a Send, or a list of these"
    )


def due_item(
    target: Any,
    nodes: Mapping[str, Any],
    by: str,
    where: str,
    graph: str,
    first: str = START,
) -> Due:
    """A due item for a name or a `Send`; `first` is what nothing leads to.

    Raises InvalidUpdateError for a target that is no node (R1.22).
    """
    name = plain_name(target.node if isinstance(target, Send) else target)
    if not isinstance(name, str) or name not in nodes or name == first:
        raise InvalidUpdateError(
            f"{where} leads to {name!r}, which is no node of graph {graph!r}; "
            f"it has {', '.join(n for n in nodes if not n.startswith('__'))}"
        )
    item: Due = {"node": name, "by": [by]}
    if isinstance(target, Send):
        item["send"] = target.arg
        if target.timeout is not None:
            item["timeout"] = target.timeout
    return item
