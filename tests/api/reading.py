"""Threads of a real workflow to read, and how often a list asks the database for them."""

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.web.conftest import as_
from tests.web.state_editing import asked, post

__all__ = ["as_", "asked", "asks", "leave_through", "post"]


def leave_through(one: Any, path: str, limit: int) -> list[Any]:
    """All items of a list, page by page."""
    found: list[Any] = []
    cursor = ""
    mark = "&" if "?" in path else "?"
    while cursor is not None:
        body = one.get(f"{path}{mark}limit={limit}&cursor={quote(cursor)}").json()
        assert len(body["items"]) <= limit
        found += body["items"]
        cursor = body["next"]
        assert len(found) < 500
    return found


@pytest.fixture
def asks() -> Callable[[Any, str], int]:
    """How many statements the answer to a GET takes."""

    def count(one: Any, path: str) -> int:
        assert one.get(path).status_code == 200
        with CaptureQueriesContext(connection) as seen:
            one.get(path)
        return len(seen)

    return count
