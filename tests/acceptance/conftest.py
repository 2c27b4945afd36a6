"""A whole site on a database of its own: server, workers, people, and what they wrote."""

import re
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.support.databases import Databases
from tests.support.postgres import free_port
from tests.support.server import Process, Processes, Server, environment

KINDS = ("sqlite", "postgresql")


@dataclass
class Site:
    """One site under test. `kind` is its database: sqlite or postgresql."""

    kind: str
    url: str
    processes: Processes
    folder: Path
    env: dict[str, str] = field(default_factory=dict)
    port: int = field(default_factory=free_port)

    def __post_init__(self) -> None:
        """Give it an environment of its own."""
        self.env = {
            "DJANGO_SETTINGS_MODULE": "tests.acceptance.settings",
            "TEST_VAR_DIR": str(self.folder),
            "PUBLIC_URL": f"http://127.0.0.1:{self.port}",
            "LEDGER": str(self.ledger),
            **self.env,
        }

    @property
    def ledger(self) -> Path:
        """Where the workflows of the tests note what they do."""
        return self.folder / "ledger"

    def serve(self, **env: str) -> Server:
        """Start the server on the site's port."""
        return self.processes.serve(self.url, port=self.port, env=self.env | env)

    def demo(self) -> Server:
        """Start it as `make demo` does, with people and sample runs."""
        server = Server(
            ["demo", "--serve", "--port", str(self.port)],
            environment(self.url, self.env),
            self.folder / f"demo-{len(self.processes.started)}.log",
            port=self.port,
        )
        self.processes.started.append(server)
        server.wait_until(server.is_answering, "answer of /healthz")
        return server

    def work(self, *arguments: str, **env: str) -> Process:
        """Start a worker process."""
        worker = self.processes.worker(
            self.url, "--no-supervise", *arguments, env=self.env | env
        )
        worker.wait_until(lambda: "runs at once" in worker.output(), "worker")
        return worker

    def manage(self, *command: str) -> str:
        """Run a command; returns what it printed."""
        return self.processes.manage(self.url, *command, env=self.env)

    def output(self) -> str:
        """What all processes have printed."""
        return "\n".join(process.output() for process in self.processes.started)

    def assert_quiet(self) -> None:
        """No process has warned of anything or met a fault that it did not expect."""
        said = self.output()
        assert not re.search(r"Traceback|\w*Warning\b|Internal Server Error", said), (
            said
        )


@pytest.fixture(params=KINDS)
def site(
    request: pytest.FixtureRequest,
    databases: Databases,
    processes: Processes,
    tmp_path: Path,
) -> Site:
    """A site on each database in turn, with the tables and nothing in them."""
    kind = request.param
    return Site(kind, databases.new(kind), processes, tmp_path)
