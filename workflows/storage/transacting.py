"""One transaction for what a task writes with the models of the site and for its record (RB.7)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from functools import partial

from django.db import InterfaceError, OperationalError, transaction

from workflows.engine.checkpoint.base import Place
from workflows.engine.constants import OF_SAVER
from workflows.engine.errors import LeaseLostError
from workflows.storage.connections import (
    SQLITE,
    connection_of,
    inside_transaction,
    note_end_of,
    ready,
    turn,
)
from workflows.storage.outage import is_away
from workflows.storage.values import Memory


class Transacts:
    """The part of a saver that lends its transactions to tasks."""

    using: str
    _memory: Memory

    def _fence(self, thread_id: str) -> tuple[int | None, int]:
        raise NotImplementedError

    @contextmanager
    def one_transaction(self, thread_id: str, place: Place) -> Iterator[None]:
        """A transaction of this thread's own connection, of which what is saved inside becomes a part, for the run of `place`.

        Nothing of it stays, and LeaseLostError is raised, where that run has ended meanwhile: nobody waits for a body that
        cannot be stopped when a coroutine is cancelled or its time is over, and who goes on with the thread runs it anew.

        On SQLite it is this thread's turn to write from the beginning on. An error is marked as the saver's where the transaction did not
        begin, where its connection has ended, where it was committed all the same (a hook of `on_commit` has failed), and where nobody knows that.
        """
        wrapper = connection_of(self.using)
        phases = ["begin"]
        try:
            ready(wrapper)
            with (
                turn(wrapper) if wrapper.vendor == SQLITE else nullcontext(),
                transaction.atomic(self.using),
            ):
                # The first of its hooks, so that it is known when others fail.
                transaction.on_commit(partial(phases.append, "committed"), self.using)
                phases.append("body")
                try:
                    yield
                except Exception as error:
                    if is_away(error) and note_end_of(wrapper, error):
                        phases.append("lost")
                    raise
                phases.append("commit")
                self._check_run(thread_id, place)
        except BaseException as error:
            self._memory.forget(thread_id)  # of what was taken back
            if _is_of_saver(phases[-1], error):
                setattr(error, OF_SAVER, True)
            raise

    def _check_run(self, thread_id: str, place: Place) -> None:
        # What was saved before was fenced with this run, else with another or with none.
        run_id, _ = self._fence(thread_id)
        if run_id != int(place.run_id):
            raise LeaseLostError(place.run_id, place.fence)

    def is_in_transaction(self) -> bool:
        """Whether this thread's connection is in a transaction already."""
        wrapper = connection_of(self.using)
        return wrapper.connection is not None and inside_transaction(wrapper)


def _is_of_saver(phase: str, error: BaseException) -> bool:
    if phase in ("committed", "lost"):
        return True
    of_saver = OperationalError | InterfaceError | LeaseLostError
    return phase != "body" and isinstance(error, of_saver)
