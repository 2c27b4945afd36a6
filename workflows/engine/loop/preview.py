"""What an edit of the state would do: the rooms of a real edit, with nothing saved and no task started.

The requests of the loop are answered here where they would change something, so a preview takes
no thread, writes no row and tells nobody. Reducers and branches of the author do run.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from msgspec import Struct, field

from workflows.engine.checkpoint.base import (
    CheckpointTuple,
    Due,
    Place,
    checkpoint_config,
)
from workflows.engine.constants import RESUME, RETURN
from workflows.engine.errors import GraphChangedError
from workflows.engine.loop import effects, fitting, opening, outside, snapshot
from workflows.engine.loop.apply import apply_writes
from workflows.engine.loop.effects import Steps
from workflows.engine.loop.identity import STAMP, Stamp
from workflows.engine.loop.plan import due_tasks
from workflows.engine.loop.resume import questions
from workflows.engine.loop.run import Run
from workflows.engine.loop.superstep import restore
from workflows.engine.loop.tasks import Task, handled_id
from workflows.engine.loop.update import update
from workflows.engine.loop.view import View, is_finished
from workflows.engine.types import Command, StateUpdate

T = TypeVar("T")
_READS = (effects.Load, effects.List, effects.Compute)


class Preview(Struct):
    """What would follow from an edit. Names of nodes stand once for each task.

    `before` and `after` are the values of the state; `faults` says by channel what its reducer
    raised, and then `after` is `before`. Of the tasks due `after` the edit, `again` have begun
    before and run from their first line, `fresh` have not, `waiting` keep an unanswered question
    and do not run yet. `finished` have run already and are not run again; `dropped` were due and
    are not any more. `calls_kept` and `calls_lost` name finished calls of tasks inside of those
    that run again: only a kept one answers from the record.
    """

    before: dict[str, Any]
    after: dict[str, Any]
    faults: dict[str, BaseException] = field(default_factory=dict)
    again: tuple[str, ...] = ()
    fresh: tuple[str, ...] = ()
    waiting: tuple[str, ...] = ()
    finished: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()
    calls_kept: tuple[str, ...] = ()
    calls_lost: tuple[str, ...] = ()
    asked_again: tuple[str, ...] = ()
    """The ids of open questions that are asked again under their id (R6.10)."""
    superseded: tuple[str, ...] = ()
    """The ids of open questions that are over."""
    code_changed: tuple[str, ...] = ()
    """In what the present code differs from that of the thread's head, a line each."""
    refusal: str = ""
    """Why the next run would not go on with the thread."""
    warnings: tuple[str, ...] = ()


def preview(
    run: Run, values: Mapping[str, Any], answering: Sequence[str] | None = None
) -> Steps[Preview]:
    """The consequences of `update_state(values)` at the head.

    With `answering`, of `Command(resume={id: ...}, update=values)` for the questions of these
    ids. Raises what the real edit would raise, but for the faults of single reducers.
    """
    return _dry(_preview(run, dict(values), answering))


def _dry(steps: Steps[T]) -> Steps[T]:
    """Hand on what reads; what would write or tell is answered as if it were done."""
    answer: Any = None
    failed: BaseException | None = None
    while True:
        try:
            request = steps.send(answer) if failed is None else steps.throw(failed)
        except StopIteration as end:
            found: T = end.value
            return found
        answer = failed = None
        if isinstance(request, _READS):
            try:
                answer = yield request
            except Exception as error:  # noqa: BLE001 - the steps are told
                failed = error
        elif isinstance(request, effects.Open):
            answer = Place(request.thread_id, "")
        elif not isinstance(request, effects.Save | effects.Emit):
            raise AssertionError(f"a preview does not run tasks: {request!r}")


def _preview(
    run: Run, values: dict[str, Any], answering: Sequence[str] | None
) -> Steps[Preview]:
    warnings: list[str] = []
    run.warn = warnings.append
    saved = yield from effects.load(
        checkpoint_config(run.thread_id or "", run.namespace)
    )
    if saved is None:
        found = Preview({}, {}, _faults((yield from opening.load_view(run)), values))
        if not found.faults:
            found.after = yield from _updated(run, values, found, None)
        return found
    told = yield from snapshot.describe(run, saved, with_pending=True)
    now = Standing(run, saved)
    found = Preview(dict(told.values), dict(told.values), _faults(now.view, values))
    found.finished = tuple(task.name for task in now.finished)
    found.code_changed = tuple(_difference(now.view))
    if found.faults:
        return found
    if answering is None:
        found.after = yield from _updated(run, values, found, now)
    else:
        found.after = yield from _answered(run, values, found, now, answering)
    found.warnings = tuple(warnings)
    return found


