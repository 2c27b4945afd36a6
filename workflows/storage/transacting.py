"""One transaction for what a task writes with the models of the site and for its record (RB.7)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from functools import partial

from django.db import InterfaceError, OperationalError, transaction

from workflows.engine.loop.undoing import OF_SAVER
from workflows.storage.connections import (
    SQLITE,
    connection_of,
    inside_transaction,
    ready,
    turn,
)
from workflows.storage.values import Memory


class Transacts:
    """The part of a saver that lends its transactions to tasks."""

    using: str
    _memory: Memory

    @contextmanager
    def one_transaction(self, thread_id: str) -> Iterator[None]:
        """A transaction of this thread's own connection, of which what is saved inside becomes a part.

        On SQLite it is this thread's turn to write from the beginning on. An error is marked as the saver's where the transaction did not
        begin, where it was committed all the same (a hook of `on_commit` has failed), and where nobody knows that.
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
                yield
                phases.append("commit")
        except BaseException as error:
            self._memory.forget(thread_id)  # of what was taken back
            if _is_of_saver(phases[-1], error):
                setattr(error, OF_SAVER, True)
            raise

    def is_in_transaction(self) -> bool:
        """Whether this thread's connection is in a transaction already."""
        wrapper = connection_of(self.using)
        return wrapper.connection is not None and inside_transaction(wrapper)


def _is_of_saver(phase: str, error: BaseException) -> bool:
    if phase == "committed":
        return True
    return phase != "body" and isinstance(error, OperationalError | InterfaceError)
