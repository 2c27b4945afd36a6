"""The two sides of every pair: the modules, the savers, and what they asked of a database.

Both sides are given the same program, the same thread ids and the same durability. On SQLite
both write WAL with synchronous=FULL to the same disk; on PostgreSQL both use one server,
each a database of its own.
"""

from __future__ import annotations

import atexit
import importlib
import itertools
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SYNC = {"durability": "sync"}
_threads = itertools.count()


@dataclass
class Counts:
    """What one round asked of a database."""

    statements: int = 0
    commits: int = 0
    last: str = ""

    def text(self, who: str, steps: int) -> str:
        return (
            f"{who} {self.statements / steps:.2f} statements and "
            f"{self.commits / steps:.2f} commits"
        )

    def note(self, statement: str, *, is_alone: bool) -> None:
        """Take a statement that SQLite ran; `is_alone` outside any transaction."""
        verb = statement.lstrip()[:8].upper()
        if verb.startswith("INSERT") and statement == self.last:
            return  # told again for each part that a trigger saves
        self.last = statement
        if verb.startswith(("COMMIT", "END")):
            self.commits += 1
        elif not verb.startswith(("BEGIN", "PRAGMA", "--")):
            self.statements += 1
            self.commits += is_alone and verb.startswith(("INSERT", "UPDATE", "DELETE"))


class Side:
    """One of the two: `ours` or the peer; its modules and its savers."""

    def __init__(self, name: str, package: str) -> None:
        self.name = name
        self.package = package
        self.graph = importlib.import_module(f"{package}.graph")
        self.types = importlib.import_module(f"{package}.types")
        self.func = importlib.import_module(f"{package}.func")
        self.memory = importlib.import_module(
            f"{package}.checkpoint.memory"
        ).InMemorySaver

    def state_graph(self, schema: Any) -> Any:
        """An empty builder over `schema`."""
        return self.graph.StateGraph(schema)


@dataclass
class Sides:
    """Both, with the folder that their SQLite files lie in."""

    ours: Side
    peer: Side
    folder: Path

    def sqlite(self) -> tuple[Any, Any]:
        """A saver of each side on SQLite; ours keeps the dashboard's tables."""
        from langgraph.checkpoint.sqlite import SqliteSaver

        from durableweb.checkpoint.django import DjangoSaver

        file = self.folder / "theirs.sqlite3"
        connection = sqlite3.connect(file, check_same_thread=False)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        return DjangoSaver(), SqliteSaver(connection)

    def own_file(self) -> Any:
        """Our saver over a file of its own, which is what the other side's is."""
        from durableweb.checkpoint.sqlite import SqliteSaver

        file = self.folder / "own.sqlite3"
        return SqliteSaver(sqlite3.connect(file, check_same_thread=False))


def sides(database_url: str = "") -> Sides:
    """Both sides, ready: ours with migrated tables in the database that is named."""
    folder = Path(tempfile.mkdtemp(prefix="durableweb-bench-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    os.environ["DATABASE_URL"] = database_url or f"sqlite:///{folder / 'ours.sqlite3'}"
    os.environ["DJANGO_SETTINGS_MODULE"] = "durableweb.settings"
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)
    return Sides(
        Side("durableweb", "durableweb"), Side("LangGraph", "langgraph"), folder
    )


def new_config(steps: int = 0, **more: Any) -> dict[str, Any]:
    """A config of a thread that nobody has used."""
    return {
        "configurable": {"thread_id": f"t{next(_threads)}"},
        "recursion_limit": steps + 50,
        **more,
    }


@contextmanager
def counted_on_sqlite(saver: Any) -> Iterator[Counts]:
    """Count what SQLite runs for this saver inside the block."""
    counts = Counts()
    connection = getattr(saver, "conn", None)
    if connection is None:
        from django.db import connection as wrapper

        wrapper.ensure_connection()
        connection = wrapper.connection
    connection.set_trace_callback(
        lambda statement: counts.note(statement, is_alone=not connection.in_transaction)
    )
    try:
        yield counts
    finally:
        connection.set_trace_callback(None)


def counts_of(
    counted: Callable[[Any], Any],
    pairs: list[tuple[Side, Any, Callable[[], Any]]],
    steps: int,
) -> str:
    """One more round of both sides, not timed: what each asks a step of the database."""
    found = []
    for side, saver, work in pairs:
        with counted(saver) as counts:
            work()
        found.append(counts.text(side.name, steps))
    return "a step: " + "; ".join(found)
