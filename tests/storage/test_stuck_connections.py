"""A connection to SQLite that could not even undo what had failed does not keep the file locked."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import Error
from django.db.utils import ConnectionHandler

from workflows.storage import sqlite
from workflows.storage.connections import ready, taken_on_disk_later
from workflows.storage.savings import alone


class Stubborn(sqlite3.Connection):
    """Refuses to end a transaction while it is told to."""

    refuses = False

    def execute(self, sql: str, *given: Any) -> sqlite3.Cursor:
        if Stubborn.refuses and sql in ("COMMIT", "ROLLBACK"):
            raise sqlite3.OperationalError("disk I/O error")
        return super().execute(sql, *given)


@pytest.fixture
def wrapper(
    tmp_path: Path, django_db_blocker: Any, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Any]:
    """Django's connection to a file of its own, which refuses."""
    database = {
        "ENGINE": "workflows.storage.sqlite_backend",
        "NAME": str(tmp_path / "stuck.sqlite3"),
        "OPTIONS": {"factory": Stubborn},
    }
    with django_db_blocker.unblock():
        found = ConnectionHandler({"default": database})["default"]
        ready(found).execute("CREATE TABLE kept (number INTEGER)")
        monkeypatch.setattr(Stubborn, "refuses", True)
        yield found
        found.close()


def is_free(wrapper: Any) -> bool:
    """Whether another process could write."""
    other = sqlite3.connect(wrapper.settings_dict["NAME"], timeout=0)
    try:
        other.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError:
        return False
    finally:
        other.close()
    return True


def take(wrapper: Any) -> None:
    """A transaction that need not wait for the disk."""
    with taken_on_disk_later(wrapper):
        ready(wrapper).execute("BEGIN IMMEDIATE")
        ready(wrapper).execute("COMMIT")


@pytest.mark.rule("R4.2")
def test_a_bundle_that_cannot_be_undone_leaves_the_file_to_others(
    wrapper: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def rows(execute: Any, *_: Any) -> int:
        execute("INSERT INTO kept VALUES (1)")
        return 1

    monkeypatch.setattr(sqlite, "_write_rows", rows)
    none = dict.fromkeys(("known_seq", "relaxed", "is_on_disk", "is_followed"), 0)
    bundle: Any = SimpleNamespace(**none)

    def write() -> int | None:
        return alone(sqlite.saving(bundle, 1, 1), partial(sqlite.write, wrapper))

    with pytest.raises(Error, match="disk I/O error"):
        write()
    assert is_free(wrapper)

    monkeypatch.setattr(Stubborn, "refuses", False)
    assert write() == 1
    assert ready(wrapper).execute("SELECT number FROM kept").fetchall() == [(1,)]


@pytest.mark.rule("RA.1")
def test_a_thread_that_could_not_be_taken_leaves_the_file_to_others(
    wrapper: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises((sqlite3.Error, Error)):
        take(wrapper)
    assert is_free(wrapper)

    monkeypatch.setattr(Stubborn, "refuses", False)
    take(wrapper)
    assert ready(wrapper).execute("PRAGMA synchronous").fetchone() == (2,)
