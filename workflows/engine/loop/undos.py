"""What undoes the work of a thread, put on record (RB.8).

The calls lie with the checkpoint, under a key of its values that no state has: what is recorded in a step is put
there with the step, and a fork has what its checkpoint has. Those of graphs below lie with the root's, too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from itertools import count
from typing import Any

from workflows.engine import ids
from workflows.engine.checkpoint.base import Due, TaskWrites
from workflows.engine.constants import RETURN, UNDO
from workflows.engine.loop.step import Step
from workflows.engine.loop.tasks import Task
from workflows.engine.loop.undo_node import SKIP, question_key
from workflows.engine.loop.view import View
from workflows.engine.serde import canonical
from workflows.engine.undo_calls import UndoCall


def note(view: View, call: UndoCall) -> None:
    """Put a call that undoes what the present step has done to the others, unless it is there."""
    if not _is_known(view, call):
        call.setdefault("n", number_of(view))
        call["thread"] = view.run.thread_id
        view.undos[call["id"]] = call
        view.undos_moved = True


def number_of(view: View) -> int:
    """The number of the call that is put on record next."""
    kept = view.checkpoint["channel_values"].get(UNDO) or ()
    return len(kept) + len(view.undos)


def put_on_record(view: View, step: Step, asked: Task) -> None:
    """A body has said what undoes what it has done: save that, then let it go on."""
    made = asked.call
    assert made is not None  # noqa: S101 - only calls come here
    call: UndoCall = made.args[0]
    asked.state = "done"
    if _is_known(view, call):
        made.future.answer(None)
        return
    note(view, call)
    view.pending[call["id"]] = [(UNDO, call)]
    step.unsaved.append(TaskWrites(call["id"], asked.path_text, "", [(UNDO, call)]))
    step.replies.append((asked, None))


def _is_known(view: View, call: UndoCall) -> bool:
    kept = view.checkpoint["channel_values"].get(UNDO) or ()
    return call["id"] in view.undos or any(each["id"] == call["id"] for each in kept)


def left_to_undo(view: View, task: Task) -> Due:
    """What is due of a node that undoes, without the calls that it has on record as done, or done by hand.

    For an edit, after which the node begins anew: nothing is undone twice.
    """
    given = task.due["send"]
    done = _done_calls(view, task)
    answers = view.run.answers
    left = []
    for call in given["undo"]:
        told = (call["name"], ids.digest(canonical([call["args"], call["kwargs"]])))
        if done[told]:
            done[told] -= 1
        elif not _is_skipped(answers, task, call):
            left.append(call)
    return {**task.due, "send": {**given, "undo": left}}


def _done_calls(view: View, task: Task) -> Counter[tuple[str, str]]:
    records = view.recorded.get(task.body_id, {}).items()
    return Counter(
        (record[1], record[4])
        for child, record in records
        if any(channel == RETURN for channel, _ in view.pending[child])
    )


def _is_skipped(answers: Mapping[str, Any], task: Task, call: UndoCall) -> bool:
    for number in count():
        question = ids.interrupt_id(task.origin, f"key:{question_key(call, number)}")
        answer = answers.get(question)
        if answer is None:
            return False
        if isinstance(answer.value, Mapping) and answer.value.get("action") == SKIP:
            return True
    return False
