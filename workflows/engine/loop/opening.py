"""Input, `None` or `Command` -> where the run begins: fresh start, continue, resume, fork."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from workflows.engine.checkpoint.base import (
    Asked,
    CheckpointTuple,
    Closed,
    Commit,
    Due,
    TaskWrites,
    checkpoint_config,
)
from workflows.engine.constants import ERROR, INTERRUPT, RESUME, UNDO
from workflows.engine.errors import (
    CheckpointNotFoundError,
    EmptyInputError,
)
from workflows.engine.loop import (
    branches,
    chunks,
    commit,
    effects,
    inside,
    lifecycle,
    plan,
)
from workflows.engine.loop.effects import Steps
from workflows.engine.loop.forking import carried_origin
from workflows.engine.loop.late import matched
from workflows.engine.loop.notes import notes_of
from workflows.engine.loop.outside import adopt, adopt_outside, outside_pairs
from workflows.engine.loop.resume import (
    carried,
    carry,
    question_digest,
    questions,
    without_questions,
)
from workflows.engine.loop.run import Run
from workflows.engine.loop.sleeping import sleep_out
from workflows.engine.loop.subscribers import put_in
from workflows.engine.loop.superstep import restore
from workflows.engine.loop.view import View
from workflows.engine.types import Command


def load_view(run: Run, *, answers: bool = False) -> Steps[View]:
    """Take the thread and stand at the checkpoint the config names, else at the head.

    Where the call `answers`, one inside a graph below stands for its replay, if that waits now.
    Raises CheckpointNotFoundError, and what `open` raises.
    """
    view = View(run)
    if run.saver is None:
        view.take(None)
        return view
    view.code = run.program.identity.text(run.program)
    thread_id = run.thread_id or ""
    if run.is_root:
        place = yield from effects.open_thread(thread_id, run.expected_head)
        run.run_id = run.run_id or place.run_id
        run.reached = place.reached
        run.place = place
    if answers and run.inside and (yield from branches.waits_in_fork(run)):
        run.inside = {}
    if run.inside:
        around = dict((yield from branches.parents_of(run)))
        run.checkpoint_id = around.pop("", None)
        run.inside = {**around, **run.inside}
    head = yield from effects.load(checkpoint_config(thread_id, run.namespace))
    saved = head
    if run.cuts and head is not None:
        saved = yield from branches.newest(run, head)
    if run.places and run.namespace:
        named = yield from branches.begins_at(run, saved)
        view.begins_inside = named is not None
        saved = named or saved
    if run.checkpoint_id is not None:
        if head is None or head.checkpoint["id"] != run.checkpoint_id:
            saved = yield from effects.load(
                checkpoint_config(thread_id, run.namespace, run.checkpoint_id)
            )
        if saved is None:
            raise CheckpointNotFoundError(thread_id, run.checkpoint_id)
    view.take(saved)
    if not run.namespace:
        run.cuts = view.metadata.get("left_behind", ())
        run.begun_with = notes_of(view.metadata)
        places = view.metadata.get("inside")
        if places:
            run.places = {**places, "": view.id}
    if head is not None:
        view.floor = head.checkpoint["id"]
        if head is not saved and run.is_root:
            view.left_open = open_at(run, head)
    return view


def at_head(view: View) -> bool:
    """Say whether the view stands at the newest checkpoint."""
    return view.id == view.floor


def enter(view: View, given: Any) -> Steps[bool]:
    """Turn what the caller gave into due tasks; False where there is nothing to run."""
    run = view.run
    if view.begins_inside:
        run.began = int(view.metadata.get("began", -1))
        run.went_on, run.is_silent = True, bool(run.program.subscribers)
        yield from _begin_anew(view)
        yield from _go_on(view)
        return bool(view.due)
    if was_begun(view):
        run.began = int(view.metadata.get("began", -1))
        run.went_on, run.is_silent = True, bool(run.program.subscribers)
        run.taken_over = view.metadata.get("task") != run.parent_task
        adopt_outside(view)
        yield from _go_on(view)
        return bool(view.due)
    if isinstance(given, Command):
        yield from _command(view, given)
        return bool(view.due)
    if given is not None:
        yield from _input(view, given)
        return True
    if run.saver is None or not view.id:
        raise EmptyInputError(
            "there is no input and nothing to continue"
            + (f" on thread {run.thread_id!r}" if run.thread_id else "")
            + (
                "; a thread begins with an input, and goes on with None"
                if run.saver
                else "; without a checkpointer every call needs an input"
            )
        )
    if run.checkpoint_id is not None and run.is_root:
        yield from _begin_anew(view)
    else:
        adopt_outside(view)
        yield from sleep_out(view)
    yield from _go_on(view)
    return bool(view.due)


def passes_break(view: View, given: Any, *, was_there: bool) -> bool:
    """Say whether the first step runs although a breakpoint stands before it (R5.26).

    A call that goes on (`was_there`: the thread had a checkpoint) has been held there already; a
    subgraph that is called anew has not, nor a run that came here before its worker was lost.
    """
    run = view.run
    if run.namespace in run.reached:
        return False
    told = was_there and isinstance(given, Command)
    return given is None or told or (run.resuming and run.is_root) or run.went_on


def was_begun(view: View) -> bool:
    """Say whether this call of a subgraph was begun before its parent's task was stopped."""
    run = view.run
    return (
        run.outer is not None
        and run.saver is not None
        and bool(view.id)
        and (
            view.metadata.get("task") == run.parent_task
            # An edit has carried over what the task asks: it is called again where it stood.
            or (bool(view.due) and view.metadata.get("origin") == run.origin)
        )
    )


