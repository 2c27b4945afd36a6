"""`update_state` and its bulk form, over the loop's requests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from workflows.engine.checkpoint.base import Closed, Due
from workflows.engine.constants import COPY, END, GOTO, INPUT, START
from workflows.engine.errors import GraphInterrupt, InvalidUpdateError
from workflows.engine.kinds import plain_name
from workflows.engine.loop import commit, effects, inside
from workflows.engine.loop.apply import apply_writes
from workflows.engine.loop.effects import Steps
from workflows.engine.loop.forking import carried_origin
from workflows.engine.loop.given_updates import check_nodes, updates_of_copy
from workflows.engine.loop.opening import at_head, open_to_supersede
from workflows.engine.loop.outside import adopt_outside
from workflows.engine.loop.plan import due_tasks, ready
from workflows.engine.loop.program import Node, Writes
from workflows.engine.loop.resume import (
    CARRIED,
    carry,
    load_answers,
    questions,
    waits_over,
    without_questions,
)
from workflows.engine.loop.routes import Routes
from workflows.engine.loop.subscribers import put_in, still_called
from workflows.engine.loop.superstep import restore
from workflows.engine.loop.tasks import Task
from workflows.engine.loop.undo_node import NODE as UNDO_NODE
from workflows.engine.loop.undos import left_to_undo
from workflows.engine.loop.view import View
from workflows.engine.types import Command, StateUpdate


def update(view: View, supersteps: Sequence[Sequence[StateUpdate]]) -> Steps[Any]:
    """Apply each list of updates as one step; returns the config of the last checkpoint.

    Raises InvalidUpdateError where it is not clear as which node.
    """
    head = at_head(view)
    view.step = max(view.step, -1)
    for number, step in enumerate(supersteps):
        check_nodes(step)
        yield from _one_step(view, list(step), carrying=head or number > 0)
    yield from commit.finish(view)
    return view.config


def _one_step(view: View, updates: list[StateUpdate], *, carrying: bool) -> Steps[None]:
    first = updates[0]
    if len(updates) == 1 and first.as_node == INPUT:
        yield from _as_input(view, first.values)
        return
    if len(updates) == 1 and first.as_node in (END, COPY):
        yield from _as_mark(view, first, carrying)
        return
    if len(updates) == 1 and _is_copy(view, first):
        yield from _copy(view, "update", carrying)
        return
    work = yield from work_of(view, carrying)
    names = [_node_name(view, work, u) for u in updates]
    tasks = []
    for name, given in zip(names, updates, strict=True):
        tasks.append((yield from _task_as(view, name, given)))
    subscribes = bool(view.run.program.subscribers)
    jump = (
        carrying
        and not subscribes
        and first.as_node is not None
        and not any(name in work.due_names for name in names)
    )
    changed, due = apply_writes(view, tasks, as_given=True)
    changed = sorted({*changed, *work.changed, *view.dirty})
    view.dirty.clear()
    if subscribes or (carrying and not jump):
        explicit = subscribes or first.as_node is not None
        due = work.keep(due, set(names), explicit=explicit)
    closed = work.dropped(due) if carrying else []
    if jump and closed and view.run.warn is not None:
        view.run.warn(
            f"thread {view.run.thread_id!r}: the update as {', '.join(sorted(set(names)))} "
            f"drops what was due ({', '.join(sorted(work.due_names))}) and supersedes "
            f"its open questions: {', '.join(c.interrupt_id for c in closed)}"
        )
    extra: dict[str, Any] = {"wrote": sorted(set(names))}
    if first.as_node is None and work.over:
        extra["over"] = sorted(work.over)
    saving = commit.advance(view, "update", due, changed, closed=closed, extra=extra)
    saving.last = True
    yield from commit.save_checkpoint(view, saving)


def _is_copy(view: View, given: StateUpdate) -> bool:
    """Say whether an update says nothing (R6.7); to an entrypoint None is a value like any other (R8.7)."""
    says_nothing = given.values is None and given.as_node is None
    return says_nothing and bool(view.id) and not view.run.program.functional


def _as_input(view: View, values: Any) -> Steps[None]:
    program = view.run.program
    whose = _whose(view, "the values of an update")
    if values is None or isinstance(values, Command):
        raise InvalidUpdateError(
            f"{whose} are {str(values)[:80]}, which is no input; give the input's keys"
        )
    value = program.accept(values, whose)
    closed = open_to_supersede(view)
    step = view.step + 1 if view.id else -1
    view.forget_pending()
    view.drop_undos()
    due: list[Due]
    if program.subscribers:
        due = put_in(view, value)
    else:
        if not program.functional:
            program.nodes[program.first].write(value)
        due = [{"node": program.first, "by": ["input"], "send": value}]
    kept, view.dirty = view.dirty, set()
    saving = commit.advance(view, "input", due, kept, step=step, closed=closed)
    saving.last = True
    yield from commit.save_checkpoint(view, saving)


def _as_mark(view: View, given: StateUpdate, carrying: bool) -> Steps[None]:
    if given.as_node == COPY:
        if not view.id:
            raise InvalidUpdateError(
                _whose(view, "there is no checkpoint yet of which to make a copy")
            )
        following = updates_of_copy(given.values)
        yield from _copy(view, "fork", False)
        if following:
            yield from _one_step(view, following, carrying=carrying)
        return
    if given.values is not None:
        raise InvalidUpdateError(
            "update_state(as_node=END) ends the thread and takes no values; pass None"
        )
    closed = open_to_supersede(view)
    work = Work(view, True)
    saving = commit.advance(
        view, "update", [], sorted({*work.changed, *view.dirty}), closed=closed
    )
    yield from commit.save_checkpoint(view, saving)


def _copy(view: View, source: str, carrying: bool) -> Steps[None]:
    closed = [] if carrying else open_to_supersede(view)
    work = yield from work_of(view, carrying)
    due = (
        work.keep([], set(), explicit=True)
        if carrying
        else [without_questions(item) for item in view.due]
    )
    saving = commit.advance(
        view,
        source,
        due,
        sorted({*work.changed, *view.dirty}),
        closed=closed,
        extra={"wrote": list(view.metadata.get("wrote") or ())},
    )
    saving.last = True
    yield from commit.save_checkpoint(view, saving)


def work_of(view: View, carrying: bool) -> Steps[Work]:
    """What the present step holds, as an edit finds it."""
    work = Work(view, carrying)
    for task in work.tasks if carrying else ():
        is_over = task.id in work.finished
        if (
            not is_over
            and not work.questions[task.id]
            and (yield from inside.keeps_begun(view, task))
        ):
            work.begun.add(task.id)
    return work


class Work:
    """What the present step holds: what is due, finished, asked (R6.10)."""

    def __init__(self, view: View, carrying: bool) -> None:
        self.view = view
        self.carrying = carrying
        if carrying:
            adopt_outside(view)
        self.items = list(ready(view))
        self.deferred = [item for item in view.due if item not in self.items]
        self.tasks = due_tasks(view)
        self.due_names = {task.name for task in self.tasks}
        self.finished: set[str] = set()
        self.begun: set[str] = set()  # tasks in which a graph below is to go on (R7.5)
        self.changed: list[str] = []
        self.next: list[Due] = []
        self.questions: dict[str, list[Any]] = {}
        self.over: set[str] = set(view.metadata.get("over") or ())
        load_answers(view, self.tasks)
        for task in self.tasks:
            self.questions[task.id] = [carry(q) for q in questions(view, task)]
        if carrying:
            done = restore(view, self.tasks)
            if done and self._apply(done):
                self.finished = {task.id for task in done}
                self.over |= {task.name for task in done}
                self.next = [i for i in self.next if not i.get("defer")] + [
                    i for i in self.next if i.get("defer")
                ]

    def _apply(self, done: list[Task]) -> bool:
        """Put what has finished into the state; False where that fails, as it did in the run (R3.15).

        Then nothing has finished: an update is how such a thread is mended, and its tasks run again.
        """
        view = self.view
        before = view.channels
        view.channels = {key: channel.twin() for key, channel in before.items()}
        try:
            self.changed, self.next = apply_writes(view, done)
        except Exception as error:  # noqa: BLE001 - the author's reducer may raise anything
            view.channels = before
            if view.run.warn is not None:
                view.run.warn(
                    f"thread {view.run.thread_id!r}: what {', '.join(t.name for t in done)} "
                    f"wrote cannot be applied ({error}); the update leaves it out, and what it "
                    "does not stand for runs again"
                )
            return False
        view.take_attributes(view.staged)
        return True

    def keep(self, chosen: list[Due], names: set[str], *, explicit: bool) -> list[Due]:
        """What stays due beside what the update made due; where work is being undone nothing else is due."""
        for task in self.tasks:
            if task.node is UNDO_NODE:
                is_over = task.id in self.finished
                item = left_to_undo(self.view, task)
                return [] if is_over else [self._with_questions(item, task)]
        routes = Routes(self.view.run.program)
        for item in self.next:
            routes.add(item)
        for item, task in zip(self.items, self.tasks, strict=True):
            if task.id in self.finished:
                continue
            if self.view.run.program.subscribers:
                stays = still_called(self.view, item)
            elif explicit or task.name == self.view.run.program.first:
                stays = task.name not in names
            else:
                by = item.get("by", [])
                stays = not by or any(
                    not b.startswith("edge:") or b[5:] not in names for b in by
                )
            if stays:
                routes.add(self._with_questions(item, task))
        gone = [
            (item, task)
            for item, task in zip(self.items, self.tasks, strict=True)
            if task.id not in self.finished and not (explicit and task.name in names)
        ]
        for item in chosen:
            if not explicit and self._is_over(item):
                continue
            routes.add(self._in_place_of(gone, item))
        return routes.listed(self.deferred)

    def _in_place_of(self, gone: list[tuple[Due, Task]], item: Due) -> Due:
        """A chosen item, with the questions of the due one whose place it takes.

        A node takes that of the same node; a `Send` that of one that sends the same, else of
        the next to that node. No place is taken twice.
        """
        alike = [
            pair
            for pair in gone
            if pair[0]["node"] == item["node"]
            and ("send" in pair[0]) == ("send" in item)
        ]
        if not alike:
            return item
        same = [pair for pair in alike if pair[0].get("send") == item.get("send")]
        pair = (same or alike)[0]
        gone.remove(pair)
        carried = self._with_questions(*pair)
        marks: Due = {k: carried[k] for k in CARRIED if k in carried}
        return {**item, **marks}

    def _is_over(self, item: Due) -> bool:
        """Say whether this choice was made before and its task has finished since (R6.10 a)."""
        return "send" not in item and item["node"] in self.over

    def _with_questions(self, item: Due, task: Task) -> Due:
        bare = without_questions(item)
        if not self.carrying:
            return bare
        open_now = [
            q for q in self.questions[task.id] if q["id"] not in self.view.run.answers
        ]
        if task.id in self.begun:
            return {**bare, **carried_origin(task)}
        if not open_now:
            return bare
        over = waits_over(self.view, task)
        more = {"over": over} if over else {}
        return {**bare, "carried": open_now, **carried_origin(task), **more}

    def dropped(self, due: list[Due]) -> list[Closed]:
        """The open questions that are not carried over."""
        kept = {c["id"] for item in due for c in item.get("carried", ())}
        return [
            Closed(q["id"], "superseded")
            for asked in self.questions.values()
            for q in asked
            if q["id"] not in kept
        ]


def _node_name(view: View, work: Work, given: StateUpdate) -> str:
    program = view.run.program
    name = plain_name(given.as_node)
    name = program.identity.aliases.get(name or "", name)
    if name is not None:
        if name == START and program.first == START:
            return program.first
        if name not in program.nodes or name.startswith("__error_handler__"):
            raise InvalidUpdateError(
                f"as_node={name!r} is no node of graph {program.name!r}; it has "
                f"{', '.join(n for n in program.nodes if n != START)}"
            )
        return name
    writers = list(view.metadata.get("wrote") or ())
    if not program.subscribers and (not view.id or writers in ([], [program.first])):
        return program.first
    if len(program.nodes) == 1:
        return next(iter(program.nodes))
    if len(writers) == 1:
        return str(writers[0])
    wrote = f"several nodes wrote in the last step ({', '.join(writers)})"
    raise InvalidUpdateError(
        f"{wrote if writers else 'no node has written yet'}; say which one this update "
        "stands for: as_node="
    )


def _whose(view: View, what: str) -> str:
    return f"thread {view.run.thread_id!r}: {what}"


def _task_as(view: View, name: str, given: StateUpdate) -> Steps[Task]:
    """A task that has 'returned' the values; its node's branches are evaluated (R6.5)."""
    program = view.run.program
    node: Node = program.nodes[name]
    task = Task(node, ("node", name), (view.id, view.step + 1, name))
    run = view.run
    run.live_checkpoint, run.live_step = view.id, view.step + 1
    run.channels = view.channels
    values = given.values
    begins = name == program.first and not program.functional
    if begins and values is not None and not isinstance(values, Command):
        values = program.accept(values, _whose(view, "the values of an update"))
    if program.functional:
        task.writes = [("__previous__", values), (END, values)]
        return task
    task.writes = node.write(
        values, _whose(view, f"update_state as node {name!r} was given")
    )
    if begins and isinstance(values, Command):
        task.writes = _of_the_input(node, task.writes)
    for branch in node.branches:
        channels = {key: channel.twin() for key, channel in view.channels.items()}
        own: dict[str, list[Any]] = {}
        for key, value in task.writes:
            if key in channels:
                own.setdefault(key, []).append(value)
        for key, many in own.items():
            channels[key].update(many)
        state = branch.sees(channels, view.run.limit, values)
        try:
            answer = yield from effects.compute(
                branch.path, (state,), {}, branch.is_async, task, branch.inject
            )
        except GraphInterrupt as pause:
            raise InvalidUpdateError(
                f"branch {branch.name!r} of node {name!r} asks a question, which an update "
                "cannot wait for; update as another node: as_node="
            ) from pause
        task.writes += [(GOTO, item) for item in branch.route(answer)]
    return task


def _of_the_input(start: Node, writes: Writes) -> Writes:
    """What a Command in place of an input may write: the input's keys, and where it leads."""
    keys = {key for key, _ in start.write({k: v for k, v in writes if k != GOTO})}
    return [pair for pair in writes if pair[0] == GOTO or pair[0] in keys]
