"""The product as people run it: `manage.py serve` and `worker` as processes of their own.

A test gets a `Processes` from the fixture of that name, starts servers and workers on
a database of its own and kills them as it likes; what is left is stopped at its end.
"""

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from tests.support import warm
from tests.support.parents import die_with_parent
from tests.support.postgres import free_port

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 180
STOP_SECONDS = 60


def environment(database_url: str, extra: Mapping[str, str] | None = None) -> dict:
    """What a process of the product sees: this machine's, the database, the extras."""
    clean = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("DJANGO_", "TEST_", "PYTEST_"))
    }
    return clean | {
        "DATABASE_URL": database_url,
        "PYTHONUNBUFFERED": "1",
        "PYTHONWARNINGS": "default",
        **(extra or {}),
    }


def begin(
    command: Sequence[str], env: Mapping[str, str], out: IO[bytes], *, cold: bool
) -> "subprocess.Popen[bytes] | warm.Forked":
    """Start `manage.py <command>`, which writes to `out`; cold is without a nursery."""
    if not cold and warm.is_possible():
        return warm.start(command, env, out.fileno())
    return subprocess.Popen(
        [sys.executable, "manage.py", *command],
        cwd=ROOT,
        env=dict(env),
        stdin=subprocess.DEVNULL,
        stdout=out,
        stderr=subprocess.STDOUT,
        preexec_fn=die_with_parent,
    )


@dataclass
class Process:
    """One running `manage.py <command>`; its output is in `log`.

    It begins with the libraries in memory, except where `cold` wants it started from nothing,
    as people start it.
    """

    command: Sequence[str]
    env: Mapping[str, str]
    log: Path
    cold: bool = False
    popen: "subprocess.Popen[bytes] | warm.Forked" = field(init=False)

    def __post_init__(self) -> None:
        """Start it."""
        with self.log.open("ab") as out:
            self.popen = begin(self.command, self.env, out, cold=self.cold)

    @property
    def pid(self) -> int:
        """The number of the process."""
        return self.popen.pid

    def output(self) -> str:
        """All that it has printed so far."""
        return self.log.read_text(errors="replace")

    def is_running(self) -> bool:
        """Whether it still lives."""
        return self.popen.poll() is None

    def send(self, number: signal.Signals) -> None:
        """Send a signal: SIGSTOP and SIGCONT for a worker that sleeps and wakes."""
        self.popen.send_signal(number)

    def kill9(self) -> None:
        """End it at once, as a power cut would; returns when it is gone."""
        self.popen.kill()
        self.popen.wait()

    def stop(self, seconds: float = STOP_SECONDS) -> int:
        """Ask it to end and wait; a process that does not listen is killed."""
        if self.is_running():
            # A stopped process would not see the request.
            self.popen.send_signal(signal.SIGCONT)
            self.popen.terminate()
            try:
                self.popen.wait(seconds)
            except subprocess.TimeoutExpired:
                self.kill9()
        return self.popen.wait()

    def wait_until(
        self, ready: Callable[[], bool], what: str, seconds: float = START_SECONDS
    ) -> None:
        """Wait until `ready()`; a process that ends meanwhile fails with its output."""
        deadline = time.monotonic() + seconds
        while not ready():
            if not self.is_running():
                code = self.popen.returncode
                raise AssertionError(f"ended ({code}) before {what}:\n{self.output()}")
            if time.monotonic() > deadline:
                raise AssertionError(f"no {what} in {seconds} s:\n{self.output()}")
            time.sleep(0.05)


@dataclass
class Server(Process):
    """A running `manage.py serve`."""

    port: int = 0

    @property
    def url(self) -> str:
        """The address of its first page, without a slash at the end."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def ws_url(self) -> str:
        """The same for websockets."""
        return f"ws://127.0.0.1:{self.port}"

    def is_answering(self) -> bool:
        """Whether /healthz answers; any answer of a page that is missing counts too."""
        try:
            urllib.request.urlopen(f"{self.url}/healthz", timeout=5).close()
        except urllib.error.HTTPError as answer:
            answer.close()
            return answer.code == 404
        except OSError:
            return False
        return True


@dataclass
class Processes:
    """Starts processes of the product for one test and stops them after it."""

    folder: Path
    cold: bool = False
    started: list[Process] = field(default_factory=list)

    def _log(self, name: str) -> Path:
        return self.folder / f"{len(self.started):02}-{name}.log"

    def serve(
        self,
        database_url: str,
        *arguments: str,
        port: int | None = None,
        env: Mapping[str, str] | None = None,
    ) -> Server:
        """Start a server on a free port, or the one given; returns when it answers."""
        port = port or free_port()
        own = {"PUBLIC_URL": f"http://127.0.0.1:{port}", **(env or {})}
        server = Server(
            ["serve", "--host", "127.0.0.1", "--port", str(port), *arguments],
            environment(database_url, own),
            self._log("serve"),
            self.cold,
            port=port,
        )
        self.started.append(server)
        server.wait_until(server.is_answering, "answer of /healthz")
        return server

    def worker(
        self, database_url: str, *arguments: str, env: Mapping[str, str] | None = None
    ) -> Process:
        """Start a worker; it may need a moment until it takes runs."""
        worker = Process(
            ["worker", *arguments],
            environment(database_url, env),
            self._log("worker"),
            self.cold,
        )
        self.started.append(worker)
        return worker

    def manage(
        self, database_url: str, *command: str, env: Mapping[str, str] | None = None
    ) -> str:
        """Run a command to its end; returns what it printed, fails where it fails."""
        return manage(database_url, *command, env=env)

    def stop(self) -> None:
        """Stop what still runs, the youngest first."""
        for process in reversed(self.started):
            with contextlib.suppress(ProcessLookupError):
                process.stop()


def manage(
    database_url: str, *command: str, env: Mapping[str, str] | None = None
) -> str:
    """`manage.py <command>` on that database; returns what it printed."""
    with tempfile.TemporaryFile() as out:
        code = begin(command, environment(database_url, env), out, cold=False).wait()
        out.seek(0)
        said = out.read().decode(errors="replace")
    if code:
        raise AssertionError(
            f"manage.py {' '.join(command)} ended with {code}:\n{said}"
        )
    return said