def _go_on(view: View) -> Steps[None]:
    if view.run.program.subscribers:
        view.output = view.values(view.run.program.output_keys)
    yield from lifecycle.resumed(view)
    yield from _show(view)


def _show(view: View) -> Steps[None]:
    yield from chunks.values(view)
    if view.run.modes & {"checkpoints", "debug"}:
        tasks = plan.due_tasks(view)
        restore(view, tasks)
        yield from chunks.checkpoint(view, tasks)


def _input(view: View, given: Any) -> Steps[None]:
    program = view.run.program
    value = program.accept(given)
    closed = open_to_supersede(view)
    adopt_outside(view, routes=False)  # the update of a Command stays (R3.14)
    view.forget_pending()
    if UNDO in view.checkpoint["channel_values"]:  # of work that is over
        view.drop_undos()
    due: list[Due]
    if program.subscribers:
        due = put_in(view, value)
    else:
        due = [{"node": program.first, "by": ["input"], "send": value}]
    step = max(view.step, -2) + 1
    view.run.began = step
    kept, view.dirty = view.dirty, set()
    saving = commit.advance(view, "input", due, kept, step=step, closed=closed)
    saving.last = False
    shows = bool(view.run.modes & {"checkpoints", "debug"})
    # Without a branch on START what follows is the checkpoint that the input makes.
    first = program.nodes.get(program.first)
    starts_at_once = first is not None and not (program.functional or first.branches)
    saving.is_followed = starts_at_once and not shows and view.run.durability != "exit"
    yield from commit.save_checkpoint(view, saving)
    if shows:
        yield from chunks.checkpoint(view, plan.due_tasks(view))
    if program.functional:
        return


def open_to_supersede(view: View) -> list[Closed]:
    """The open questions of the present step, which a new beginning drops (R3.14).

    At an older checkpoint there are none: those of the head are in `view.left_open`.
    """
    if not at_head(view):
        return []
    return [Closed(each, "superseded") for each in asked_at(view)]


def asked_at(view: View) -> list[str]:
    """The ids of what the tasks of the present step ask, and of what was carried over to them."""
    found = [q.id for task_id in view.pending for q in view.questions_of(task_id)]
    found += [c["id"] for item in view.due for c in item.get("carried", ())]
    return list(dict.fromkeys(found))


def open_at(run: Run, head: CheckpointTuple) -> list[str]:
    """The questions that stay behind when a run goes on from before `head`; answered ones, too."""
    there = View(run)
    there.due = list(head.checkpoint.get("due") or [])
    there.remember(head.pending_writes or ())
    return asked_at(there)


def _command(view: View, command: Command[Any]) -> Steps[None]:
    run = view.run
    if command.resume is None and not command.update and not command.goto:
        raise EmptyInputError(
            "Command() says nothing: give it resume=, update= or goto= "
            "(to answer a question with None: resume={interrupt_id: None})"
        )
    outside = outside_pairs(view, command)
    answers: list[TaskWrites] = []
    if command.resume is not None:
        if run.saver is None:
            raise RuntimeError(
                "Command(resume=...) needs a checkpointer: compile(checkpointer=...)"
            )
        yield from branches.check_answers_newest(run)
        fork = None
        if run.checkpoint_id is not None and not at_head(view):
            fork, answers = _fork_open_questions(view)
        adopt_outside(view)
        given = yield from matched(view, command.resume, is_forked=fork is not None)
        answers = merged(answers, given)
        if fork is not None:  # not before the answer is found to fit
            yield from commit.save_checkpoint(view, fork)
            answers += _reopened(view)
    elif run.checkpoint_id is not None and run.is_root:
        if (yield from _begin_anew(view, outside)):
            outside = []  # it is part of the fork
    else:
        adopt_outside(view)
    if outside and not view.id:
        saving = commit.advance(view, "input", [], (), step=-1)
        saving.last = False
        yield from commit.save_checkpoint(view, saving)
    if outside:
        number = sum(1 for task_id in view.pending if task_id.startswith(plan.OUTSIDE))
        task_id = f"{plan.OUTSIDE}{number:012d}"
        view.pending[task_id] = list(outside)
        adopt(view, outside)
        answers.append(TaskWrites(task_id, "", "", outside))
    yield from commit.save_writes(view, answers, is_of_run=True)
    for writes in answers:
        if not writes.task_id.startswith(plan.OUTSIDE):
            view.note_answers(writes)
    yield from _go_on(view)


