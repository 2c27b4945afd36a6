"""When and what to save: a task's writes as it ends, the checkpoint as the step ends."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from workflows.engine.attributes import merged
from workflows.engine.channels import MISSING, BinaryOperatorAggregate, DeltaChannel
from workflows.engine.checkpoint.base import Closed, Commit, Due, TaskWrites
from workflows.engine.constants import (
    CALL,
    ERROR,
    GOTO,
    INTERRUPT,
    NO_WRITES,
    RESUME,
    UNDO,
)
from workflows.engine.errors import SerdeError, SerializationError
from workflows.engine.loop import effects
from workflows.engine.loop.effects import Steps
from workflows.engine.loop.identity import STAMP
from workflows.engine.loop.paths import path_text
from workflows.engine.loop.resume import end_of_question, questions
from workflows.engine.loop.run import Run
from workflows.engine.loop.tasks import Task
from workflows.engine.loop.view import View, copy_checkpoint
from workflows.engine.serde import canonical
from workflows.engine.serde.plain import is_plain
from workflows.engine.types import Interrupt

_NONE: frozenset[str] = frozenset()
_PLAIN = frozenset({"input", "loop"})
"""Sources whose metadata has nothing but what is told of every step."""
MOST_CUTS = 50
"""So many forks a checkpoint remembers for graphs below (`branches.py`); the newest matter most."""


def advance(
    view: View,
    source: str,
    due: list[Due],
    changed: Iterable[str],
    *,
    step: int | None = None,
    closed: Sequence[Closed] = (),
    extra: dict[str, Any] | None = None,
) -> Commit:
    """Make a new checkpoint the present one; returns what there is to save."""
    run = view.run
    before = view.checkpoint
    floor = view.floor if view.floor > before["id"] else before["id"]
    untracked = run.program.untracked
    kept = [_kept(item, untracked) for item in due] if untracked else due
    checkpoint = copy_checkpoint(before, floor, kept)
    values = checkpoint["channel_values"]
    channels = view.channels
    versions = checkpoint["channel_versions"]
    moved: dict[str, Any] = {}
    appended: set[str] | None = None
    version: Any = None
    if step is None:
        step = view.step + 1
    if run.program.deltas:
        changed = {*changed, *_whole_again(view, step)}
    # In order, so that no stored byte hangs on how texts hash today.
    for name in sorted(changed):
        channel = channels[name]
        if not channel.tracked:
            continue
        if version is None:
            version = view.newest = view.next_version(_newest(view), None)
        value = channel.checkpoint()
        if value is MISSING:
            values.pop(name, None)
        else:
            values[name] = value
            if isinstance(channel, BinaryOperatorAggregate):
                if channel.appended:
                    appended = appended or set()
                    appended.add(name)
                channel.appended = True
        versions[name] = moved[name] = version
    if view.undos_moved:
        if version is None:
            version = view.newest = view.next_version(_newest(view), None)
        if view.undos:
            if UNDO in values:
                appended = {*(appended or ()), UNDO}
            values[UNDO] = view.undo_calls
        versions[UNDO] = moved[UNDO] = version
        view.undos, view.undos_moved = {}, False
    checkpoint["updated_channels"] = [*moved]
    metadata: dict[str, Any] = {
        **run.metadata,
        "source": source,
        "step": step,
        "parents": run.parents,
    }
    if extra is not None:
        metadata |= extra
    if not run.namespace:
        if before["id"] and (before["id"] < view.floor or source == "fork"):
            cut = [before["id"], checkpoint["id"]]
            run.cuts = [*run.cuts, cut][-MOST_CUTS:]
        if run.cuts:
            metadata["left_behind"] = run.cuts
        if run.begun_with is not None:
            metadata |= run.begun_with
    if run.parent_task:
        metadata["task"] = run.parent_task
        metadata["origin"] = run.origin
        if run.parent is not None and run.parent.position:
            metadata["calls_before"] = run.parent.position
        if run.began != -1:
            metadata["began"] = run.began
    if view.left_open:
        stay = {c["id"] for item in due for c in item.get("carried", ())}
        left, view.left_open = view.left_open, []
        closed = [*closed, *(Closed(q, "superseded") for q in left if q not in stay)]
    if view.code:
        metadata[STAMP] = view.code
    commit = Commit(  # in the order of its fields: names cost as much as all else here
        run.thread_id or "",
        run.namespace,
        view.base_id,
        view.held,
        checkpoint,
        metadata,
        moved,
        _NONE if appended is None else frozenset(appended),
        closed,
        run.durability,
        not due,
    )
    if source in _PLAIN:
        commit.is_plain = _is_plain(run, due)
    if view.attributes:
        commit.attributes = view.give_attributes()
    view.held = []
    if run.modes and run.saver is not None and run.durability != "exit":
        view.parent_config = view.config if before["id"] else None
    view.checkpoint = checkpoint
    view.floor = checkpoint["id"]
    view.due = due
    view.step = step
    view.metadata = metadata
    if view.pending:
        view.forget_pending()
    view.saved = False
    return commit


def _newest(view: View) -> Any:
    """The greatest version in the present checkpoint."""
    if view.newest is None:
        versions = view.checkpoint["channel_versions"]
        view.newest = max(versions.values(), default=None)
    return view.newest


def _is_plain(run: Run, due: list[Due]) -> bool:
    """Say whether a step's checkpoint and metadata are plain JSON as they are, apart from the values.

    All is of the engine's own making, but for what the caller gave and what a `Send` or a question carries.
    """
    if run.is_plain is None:
        run.is_plain = is_plain(run.metadata) and is_plain(run.parents)
    if not run.is_plain:
        return False
    for item in due:  # noqa: SIM110 - a generator for the mostly one item costs thrice
        if "send" in item or "carried" in item:
            return False
    return True


def _whole_again(view: View, step: int) -> list[str]:
    """The delta channels whose last whole value is so old that another is saved (R2.8)."""
    found = []
    for name in view.run.program.deltas:
        channel = view.channels[name]
        if isinstance(channel, DeltaChannel) and channel.reach(step):
            found.append(name)
    return found


def step_on(view: View, due: list[Due]) -> None:
    """Go on to the next step where nobody keeps or sees checkpoints."""
    view.held = []
    view.due = due
    view.step += 1
    if view.pending:
        view.forget_pending()


def save_checkpoint(view: View, commit: Commit) -> Steps[None]:
    """Save a checkpoint now, or keep it for the end of the run (R4.4)."""
    if view.run.saver is None:
        return
    if view.run.durability == "exit":
        earlier = view.waiting
        if earlier is not None:
            rewritten = (earlier.changed.keys() - earlier.appended) | (
                commit.changed.keys() - commit.appended
            )
            commit.appended = (earlier.appended | commit.appended) - rewritten
            commit.changed = {**earlier.changed, **commit.changed}
            commit.closed = [*earlier.closed, *commit.closed]
            commit.attributes = merged(earlier.attributes, commit.attributes)
        commit.writes = ()
        view.waiting = commit
        return
    try:
        yield effects.Save(commit)
    except SerializationError as error:
        _name_writer(error, commit)
        raise
    view.base_id = view.checkpoint["id"]
    view.saved = True


def _name_writer(error: SerializationError, commit: Commit) -> None:
    """A value cannot be stored: raise that with the task that wrote it, if one did."""
    writer = next((w for w in commit.writes if not _storable(w)), None)
    if writer is not None:
        raise SerializationError(
            error.path,
            f"task {writer.name!r} ({writer.task_id}) of thread {commit.thread_id!r} "
            f"wrote what cannot be stored: {error.text}",
        ) from error


def _storable(writes: TaskWrites) -> bool:
    try:
        canonical([value for _, value in writes.writes])
    except SerdeError:
        return False
    return True


def save_writes(
    view: View,
    writes: Sequence[TaskWrites],
    closed: Sequence[Closed] = (),
    ending: str = "",
    is_of_run: bool = False,
) -> Steps[None]:
    """Save what tasks of the present step have produced; the last two as in `Commit`."""
    if view.run.saver is None or not (writes or closed):
        return
    if view.run.durability == "exit":
        view.held += writes
        return
    last = any(w.asked or w.error is not None for w in writes)
    saving = Commit(
        view.run.thread_id or "",
        view.run.namespace,
        view.base_id,
        writes=writes,
        closed=closed,
        durability=view.run.durability,
        last=last,
        ending=ending,
        is_of_run=is_of_run,
        attributes=view.give_attributes(),
    )
    try:
        yield effects.Save(saving)
    except SerializationError as error:
        _name_writer(error, saving)
        raise


def finish(view: View) -> Steps[None]:
    """Save what durability "exit" has kept back."""
    if view.run.saver is None:
        return
    waiting, view.waiting = view.waiting, None
    if waiting is not None:
        waiting.last = True
        yield from effects.save(waiting)
        view.base_id = view.id
        view.saved = True
    held, view.held = view.held, []
    if held:
        yield from effects.save(
            Commit(
                view.run.thread_id or "",
                view.run.namespace,
                view.base_id,
                writes=held,
                durability=view.run.durability,
                last=True,
                attributes=view.give_attributes(),
            )
        )


def _kept(item: Due, untracked: frozenset[str]) -> Due:
    """What is due, as it is saved: of what is sent along without the keys that are never saved (R2.7)."""
    given = item.get("send")
    if not isinstance(given, dict) or untracked.isdisjoint(given):
        return item
    return {**item, "send": {k: v for k, v in given.items() if k not in untracked}}


def writes_of(view: View, task: Task) -> TaskWrites:
    """What a finished task saves: all it wrote but what is never saved (R2.7)."""
    pairs = [*(task.writes or ())]
    untracked = view.run.program.untracked
    if untracked and pairs:
        pairs = [
            (GOTO, _kept(value, untracked)) if channel == GOTO else (channel, value)
            for channel, value in pairs
            if channel not in untracked
        ]
        pairs = pairs or [(NO_WRITES, None)]
    return TaskWrites(task.key, path_text(task.path), task.name, pairs)


def failure_of(task: Task, error: BaseException) -> TaskWrites:
    """What a failed task saves: the error as text, and what was asked beside it in its graph.

    Where an error handler has failed, it stays the node's: the next run gives it to the handler again.
    """
    text = repr(error)
    pairs: list[tuple[str, Any]] = [(ERROR, task.caught or text)]
    if task.call is not None:
        pairs.append((CALL, task.call.record))
    elif task.interrupts:
        pairs.append((INTERRUPT, tuple(task.interrupts)))
    return TaskWrites(task.id, task.path_text, task.name, pairs, error=text)


def failures_that_are_history(
    parent: Task, position: int | None = None
) -> list[TaskWrites]:
    """What is saved of failed calls when the body goes on although it has seen them fail (R4.16).

    A body goes on when it calls the next task, or waits for an answer. Without this mark a call
    that failed is made again: calls that were started side by side say nothing of each other,
    so only what the body had seen when it made its call number `position` counts.
    """
    marked = []
    for child in parent.failed_calls:
        call = child.call
        seen_at = None if call is None else call.future.seen_at
        if call is None or seen_at is None:
            continue
        if position is None or position >= seen_at:
            call.record = [*call.record[:5], True]
            pairs: list[tuple[str, Any]] = [(CALL, call.record)]
            marked.append(TaskWrites(child.id, child.path_text, child.name, pairs))
    if marked:
        done = {writes.task_id for writes in marked}
        parent.failed_calls = [c for c in parent.failed_calls if c.id not in done]
    return marked


def questions_of(task: Task, answers: Any = None) -> TaskWrites:
    """What a task saves that waits for an answer; `answers` where its earlier ones changed."""
    pairs: list[tuple[str, Any]] = [(INTERRUPT, tuple(task.interrupts))]
    if answers is not None:
        pairs.append((RESUME, answers))
    if task.call is not None:  # the record tells where graphs that it called have saved
        pairs.append((CALL, task.call.record))
    return TaskWrites(
        task.id,
        task.path_text,
        task.name,
        pairs,
        asked=tuple(task.asked),
    )


def closed_by(view: View, task: Task, still_open: Iterable[str] = ()) -> list[Closed]:
    """The questions of a task's record that are over now that it has gone on."""
    keep = set(still_open)
    ids = [q.id for q in questions(view, task)]
    return [Closed(i, end_of_question(view, i)) for i in ids if i not in keep]


def note_asked_below(task: Task, questions: Iterable[Interrupt]) -> None:
    """Note that a graph which the task is, or has called, failed beside these questions (R5.13)."""
    known = {question.id: question for question in (*task.asked_below, *questions)}
    task.asked_below = tuple(known.values())


def closed_below(task: Task) -> list[Closed]:
    """What was asked in graphs that failed in the task, which went on all the same."""
    left, task.asked_below = task.asked_below, ()
    return [Closed(question.id, "superseded") for question in left]
