"""A look at why a thread does not go on, for tests."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from workflows.models import Thread
from workflows.services.access import Rights
from workflows.services.checkup.check import Check
from workflows.services.checkup.checklist import check_up
from workflows.storage.clock import database_now


@pytest.fixture(autouse=True)
def worker(queue: Any) -> Any:
    """A worker lives."""
    queue.has_worker = lambda: True
    return queue


@pytest.fixture
def by(people: Any) -> Any:
    """A look by a person of that role."""

    def look(role: str = "operator") -> Any:
        thread = Thread.objects.get(pk="t1")
        return check_up(thread, Rights(getattr(people, role)))

    return look


def the(name: str, found: Any) -> Check:
    """The check of that name."""
    return next(check for check in found.checks if check.name == name)


def later(**length: int) -> Any:
    return database_now() + timedelta(**length)
