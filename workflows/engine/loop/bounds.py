"""How long the record of one body may grow (RB.15)."""

from __future__ import annotations

from workflows.engine.constants import UNDO
from workflows.engine.errors import TooManyRecordsError
from workflows.engine.loop.run import Run
from workflows.engine.loop.tasks import Task

MANY, MOST = 2_000, 10_000
"""Calls, waits and questions of one body: from the first on it is warned of, beyond the second it fails."""
OF_PLACE = frozenset({"random", "uuid4"})
"""Waits that are none: what they give follows from where they stand, and nothing of them is saved."""
_INSTEAD = (
    "Each is read and gone over whenever the body begins again. Let an entrypoint end with continue_as_new(input), which "
    "begins the next one with an empty record; let a node do a part, and an edge lead back to it"
)


def check_record(task: Task, run: Run) -> None:
    """Count what `task` has asked for, the present request with it.

    Warns once an attempt; raises TooManyRecordsError beyond the bound. Nothing is counted where nothing is saved.
    """
    count = task.position + task.questions + len(task.keys)
    if task.waits:
        count += sum(n for what, n in task.waits.items() if what not in OF_PLACE)
    if count < MANY or run.saver is None or task.name == UNDO:
        return
    where = f"{task.name!r}" + (
        f" of thread {run.thread_id!r}" if run.thread_id else ""
    )
    if count > MOST:
        raise TooManyRecordsError(
            f"{where} has asked for more than {MOST:,} things that are recorded (calls, waits, questions). {_INSTEAD}; "
            "what is on record stays, and a body that asks for less goes on from there"
        )
    if count == MANY and run.warn is not None:
        run.warn(
            f"{where} has asked for {MANY:,} things that are recorded, and may ask for {MOST:,}. {_INSTEAD}"
        )
