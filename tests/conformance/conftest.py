"""Which savers the programs run on; a new one is one more entry in SAVERS."""

from __future__ import annotations

from collections.abc import Callable, Iterator
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


@pytest.fixture(params=SAVERS)
def new_saver(request: pytest.FixtureRequest) -> Iterator[Callable[[], Any]]:
    yield request.param
    if request.param is django:  # renew no lease of a run that the program left open
        import_module("workflows.storage.leases").keeper.clear()
