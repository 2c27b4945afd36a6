"""Real worker processes on the test's own database, and the ledger of what they did."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection

from tests.support.server import Process, Processes, environment
from tests.worker.sample import workflows as sample
from workflows.models import Run
from workflows.services import ports
from workflows.services.start_run import StartRun
from workflows.worker.choosing import run_queue

assert sample


@pytest.fixture
def database_url(transactional_db) -> str:
    """The test database as another process names it."""
    name = connection.settings_dict["NAME"]
    if connection.vendor == "sqlite":
        return f"sqlite:///{name}"
    part = connection.settings_dict
    host = part["HOST"] or "127.0.0.1"
    secret = f":{part['PASSWORD']}" if part["PASSWORD"] else ""
    return f"postgres://{part['USER']}{secret}@{host}:{part['PORT']}/{name}"


@dataclass
class Site:
    """One site under test: its database, its ledger, and the workers it starts."""

    url: str
    processes: Processes
    ledger: Path
    person: User

    def work(self, *arguments: str, **env: str) -> Process:
        """Start a worker of the kind that this database has."""
        own = environment(
            self.url,
            {
                "DJANGO_SETTINGS_MODULE": "tests.worker.settings",
                "LEDGER": str(self.ledger),
                **env,
            },
        )
        command = ["work_here"] if connection.vendor == "sqlite" else ["worker"]
        worker = Process([*command, *arguments], own, self.processes._log("worker"))
        self.processes.started.append(worker)
        return worker

    def start(self, graph: str, value: object) -> Run:
        return StartRun(self.person, graph, value).execute()

    def lines(self) -> list[str]:
        """What was noted, without the process numbers."""
        if not self.ledger.exists():
            return []
        return [line.rsplit(" ", 1)[0] for line in self.ledger.read_text().splitlines()]

    def pids(self) -> list[int]:
        text = self.ledger.read_text() if self.ledger.exists() else ""
        return [int(line.rsplit(" ", 1)[1]) for line in text.splitlines()]

    def wait(
        self, ready: Callable[[], object], what: str, seconds: float = 300
    ) -> float:
        """Wait for something; returns the seconds it took."""
        began = time.monotonic()
        while not ready():
            if time.monotonic() - began > seconds:
                outputs = "\n".join(p.output() for p in self.processes.started)
                raise AssertionError(
                    f"no {what} in {seconds} s; noted {self.lines()}; "
                    f"runs {list(Run.objects.values_list('id', 'status', 'reason', 'error'))}\n"
                    f"{outputs}"
                )
            time.sleep(0.02)
        return time.monotonic() - began

    def wait_status(self, run: Run, *statuses: str, seconds: float = 300) -> float:
        def ended() -> bool:
            run.refresh_from_db()
            return run.status in statuses

        return self.wait(ended, f"{' or '.join(statuses)} of run {run.pk}", seconds)


@pytest.fixture
def site(database_url: str, processes: Processes, tmp_path: Path):
    before = ports.run_queue()
    ports.install(run_queue=run_queue())
    person = User.objects.create_superuser("operator")
    yield Site(database_url, processes, tmp_path / "ledger", person)
    processes.stop()
    ports.install(run_queue=before)


@pytest.fixture
def only_postgresql() -> None:
    if not settings.IS_POSTGRESQL:
        pytest.skip("needs PostgreSQL: SQLite has one worker process")


@pytest.fixture
def only_sqlite() -> None:
    if settings.IS_POSTGRESQL:
        pytest.skip("needs SQLite: PostgreSQL has worker processes of its own")
