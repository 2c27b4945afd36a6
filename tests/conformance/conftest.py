"""What is put right after a program."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module

import pytest


@pytest.fixture
def no_leases_left(request: pytest.FixtureRequest) -> Iterator[None]:
    """Nobody renews the lease of a run that a program left open."""
    yield
    if request.node.get_closest_marker("django_db"):
        import_module("workflows.storage.leases").keeper.clear()
