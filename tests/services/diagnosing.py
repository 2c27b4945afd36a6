"""What `manage.py doctor` finds, for tests."""

from __future__ import annotations

import json
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command

from workflows.management.commands import doctor as command
from workflows.models import (
    Run,
    Thread,
)
from workflows.services import registry
from workflows.storage.clock import database_now


@pytest.fixture(autouse=True)
def fine(monkeypatch: pytest.MonkeyPatch, queue: Any) -> None:
    """Nothing is wrong with the tests' own modules and disk, and a worker lives."""
    monkeypatch.setattr(registry, "failures", {})
    monkeypatch.setattr(command, "why_not_writable", lambda: "")
    queue.has_worker = lambda: True


def ago(**length: int) -> Any:
    return database_now() - timedelta(**length)


def make_run(thread: Thread, status: str = "pending", **more: Any) -> Run:
    more = {"graph": thread.graph, "kind": "start", "due_at": ago(minutes=10), **more}
    return Run.objects.create(thread=thread, status=status, **more)


def findings() -> list[dict[str, Any]]:
    out, code = StringIO(), 0
    try:
        call_command("doctor", "--json", stdout=out)
    except SystemExit as ended:
        code = int(str(ended.code))
    found: list[dict[str, Any]] = json.loads(out.getvalue())
    assert code == (1 if found else 0)
    return found


def the_one(kind: str) -> dict[str, Any]:
    [found] = findings()
    assert found["kind"] == kind
    assert found["do"]
    return found


def lines() -> list[str]:
    out = StringIO()
    with pytest.raises(SystemExit, match="1"):
        call_command("doctor", stdout=out)
    return out.getvalue().splitlines()
