"""The attempt at a `@task` whose body and record are one transaction of the saver's database (RB.7)."""

from __future__ import annotations

from typing import Any

from workflows.engine.checkpoint.overriding import transaction_of
from workflows.engine.constants import ATTRIBUTES, OF_SAVER, RETURN, UNDO
from workflows.engine.drivers import faults
from workflows.engine.errors import ConcurrencyError, SerdeError
from workflows.engine.loop.effects import Save
from workflows.engine.loop.program import Node, Writes
from workflows.engine.loop.run import Run
from workflows.engine.loop.tasks import Task


def check_can_commit(node: Node, run: Run) -> None:
    """Raise RuntimeError where the record of such a task could not be saved with what its body writes."""
    where = f"task {node.name!r} is transactional"
    if run.durability == "exit":
        raise RuntimeError(
            f"{where}, and its record cannot wait for the end of the run as durability='exit' has it; call graph "
            f"{run.program.name!r} with 'sync' or 'async'"
        )
    if node.undo is not None and not run.is_root:
        raise RuntimeError(
            f"{where} and has an undo, which is kept with the outermost graph; here it runs in graph "
            f"{run.program.name!r} below. Call it in the outermost graph, or say with compensate() what undoes it"
        )
    transaction_of(run.saver, where, node.transaction or "")
    if run.saver.is_in_transaction():
        raise RuntimeError(
            f"{where} and was called inside a transaction (atomic(), ATOMIC_REQUESTS, TestCase), of which its own, on another "
            "thread's connection, can be no part: call it, or the graph, after that has ended"
        )


class Transacted:
    """The function of such a task; called, it runs in the transaction that has its record, on whichever thread calls it."""

    def __init__(self, task: Task, context: Any, undo: Any) -> None:
        self.task = task
        self.context = context
        self.undo = undo
        self.writes: Writes = []
        """What was saved; all that the loop is to be told."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the body and save what it has returned; nothing of both where one of them fails."""
        task, context = self.task, self.context
        saver = context.run.saver
        begin = transaction_of(saver, self._where, task.node.transaction or "")
        is_of_body = False
        try:
            with begin(context.run.thread_id, context.run.place):
                is_of_body = context.in_transaction = True
                try:
                    value = task.node.fn(*args, **kwargs)
                    context.meet_stop()
                finally:
                    context.in_transaction = False
                self.writes = self._writes_of(value)
                is_of_body = False
                self._save(saver)
        except Exception as error:
            if not is_of_body and hasattr(error, OF_SAVER):
                context.broken = error  # nobody may try again: it may be saved
            raise
        task.is_saved = True
        return value

    @property
    def _where(self) -> str:
        return f"task {self.task.name!r} is transactional"

    def _save(self, saver: Any) -> None:
        make = self.task.to_commit
        assert make is not None  # noqa: S101 - the loop says it where it starts such a call
        try:
            commit = make(self.writes, self.context.attributes)
            if faults.active is not None:
                faults.active.before(Save(commit), self.context.driver)
            saver.commit(commit)
        except SerdeError as error:
            error.add_note(f"While the result of task {self.task.name!r} was saved")
            raise
        except ConcurrencyError as error:
            setattr(error, OF_SAVER, True)
            raise

    def _writes_of(self, value: Any) -> Writes:
        writes: Writes = [(RETURN, value)]
        if self.undo is not None:
            writes.append((UNDO, self.undo.after(value)))
        if self.context.attributes:
            writes.append((ATTRIBUTES, self.context.attributes))
        return writes
