"""Which savers the programs run on; a new one is one more entry."""

from __future__ import annotations

import sqlite3
import weakref
from importlib import import_module
from typing import Any

import pytest


def memory() -> Any:
    return import_module("durableweb.checkpoint.memory").InMemorySaver()


def file() -> Any:
    saver: Any = import_module("durableweb.checkpoint.sqlite").SqliteSaver

    class InNoFile(saver):
        def __init__(self) -> None:
            super().__init__(sqlite3.connect(":memory:", check_same_thread=False))
            weakref.finalize(self, self.conn.close)

    return InNoFile()


def django() -> Any:
    return import_module("workflows.storage.saver").DjangoSaver()


SAVERS = [
    pytest.param(memory, id="memory"),
    pytest.param(file, id="file"),
    pytest.param(django, id="django", marks=pytest.mark.django_db(transaction=True)),
]
