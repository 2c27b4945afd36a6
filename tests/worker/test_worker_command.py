"""`manage.py worker` starts its child as it was started itself, whatever the project is like."""

import sys
import time
from types import SimpleNamespace

import pytest
from django.core.management import call_command

from workflows.management.commands import worker
from workflows.management.supervising import _Child


class _Supervisor:
    """Stands for the one that keeps processes alive; remembers what it was to start."""

    commands: list[list[str]] = []

    def __init__(self, commands: list[list[str]]) -> None:
        _Supervisor.commands = commands

    def run(self) -> int:
        return 0


@pytest.fixture
def started(monkeypatch):
    """The command of the child, of a program that was started in this way."""

    def started(path: str, module: str | None = None) -> list[str]:
        spec = SimpleNamespace(name=module) if module else None
        monkeypatch.setattr(sys.modules["__main__"], "__spec__", spec)
        monkeypatch.setattr(sys, "argv", [path, "worker"])
        with pytest.raises(SystemExit):
            call_command("worker", concurrency=2)
        [child] = _Supervisor.commands
        assert child[0] == sys.executable
        assert child[-4:] == ["worker", "--no-supervise", "--concurrency", "2"]
        return child[1:-4]

    monkeypatch.setattr(worker, "connection", SimpleNamespace(vendor="postgresql"))
    monkeypatch.setattr(worker, "Supervisor", _Supervisor)
    return started


def test_a_project_without_base_dir_has_workers(started, settings):
    del settings.BASE_DIR

    assert started("/srv/shop/bin/manage") == ["/srv/shop/bin/manage"]


def test_so_has_one_that_is_started_by_a_module(started):
    found = started("/lib/django/__main__.py", "django.__main__")

    assert found == ["-m", "django"]


@pytest.mark.parametrize("program", [["-m", "calendar"], ["manage.py"]])
def test_a_child_that_ends_unasked_is_named_by_its_command(caplog, program):
    child = _Child([sys.executable, *program, "worker", "--no-such-flag"])
    child.tend()
    while child.is_running:
        time.sleep(0.05)

    child.tend()

    assert "(worker) ended with" in caplog.text
