"""Which savers the programs run on; a new one is one more entry."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import pytest


def memory() -> Any:
    return import_module("durableweb.checkpoint.memory").InMemorySaver()


def django() -> Any:
    return import_module("workflows.storage.saver").DjangoSaver()


SAVERS = [
    pytest.param(memory, id="memory"),
    pytest.param(django, id="django", marks=pytest.mark.django_db(transaction=True)),
]
