"""Which savers the programs run on; a new one is one more entry in SAVERS."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

import pytest


def memory() -> Any:
    return import_module("durableweb.checkpoint.memory").InMemorySaver()


SAVERS: dict[str, Callable[[], Any]] = {"memory": memory}


@pytest.fixture(params=list(SAVERS))
def new_saver(request: pytest.FixtureRequest) -> Callable[[], Any]:
    return SAVERS[request.param]
