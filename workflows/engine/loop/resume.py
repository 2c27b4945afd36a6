"""Which answer belongs to which question; must the step pause before or after."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from workflows.engine import ids
from workflows.engine.checkpoint.base import Asked, Due, TaskWrites
from workflows.engine.constants import ERROR, HANDLER_OF, INTERRUPT, RESUME
from workflows.engine.errors import (
    CompensationFailed,
    SerdeError,
    UnknownInterruptError,
)
from workflows.engine.loop.forking import origin_here
from workflows.engine.loop.plan import due_tasks
from workflows.engine.loop.run import Answer, Run
from workflows.engine.loop.tasks import Task, handled_id
from workflows.engine.loop.undo_node import is_stop
from workflows.engine.loop.view import View, is_finished
from workflows.engine.response_schemas import check_answer
from workflows.engine.serde import canonical
from workflows.engine.types import Interrupt
from workflows.engine.waits import (
    TIME_IS_UP,
    ChildEnded,
    Sleep,
    Wait,
    questions_among,
)

SLEPT = "slept"
SIGNALLED = "signalled"
TIMED_OUT = "timed out"
WITHDRAWN = "withdrawn"
"""In the place of the digest of a question, where a wait is over: how it ended.

What was withdrawn has lost to another of its group (RB.4).
"""
_ENDS = (SLEPT, SIGNALLED, TIMED_OUT)
CARRIED = ("carried", "origin", "over", "forks")
"""What of a due item is carried over an edit."""


def question_digest(value: Any) -> str | None:
    """A digest of what was asked; None where it does not serialize."""
    try:
        return ids.digest(canonical(value))
    except SerdeError:
        return None


def open_questions(view: View, tasks: list[Task]) -> list[tuple[Task, Interrupt]]:
    """The questions without an answer, in task order."""
    found = []
    for task in tasks:
        if is_finished(view.pending.get(task.id, [])):
            continue
        found += [
            (task, question)
            for question in questions(view, task)
            if question.id not in view.run.answers
        ]
    return found


def questions(view: View, task: Task) -> tuple[Interrupt, ...]:
    """What a task asks: its own record, else what an edit has carried over (R6.10).

    A task that ran again after the edit has asked anew; the carried questions are over then.
    """
    return view.questions_of(task.id) or tuple(carried(task))


def carried(task: Task) -> list[Interrupt]:
    """Questions that an edit has carried over to a task that did not run yet (R6.10)."""
    found = []
    for item in task.due.get("carried", ()):
        question: Interrupt = item.get("wait") or Interrupt(
            item["value"], item["id"], response_schema=item.get("schema")
        )
        question.carried = True
        question.schema_class = item.get("class", "")
        question.until = item.get("until") or question.until
        question.group = item.get("group") or question.group
        found.append(question)
    return found


def unanswered(view: View, asked: Sequence[Interrupt]) -> list[Interrupt]:
    """Those of these questions that have no answer yet."""
    return [question for question in asked if question.id not in view.run.answers]


def carry(question: Interrupt) -> dict[str, Any]:
    """A question as a due item carries it over an edit; beside it stands the task's origin."""
    found = {
        "id": question.id,
        "value": question.value,
        "schema": question.response_schema,
    }
    if question.schema_class:
        found["class"] = question.schema_class
    if question.until is not None:
        found["until"] = question.until
    if question.group:
        found["group"] = question.group
    if isinstance(question, Wait):
        found["wait"] = question
    return found


def without_questions(item: Due) -> Due:
    """A due item that begins anew: what it asks will have new ids."""
    return {k: v for k, v in item.items() if k not in CARRIED}


def waits_over(view: View, task: Task) -> dict[str, Any]:
    """The waits of a task that are over, which an edit carries over to it: nobody sleeps for a month twice.

    Each with how it ended, as on the task's record.
    """
    given = view.record_of(task.id, RESUME) or {}
    failed = view.record_of(task.id, ERROR) or ""
    over = {**task.due.get("over", {})}
    for wait_id, (value, how) in given.items():
        if how in _ENDS and not _is_asked_anew(value, failed):
            over[wait_id] = [value, how]
    return over


def load_answers(view: View, tasks: list[Task]) -> None:
    """Take up the answers that were saved with the tasks of this step."""
    for task in tasks:
        saved = view.record_of(task.id, RESUME)
        failed = view.record_of(task.id, ERROR) or ""
        for question_id, (value, digest) in (saved or {}).items():
            if _is_asked_anew(value, failed):
                continue
            view.run.answers.setdefault(question_id, Answer(value, digest))
        for wait_id, (value, digest) in task.due.get("over", {}).items():
            view.run.answers.setdefault(wait_id, Answer(value, digest))
        note_waits(view, task)


