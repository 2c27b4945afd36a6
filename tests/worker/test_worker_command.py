"""`manage.py worker` starts its child as it was started itself, whatever the project is like."""

import sys
from types import SimpleNamespace

import pytest
from django.core.management import call_command

from workflows.management.commands import worker


class _Supervisor:
    """Stands for the one that keeps processes alive; remembers what it was to start."""

    commands: list[list[str]] = []

    def __init__(self, commands: list[list[str]]) -> None:
        _Supervisor.commands = commands

    def run(self) -> int:
        return 0


def test_a_project_without_base_dir_has_workers(monkeypatch, settings):
    del settings.BASE_DIR
    monkeypatch.setattr(worker, "connection", SimpleNamespace(vendor="postgresql"))
    monkeypatch.setattr(worker, "Supervisor", _Supervisor)
    monkeypatch.setattr(sys, "argv", ["/srv/shop/bin/manage", "worker"])

    with pytest.raises(SystemExit):
        call_command("worker", concurrency=2)

    child = [sys.executable, "/srv/shop/bin/manage", "worker", "--no-supervise"]
    assert _Supervisor.commands == [[*child, "--concurrency", "2"]]