def _begin_anew(view: View, outside: Sequence[tuple[str, Any]] = ()) -> Steps[bool]:
    """Let all that was due at the given checkpoint run anew: in a fork, which holds what is said from outside (R6.12).

    False where the checkpoint serves as its own fork.
    """
    run = view.run
    if run.is_root and not run.inside and (yield from _is_own_fork(view)):
        view.forget_pending()
        return False
    if run.is_root and run.warn is not None:
        run.warn(
            f"thread {run.thread_id!r}: this config names checkpoint {view.id}, so "
            "the run forks there and runs anew what was due; without checkpoint_id it "
            "goes on where the thread stands (RA.8)"
        )
    closed = open_to_supersede(view) if run.is_root else []
    adopt_outside(view)
    adopt(view, outside)
    view.forget_pending()
    due = [without_questions(item) for item in view.due]
    extra: dict[str, Any] = {"wrote": list(view.metadata.get("wrote") or ())}
    if run.inside:
        extra["inside"] = run.inside
    kept, view.dirty = view.dirty, set()
    saving = commit.advance(view, "fork", due, kept, closed=closed, extra=extra)
    saving.last = False
    yield from commit.save_checkpoint(view, saving)
    if run.is_root:
        run.places = {**run.inside, "": view.id}
    return True


def _is_own_fork(view: View) -> Steps[bool]:
    """Say whether an edit made this head, and its tasks have left nothing that counts, here or below."""
    edited = at_head(view) and view.metadata.get("source") in ("update", "fork")
    if not edited or any(map(_counts, view.pending.values())):
        return False
    return not (yield from inside.is_begun(view, plan.due_tasks(view)))


def _counts(pairs: list[tuple[str, Any]]) -> bool:
    """Say whether a record holds more than questions and errors, which a new run overwrites."""
    return any(channel not in (INTERRUPT, ERROR) for channel, _ in pairs)


def _fork_open_questions(view: View) -> tuple[Commit, list[TaskWrites]]:
    """Fork an old interrupted checkpoint so that its questions can be answered again (R6.15)."""
    due, earlier = asked_again(view)
    view.forget_pending()
    saving = commit.advance(view, "fork", due, ())
    saving.last = False
    return saving, answered_before(view, earlier)


def asked_again(view: View) -> tuple[list[Due], dict[str, Any]]:
    """What is due at an old checkpoint, where each task's last questions are open again.

    What was answered before them counts as it did: the second part holds it, by the origin of its
    task, to be saved with the fork.
    """
    fresh: list[Due] = []
    earlier: dict[str, Any] = {}
    for item, task in zip(plan.ready(view), plan.due_tasks(view), strict=True):
        asked = questions(view, task)
        item = without_questions(item)
        if asked:
            carries = [carry(q) for q in asked]
            item = {**item, "carried": carries, **carried_origin(task)}
        again = {question.id for question in asked}
        given = view.record_of(task.id, RESUME) or {}
        earlier[task.origin] = {k: v for k, v in given.items() if k not in again}
        fresh.append(item)
    waiting = [item for item in view.due if item not in plan.ready(view)]
    return [*fresh, *waiting], earlier


def answered_before(view: View, earlier: dict[str, Any]) -> list[TaskWrites]:
    """Give the tasks of a fork the answers that were given before it; what there is to save."""
    kept = []
    for task in plan.due_tasks(view):
        given = earlier.get(task.origin)
        if given:
            view.pending[task.id] = [(RESUME, given)]
            kept.append(
                TaskWrites(task.id, task.path_text, task.name, [(RESUME, given)])
            )
    return kept


def _reopened(view: View) -> list[TaskWrites]:
    """The questions of a fork that have no answer yet; they had been closed with the old branch."""
    found = []
    for task in plan.due_tasks(view):
        waiting = [q for q in carried(task) if q.id not in view.run.answers]
        if waiting:
            task.interrupts = waiting
            task.asked = [
                Asked(q, number, None, question_digest(q.value) or "")
                for number, q in enumerate(waiting)
            ]
            found.append(commit.questions_of(task))
    return found


def merged(kept: list[TaskWrites], answers: list[TaskWrites]) -> list[TaskWrites]:
    """Both, one of a task: what `match` gives holds the earlier answers of its task."""
    given = {writes.task_id for writes in answers}
    return [*(w for w in kept if w.task_id not in given), *answers]