def _is_asked_anew(answer: Any, failed: str) -> bool:
    """Whether it has ended the task, and who continues that may mean another: a child has failed that may have been mended (RB.5), or somebody has stopped the undoing of the work (RB.8)."""
    if isinstance(answer, ChildEnded):
        return answer.is_cause_of(failed)
    return failed.startswith(CompensationFailed.__name__) and is_stop(answer)


def note_waits(view: View, task: Task) -> None:
    """Remember what a task waits for by its record: its body will ask for so many hours again."""
    for each in questions(view, task):
        if isinstance(each, Wait) or each.until is not None:
            view.run.waits[each.id] = each


def match(view: View, resume: Any) -> list[TaskWrites]:
    """Give each answer to its question; returns what has to be saved for the tasks.

    Raises before anything is written: UnknownInterruptError (R5.15, R5.18), and the validation
    error of an answer that does not fit its question's class (R5.9).
    """
    run = view.run
    tasks = due_tasks(view)
    load_answers(view, tasks)
    open_now = open_questions(view, tasks)
    given = _as_map(view, resume, open_now)
    by_id = {question.id: (task, question) for task, question in open_now}
    strict = run.settings.get("strict_resume", True)
    unknown = [key for key in given if key not in by_id]
    if unknown and strict:
        raise UnknownInterruptError(
            "not_pending", unknown, _ids_of(open_now), thread_id=run.thread_id
        )
    for question_id, value in given.items():
        if question_id in by_id and value is not TIME_IS_UP:
            check_answer(by_id[question_id][1], value, run.thread_id)
    answered: dict[str, Task] = {}
    for task, question in open_now:  # in order: of two of a group the first counts
        if question.id in given and question.id not in run.answers:
            accept(view, task, question, _answer_to(question, given[question.id]))
            answered[task.id] = task
    run.resuming = True
    return [record_of_answers(view, task) for task in answered.values()]


def end_of_question(view: View, question_id: str) -> str:
    """What has become of a question when its task has gone on: "resolved", "superseded" or "withdrawn"."""
    answer = view.run.answers.get(question_id)
    if answer is None:
        return "superseded"
    return WITHDRAWN if answer.digest == WITHDRAWN else "resolved"


def accept(view: View, task: Task, question: Interrupt, answer: Answer) -> None:
    """Take an answer up, and withdraw what the task waits for beside it in a group (RB.4)."""
    answers = view.run.answers
    answers[question.id] = answer
    for other in questions(view, task) if question.group else ():
        if other.group == question.group:
            answers.setdefault(other.id, Answer(None, WITHDRAWN))


def _answer_to(question: Interrupt, value: Any) -> Answer:
    if isinstance(question, Sleep):
        return Answer(value, SLEPT)
    if value is TIME_IS_UP:
        return Answer(None, TIMED_OUT)
    if isinstance(question, Wait):
        return Answer(value, SIGNALLED)
    return Answer(value, question_digest(question.value))


def record_of_answers(view: View, task: Task) -> TaskWrites:
    """What a task has been answered by now, as it is saved."""
    mine = {question.id for question in questions(view, task)}
    earlier = dict(view.record_of(task.id, RESUME) or {})
    for question_id in mine:
        answer = view.run.answers.get(question_id)
        if answer is not None:
            earlier[question_id] = [answer.value, answer.digest]
    return TaskWrites(task.id, task.path_text, task.name, [(RESUME, earlier)])


def _as_map(
    view: View, resume: Any, open_now: list[tuple[Task, Interrupt]]
) -> dict[str, Any]:
    run = view.run
    pending = _ids_of(open_now)
    if isinstance(resume, dict) and not resume:
        raise UnknownInterruptError("empty_map", (), pending, thread_id=run.thread_id)
    if isinstance(resume, dict) and all(_looks_like_id(key) for key in resume):
        return resume
    if len(pending) > 1:
        raise UnknownInterruptError("ambiguous", (), pending, thread_id=run.thread_id)
    if not pending:
        if view.due and _stands_at_breakpoint(view):
            return {}  # a plain answer goes on (R5.26)
        if run.settings.get("strict_resume", True):
            raise UnknownInterruptError(
                "nothing_pending", (), (), thread_id=run.thread_id
            )
        return {}
    return {pending[0]: resume}


def _ids_of(open_now: list[tuple[Task, Interrupt]]) -> list[str]:
    return [each.id for each in questions_among([q for _, q in open_now])]


