"""Does a saved thread fit the code that opens it now, and what follows if not (R4.20, R4.21, RB.12).

Nothing is written before it is clear that the run may go on.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

from workflows.engine.channels import is_journal, unfolded
from workflows.engine.checkpoint.base import Due
from workflows.engine.constants import UNDO
from workflows.engine.errors import GraphChangedError
from workflows.engine.loop import commit, effects, opening, plan
from workflows.engine.loop.effects import Steps
from workflows.engine.loop.identity import STAMP, Stamp
from workflows.engine.loop.renaming import is_join, parts_of_join
from workflows.engine.loop.resume import without_questions
from workflows.engine.loop.update import Work
from workflows.engine.loop.view import View, is_finished
from workflows.engine.types import Command


def fit(view: View, given: Any) -> Steps[None]:
    """Before a run: migrate what other code has saved, or refuse, warn or say nothing.

    Raises GraphChangedError with the difference; then nothing was written.
    """
    found = _other_code(view)
    if found is None:
        return
    run = view.run
    begun = run.outer is not None and opening.was_begun(view)
    if begun:
        run.began = int(view.metadata.get("began", -1))
    goes_on = begun or given is None or isinstance(given, Command)
    _refuse_other_name(view, found)
    wanted = run.program.identity.on_change
    if callable(wanted):
        yield from _migrate(view, found, given, goes_on)
        return
    _refuse_missing(view, goes_on)
    _tell_dropped(view)
    if not found.fingerprint:
        return
    if wanted is None and run.program.functional:
        wanted = "warn" if goes_on and view.due and view.pending else "continue"
    if wanted == "refuse":
        raise _changed(view, "is set to refuse it", _difference(view, found))
    if wanted == "warn" and run.warn is not None:
        run.warn(
            f"thread {run.thread_id!r} was saved by other code of {run.program.name!r}: "
            f"{'; '.join(_difference(view, found))}. It goes on with the present code."
        )


def fit_for_edit(view: View) -> Steps[None]:
    """Before an edit: migrate; otherwise leave it to the next run to judge the change.

    Raises GraphChangedError for another graph, and where a migration does not fit.
    """
    found = _other_code(view)
    if found is None:
        return
    _refuse_other_name(view, found)
    if callable(view.run.program.identity.on_change):
        yield from _migrate(view, found, None, False)
        return
    _tell_dropped(view)
    view.code = str(found) if found.fingerprint else ""


def _other_code(view: View) -> Stamp | None:
    """The stamp of the checkpoint, where other code than ours wrote it; else None.

    A checkpoint without a stamp counts as other code of which nothing is known.
    """
    if view.run.saver is None or not view.id:
        return None
    text = view.metadata.get(STAMP)
    if text == view.code:
        return None
    return Stamp.read(text) or Stamp("", "", "")


def _refuse_other_name(view: View, found: Stamp) -> None:
    identity = view.run.program.identity
    if found.name and identity.name and found.name != identity.name:
        raise _changed(
            view,
            "belongs to another graph",
            [f"graph name: {found.name} -> {identity.name}"],
        )


def _refuse_missing(view: View, goes_on: bool) -> None:
    missing = _missing_nodes(view) if goes_on else []
    missing += _missing_joins(view, goes_on)
    if missing:
        raise _changed(view, "does not fit it any more", missing)


def _missing_nodes(view: View) -> list[str]:
    nodes = {*view.run.program.nodes, UNDO}
    gone = dict.fromkeys(i["node"] for i in view.due if i["node"] not in nodes)
    return [f"missing node: {name!r}" for name in gone]


def _missing_joins(view: View, goes_on: bool) -> list[str]:
    """Saved data without a channel that somebody still needs: who arrived at a waiting edge."""
    program = view.run.program
    lines = []
    for key, value in _orphans(view).items():
        if not is_join(key):
            continue
        starts, target = parts_of_join(key)
        waits = any(join.target == target for join in program.joins.values())
        if goes_on and view.due and waits:
            lines.append(
                f"missing join: {' + '.join(starts)} -> {target} "
                f"(arrived: {', '.join(value)})"
            )
    return lines


def _orphans(view: View) -> dict[str, Any]:
    channels = {*view.run.program.channels, UNDO}
    values = view.checkpoint["channel_values"]
    return {key: value for key, value in values.items() if key not in channels}


def _tell_dropped(view: View) -> None:
    orphans = ", ".join(sorted(_orphans(view)))
    if orphans and view.run.warn is not None:
        view.run.warn(
            f"thread {view.run.thread_id!r} holds data that graph "
            f"{view.run.program.name!r} has no key for: {orphans}. It is left out from "
            f"here on and stays in checkpoint {view.id}."
        )


def _difference(view: View, found: Stamp) -> list[str]:
    identity = view.run.program.identity
    return found.difference(identity.stamp(view.run.program))


def _changed(view: View, what: str, diff: Sequence[str]) -> GraphChangedError:
    program = view.run.program
    nodes = ", ".join(n for n in program.nodes if not n.startswith("__"))
    return GraphChangedError(
        f"thread {view.run.thread_id!r} was saved by other code, and graph "
        f"{program.name!r} {what}: {'; '.join(diff)} (its nodes: {nodes}). Bring back "
        'what is missing, name what took its place, compile(aliases={"old": "new"}) or '
        "on_change=migrate, or move the thread on with update_state."
        f"{' Nothing was written.' if view.run.is_root else ''}",
        diff,
    )


def _migrate(view: View, found: Stamp, given: Any, goes_on: bool) -> Steps[None]:
    """Let the author's function bring the checkpoint to the present code, and save that once.

    It is an edit (R6.10): what has finished is applied before, open questions stay with their
    ids, tasks begin anew.
    """
    lost = [i["node"] for i in view.due if _is_finished_and_gone(view, i)]
    if lost and goes_on:
        raise _changed(
            view, "lacks what has run", [f"missing node: {n!r}" for n in lost]
        )
    run = view.run
    identity = run.program.identity
    migrate: Any = identity.on_change
    wrote = list(view.metadata.get("wrote") or ())
    changed: Sequence[str] = ()
    closed = opening.open_to_supersede(view)
    earlier: dict[str, Any] = {}
    work = None
    if opening.at_head(view) and not (goes_on and given is None and run.checkpoint_id):
        work = Work(view, carrying=True)
        changed = work.changed
        due = work.keep([], set(), explicit=True)
    elif isinstance(given, Command) and given.resume is not None:
        due, earlier = opening.asked_again(view)
    else:  # a fork, where all runs anew (R6.12)
        due = [without_questions(item) for item in view.due]
    before = {
        **view.checkpoint,
        "channel_values": _values_now(view, changed),
        "due": [dict(item) for item in due],
    }
    is_async = inspect.iscoroutinefunction(migrate)
    old, new = found.version or None, identity.version or None
    after = yield from effects.compute(migrate, (old, before), {}, is_async)
    due = _taken(view, after)
    _refuse_missing(view, goes_on)
    if work is not None:
        closed = work.dropped(due)
    saving = commit.advance(
        view,
        "update",
        due,
        sorted({*view.channels, *changed}),
        closed=closed,
        extra={"wrote": wrote, "migrated": {"from": old, "to": new}},
    )
    saving.last = False
    yield from commit.save_checkpoint(view, saving)
    yield from commit.save_writes(view, opening.answered_before(view, earlier))


def _is_finished_and_gone(view: View, item: Due) -> bool:
    if item["node"] in view.run.program.nodes or item["node"] == UNDO:
        return False
    tasks = [task for task in plan.due_tasks(view) if task.due is item]
    return any(is_finished(view.pending.get(task.id, [])) for task in tasks)


def _values_now(view: View, changed: Sequence[str]) -> dict[str, Any]:
    """The saved values, those without a channel too, with what finished work has changed."""
    values = dict(view.checkpoint["channel_values"])
    for key in {*changed, *view.dirty}:
        channel = view.channels[key]
        if channel.tracked:
            values.pop(key, None)
            if channel.is_available() or is_join(key):
                values[key] = channel.checkpoint()
    for key, value in values.items():
        if is_journal(value):  # nobody but its channel can read that
            known = view.channels.get(key)
            values[key] = unfolded(value) if known is None else known.get()
    return values


def _taken(view: View, after: Any) -> list[Due]:
    """Stand at the migrated checkpoint; returns what is due there."""
    if not isinstance(after, dict) or not isinstance(after.get("channel_values"), dict):
        raise TypeError(
            f"thread {view.run.thread_id!r}: the migrate function of graph "
            f"{view.run.program.name!r} returned {type(after).__name__}; it has to return "
            "the checkpoint that it was given, changed. Nothing was written."
        )
    values = after["channel_values"]
    for key, template in view.run.program.channels.items():
        channel = template.fresh()
        if key in values:
            channel.load(values[key])
            if hasattr(channel, "appended"):
                # What a list begins with may have been changed, too.
                channel.appended = False
        view.channels[key] = channel
    kept = {k: v for k, v in values.items() if k in view.channels or k == UNDO}
    view.checkpoint = {**view.checkpoint, "channel_values": kept}
    view.due = list(after.get("due") or ())
    view.dirty.clear()
    return view.due
