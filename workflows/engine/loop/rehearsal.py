"""What a run carries that only goes over a record: what it has noted, and where the record ends (RA.4).

Nothing that is not on record is begun in such a run, and nothing is written. The replay itself, with
its comparisons, is the one of every resume.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct, field

from workflows.engine.loop.run import Run
from workflows.engine.loop.tasks import Task
from workflows.engine.store.aside import AsideStore


class RecordEnds(BaseException):
    """A body asks for something that its record does not hold; it goes no further.

    No `Exception`, so that a body which catches failures does not take it for one.
    """


class Rehearsal(Struct, eq=False):
    """What was noted by now; of several differences only the first is one."""

    difference: str = ""
    warnings: list[str] = field(default_factory=list)
    stores: list[AsideStore] = field(default_factory=list)

    def differs(self, text: str) -> None:
        """The code does not repeat its record."""
        self.difference = self.difference or text

    def aside(self, store: Any) -> Any:
        """The store as a body is given it; each store is one for all bodies."""
        if store is None or isinstance(store, AsideStore):
            return store
        for known in self.stores:
            if known.inner is store:
                return known
        self.stores.append(AsideStore(store))
        return self.stores[-1]


def rehearse(run: Run, rehearsal: Rehearsal) -> None:
    """Let a run go over its record only: no cache, no handlers, no limit of time, no writes to a store."""
    run.rehearsal = rehearsal
    run.resuming = True
    run.store = rehearsal.aside(run.store)
    run.cache = None
    run.handlers = ()
    run.step_timeout = None
    run.warn = rehearsal.warnings.append


def end_of_record(task: Task, what: str) -> RecordEnds:
    """To be raised in the body of `task`, which asks for `what`; every later call of it raises too."""
    task.past_record = task.past_record or what
    return RecordEnds(what)


def check_on_record(context: Any, what: str) -> None:
    """Stop a body that is about to do what no record holds; `context` may be None."""
    if context is not None and context.run.rehearsal is not None:
        raise end_of_record(context.task, what)
