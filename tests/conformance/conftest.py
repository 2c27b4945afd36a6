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


SAVERS: dict[str, Callable[[], Any]] = {"memory": memory, "django": django}
NEEDS_DATABASE = {"django"}


@pytest.fixture(params=list(SAVERS))
def new_saver(request: pytest.FixtureRequest) -> Iterator[Callable[[], Any]]:
    if request.param not in NEEDS_DATABASE:
        yield SAVERS[request.param]
        return
    request.getfixturevalue("transactional_db")
    yield SAVERS[request.param]
    import_module("workflows.storage.leases").keeper.clear()