class Standing:
    """Where the head stands before the edit: its tasks, and how far each has come."""

    def __init__(self, run: Run, saved: CheckpointTuple) -> None:
        self.view = view = View(run)
        view.take(saved)
        view.code = run.program.identity.text(run.program)
        outside.adopt_outside(view)
        self.tasks = due_tasks(view)
        self.finished = [t for t in self.tasks if self._has(t, is_finished)]
        self.open = [task for task in self.tasks if task not in self.finished]
        self.begun = [t for t in self.open if self._has(t, bool) or "carried" in t.due]

    def _has(self, task: Task, holds: Callable[[Any], bool]) -> bool:
        return holds(self.view.pending.get(task.id, []))

    def asked(self, tasks: Iterable[Task]) -> list[str]:
        """The ids of the questions of these tasks that have no answer."""
        given = {
            key
            for task in self.tasks
            for key in (self.view.record_of(task.id, RESUME) or {})
        }
        asked = [q.id for task in tasks for q in questions(self.view, task)]
        return [each for each in dict.fromkeys(asked) if each not in given]

    def calls(self, tasks: Iterable[Task]) -> tuple[str, ...]:
        """The names of the finished calls that these tasks have on record, in order."""
        records = [
            record
            for task in tasks
            for body in (task.id, handled_id(task.id))
            for child, record in self.view.recorded.get(body, {}).items()
            if any(channel == RETURN for channel, _ in self.view.pending[child])
        ]
        return tuple(str(record[1]) for record in sorted(records, key=lambda r: r[3]))


def _faults(view: View, values: Mapping[str, Any]) -> dict[str, BaseException]:
    """What each channel's reducer says to its value, tried on a copy."""
    found: dict[str, BaseException] = {}
    for name, value in values.items():
        channel = view.channels.get(name)
        if channel is None:
            continue
        trial = channel.fresh()
        try:
            if channel.is_available():
                trial.load(copy.deepcopy(channel.checkpoint()))
            trial.update([copy.deepcopy(value)])
        except Exception as error:  # noqa: BLE001 - the author's reducer may raise anything
            found[name] = error
    return found


def _updated(
    run: Run, values: dict[str, Any], found: Preview, now: Standing | None
) -> Steps[dict[str, Any]]:
    view = yield from opening.load_view(run)
    yield from fitting.fit_for_edit(view)
    yield from update(view, [[StateUpdate(values, None, None)]])
    due = [item["node"] for item in view.due]
    begun = [task.name for task in now.begun] if now else []
    found.again, found.fresh = _split(due, begun)
    if now is not None:
        _, found.dropped = _split([task.name for task in now.open], due)
        found.calls_lost = now.calls(now.begun)
        carried = _carried(view.due)
        asked = now.asked(now.open)
        found.asked_again = tuple(each for each in asked if each in carried)
        found.superseded = tuple(each for each in asked if each not in carried)
    after = _state(view)
    try:
        yield from fitting.fit(view, None)
    except GraphChangedError as error:
        found.refusal = str(error)
    return after


def _answered(
    run: Run,
    values: dict[str, Any],
    found: Preview,
    now: Standing,
    answering: Sequence[str],
) -> Steps[dict[str, Any]]:
    command: Command[Any] = Command(resume=dict.fromkeys(answering), update=values)
    view = yield from opening.load_view(run)
    try:
        yield from fitting.fit(view, command)
    except GraphChangedError as error:
        found.refusal = str(error)
        return found.before
    outside.adopt_outside(view)
    outside.adopt(view, outside.outside_pairs(view, command))
    given = set(answering)
    asks = {task.id: now.asked([task]) for task in now.open}
    runs = [t for t in now.open if not asks[t.id] or given & set(asks[t.id])]
    begun = {task.id for task in now.begun}
    found.again = tuple(task.name for task in runs if task.id in begun)
    found.fresh = tuple(task.name for task in runs if task.id not in begun)
    found.waiting = tuple(task.name for task in now.open if task not in runs)
    found.calls_kept = now.calls(runs)
    apply_writes(view, restore(view, due_tasks(view)))
    return _state(view)


def _state(view: View) -> dict[str, Any]:
    shown = view.values(view.run.stream_keys or view.run.program.stream_keys)
    return dict(shown) if isinstance(shown, dict) else {}


def _carried(due: Iterable[Due]) -> set[str]:
    return {each["id"] for item in due for each in item.get("carried", ())}


def _split(
    names: Iterable[str], known: Iterable[str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Those of `names` that stand in `known`, each as often as there, and the rest."""
    left = list(known)
    inside, outside = [], []
    for name in names:
        if name in left:
            left.remove(name)
            inside.append(name)
        else:
            outside.append(name)
    return tuple(inside), tuple(outside)


def _difference(view: View) -> list[str]:
    text = view.metadata.get(STAMP)
    saved = Stamp.read(text)
    if text == view.code or saved is None or not saved.fingerprint:
        return []
    return saved.difference(view.run.program.identity.stamp(view.run.program))
