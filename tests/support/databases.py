"""Databases with the product's tables: migrated once for each kind, then copied.

All migrations take four seconds of a processor. `make test` has made a model of each kind
and tells its URL in the environment; a run of pytest alone makes those that it needs.
"""

import os
import secrets
import shutil
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg

from tests.support.postgres import create_database, drop_database
from tests.support.server import manage


def open_database(url: str) -> Any:
    """A connection of our own to the database of a server process."""
    if url.startswith("sqlite:///"):
        return sqlite3.connect(url.removeprefix("sqlite:///"), timeout=20)
    return psycopg.connect(url)


def copy_file(url: str, to: Path) -> None:
    """Copy a SQLite database that no process uses now."""
    # The last process to leave has folded the write-ahead log into the file.
    shutil.copyfile(url.removeprefix("sqlite:///"), to)


def given_model(kind: str) -> str | None:
    """The URL of the migrated database of that kind that `make test` has made, if any."""
    return os.environ.get(variable(kind))


def variable(kind: str) -> str:
    """What names it in the environment."""
    return f"TEST_MODEL_{kind.upper()}"


@dataclass
class Databases:
    """Makes databases with the product's tables; `drop_all()` removes them."""

    folder: Path
    postgres_url: Callable[[], str]
    _models: dict[str, str] = field(default_factory=dict)
    _made: list[str] = field(default_factory=list)

    def new(self, kind: str) -> str:
        """The URL of a fresh, migrated database: kind is sqlite or postgresql."""
        if kind not in ("sqlite", "postgresql"):
            raise ValueError(f"{kind!r} is no database; it is sqlite or postgresql")
        return self.copy(self._model(kind))

    def copy(self, url: str) -> str:
        """The URL of a copy of a database that no process uses now."""
        if url.startswith("sqlite"):
            return self._copy_file(url)
        name = urlsplit(url).path.lstrip("/")
        return self._remember(create_database(self.postgres_url(), template=name))

    def empty(self) -> str:
        """The URL of a PostgreSQL database without any table."""
        return self._remember(create_database(self.postgres_url()))

    def _remember(self, url: str) -> str:
        self._made.append(url)
        return url

    def _model(self, kind: str) -> str:
        if given := given_model(kind):
            return given
        if kind not in self._models:
            if kind == "sqlite":
                url = f"sqlite:///{self.folder / 'model.sqlite3'}"
            else:
                url = self._remember(
                    create_database(self.postgres_url(), prefix="model")
                )
            manage(url, "migrate", "--verbosity", "0")
            self._models[kind] = url
        return self._models[kind]

    def _copy_file(self, model_url: str) -> str:
        copy = self.folder / f"{secrets.token_hex(6)}.sqlite3"
        copy_file(model_url, copy)
        return f"sqlite:///{copy}"

    def drop_all(self) -> None:
        """Remove the PostgreSQL databases; the files go with the folder."""
        for url in self._made:
            drop_database(url)
