"""Which commits SQLite makes, and whether each waits for the disk."""

from __future__ import annotations

from typing import Any

SAVING = "INSERT INTO durableweb_saving"
"""How the statement begins that saves a step by itself (`storage/one_statement.py`)."""


class Commits:
    """What a connection runs, and its commits, each with the level it is made at.

    A saving that is one statement is a commit where no transaction is open.
    """

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self.statements: list[str] = []
        self.levels: list[str] = []
        self._level = "FULL"

    def __call__(self, statement: str) -> None:
        """Take down a statement: for `set_trace_callback`."""
        if self.statements[-1:] == [statement] and statement.startswith(SAVING):
            return  # told again for each part that its trigger saves
        self.statements.append(statement)
        if statement.startswith("PRAGMA synchronous="):
            self._level = statement.partition("=")[2]
        alone = not self._connection.in_transaction
        if statement == "COMMIT" or (alone and statement.startswith(SAVING)):
            self.levels.append(self._level)