def _stands_at_breakpoint(view: View) -> bool:
    """Say whether nothing but a static breakpoint can have stopped the present step."""
    return not any(
        questions(view, task) or view.record_of(task.id, ERROR) is not None
        for task in due_tasks(view)
        if not is_finished(view.pending.get(task.id, []))
    )


def _looks_like_id(key: Any) -> bool:
    return (
        isinstance(key, str)
        and len(key) == 32
        and all(c in "0123456789abcdef" for c in key)
    )


def asked_by_hand(view: View, task: Task, given: Sequence[Any]) -> list[Interrupt]:
    """The questions of the exception that ended a task; the author's own are asked like others (R5.29).

    One that he has raised himself keeps an id that an answer can name. An answer it had has not
    kept him from asking again: it is open, as if it had none.
    """
    known = {question.id for question in task.raised}
    found = []
    for each in given:
        if isinstance(each, Interrupt) and each.id in known:
            found.append(each)
            continue
        question = Interrupt(each)
        if isinstance(each, Interrupt):
            question = Interrupt(
                each.value, each.id, response_schema=each.response_schema
            )
        if not _looks_like_id(question.id):
            origin = origin_here(task)
            question.id = ids.interrupt_id(origin, task.questions)
        digest = question_digest(question.value) or ""
        task.asked = (*task.asked, Asked(question, task.questions, None, digest))
        task.questions += 1
        view.run.answers.pop(question.id, None)
        found.append(question)
    return found


def set_aside(view: View, task: Task) -> dict[str, Any] | None:
    """A task's answers, where it asks something else now at the place of one (R5.6 "ask").

    The old answer stays in the record, under a name that answers nothing. None: no change.
    """
    given = view.record_of(task.id, RESUME) or {}
    asked = {question.id for question in task.interrupts} & given.keys()
    if not asked:
        return None
    return {f"aside:{k}" if k in asked else k: v for k, v in given.items()}


def has_record(view: View, task: Task) -> bool:
    """Say whether the body of a node's task has left calls, questions or answers on record."""
    pairs = view.pending.get(task.id, ())
    if any(channel in (INTERRUPT, RESUME) for channel, _ in pairs):
        return True
    return task.id in view.recorded or handled_id(task.id) in view.recorded


def may_start(view: View, task: Task) -> bool:
    """On a resume, a task whose questions have no answer is not started (R5.17).

    Where a record is only gone over, no node is that has none (RA.4).
    """
    if not view.run.resuming:
        return True
    if view.run.rehearsal is not None and task.call is None:
        return task.node.subgraph is not None or has_record(view, task)
    asked = questions(view, task)
    if not asked or any(q.id in view.run.answers for q in asked):
        return True
    return task.call is None and not _is_open_above(view.run, asked)


def _is_open_above(run: Run, asked: Sequence[Interrupt]) -> bool:
    """Say whether the tasks above wait for what a task of this graph asked; else it asks anew.

    An edit above a graph that keeps its state may have them ask for something before it.
    """
    if not any(each.taken_over for each in _upwards(run)):
        return True
    wanted = {question.id for question in asked}
    return all(
        wanted <= {question.id for question in task.waits_for}
        for task in tasks_above(run)
        if task.waits_for
    )


def _upwards(run: Run | None) -> Iterator[Run]:
    while run is not None:
        yield run
        run = run.outer


def tasks_above(run: Run) -> Iterator[Task]:
    """The task that has called this graph, the one that has called that one, and so on up."""
    for each in _upwards(run):
        task = each.parent
        while task is not None:
            yield task
            task = task.parent


def pauses_before(view: View, names: list[str]) -> bool:
    """Say whether a static breakpoint stands before one of these nodes (R5.25)."""
    return _stands_in(view.run.before, _not_past(view, "before", names))


def pauses_after(view: View, names: list[str]) -> bool:
    """Say whether a static breakpoint stands after one of these nodes; a handler ran for its node too."""
    names = _not_past(view, "after", names)
    handled = (n.removeprefix(HANDLER_OF) for n in names if n.startswith(HANDLER_OF))
    return _stands_in(view.run.after, [*names, *handled])


def _not_past(view: View, side: str, names: list[str]) -> list[str]:
    """Those of the nodes that did not run, or end, before an edit had this graph begin anew."""
    if not view.past:
        return names
    step = view.step - view.run.began
    return [name for name in names if (side, step, name) not in view.past]


def _stands_in(stops: frozenset[str], names: list[str]) -> bool:
    if not stops:
        return False
    if "*" in stops:
        return any(not name.startswith("__") for name in names)
    return any(name in stops for name in names)
