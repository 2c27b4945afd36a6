"""Django's SQLite backend whose transactions take turns with the engine's (see `turns.py`).

With Django's own backend everything works too; a transaction of the pages that meets a busy
run then naps and looks again, until chance finds the file free.
"""

from __future__ import annotations

from typing import Any

from django.db.backends.sqlite3 import base

from workflows.storage.turns import Turns, turns_of


class DatabaseWrapper(base.DatabaseWrapper):
    """A connection that holds its process's turn from BEGIN to the end of the transaction."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._turn: Turns | None = None

    def _start_transaction_under_autocommit(self) -> None:
        mode = self.transaction_mode  # type: ignore[attr-defined]
        if mode == "IMMEDIATE" and self._turn is None:
            turns = turns_of(self)
            # Whoever waits in vain goes on to SQLite's own lock, and fails there.
            if turns.take():
                self._turn = turns
        try:
            super()._start_transaction_under_autocommit()  # type: ignore[misc]
        except BaseException:
            self._end_turn()
            raise

    def _set_autocommit(self, autocommit: bool) -> None:
        # Where a transaction has ended, before what was put off until then is run.
        try:
            super()._set_autocommit(autocommit)  # type: ignore[misc]
        finally:
            if autocommit:
                self._end_turn()

    def close(self) -> None:
        """As Django's; a connection that is closed in a transaction loses it."""
        try:
            super().close()
        finally:
            self._end_turn()

    def _end_turn(self) -> None:
        turns, self._turn = self._turn, None
        if turns is not None:
            turns.give_back()
