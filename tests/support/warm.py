"""Processes of the product that begin with the libraries in memory.

A start of `manage.py serve` takes 1.8 seconds of a processor, 1.1 of them for the modules
of Django, Twisted, psycopg and httpx, and the suite starts some three hundred processes.
A nursery has imported those once. It forks a child for each start, which takes the
environment, the arguments and the output that it is given and runs `manage.py` from its
first line: settings, apps and all that depends on them are loaded by each process anew.

Two nurseries take turns. Their hashes of texts differ, so two lives of a worker walk
through sets in different orders, as processes that are started from nothing do.
"""

import atexit
import gc
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from itertools import cycle
from pathlib import Path
from typing import Any

from tests.support.parents import die_with_parent

ROOT = Path(__file__).resolve().parents[2]
NURSERIES = 2
REQUEST_BYTES = 1 << 20
LOOK_SECONDS = 0.01
# What neither reads settings nor opens anything. Daphne's server is not among them: its
# import makes Twisted's reactor, which belongs to one process.
LIBRARIES = (
    *("asyncio", "html.parser", "sqlite3", "ssl", "urllib.request"),
    *("autobahn.twisted.websocket", "twisted.internet.asyncioreactor"),
    *("twisted.internet.endpoints", "twisted.web.http"),
    *("channels.layers", "channels.routing", "channels.security.websocket"),
    *("django.core.management", "django.core.handlers.asgi", "django.db.models"),
    *("django.contrib.admin.utils", "django.contrib.auth.hashers", "django.forms"),
    *("django.contrib.staticfiles.finders", "django.db.migrations.executor"),
    *("django.db.backends.sqlite3.base", "django.db.backends.postgresql.base"),
    *("cryptography.x509", "django_htmx.middleware", "environ", "httpx", "markdown_it"),
    *("msgspec", "nh3", "procrastinate", "psycopg", "psycopg_pool"),
    # The half of django-ninja's start that is not its own; that reads settings.
    *("django.test", "prometheus_client", "prometheus_client.core", "pydantic"),
    *("pydantic.main", "pydantic.networks", "pydantic.types"),
    *("whitenoise.middleware", "workflows.engine.graph.state"),
)


def is_possible() -> bool:
    """Whether processes can begin so: there is a fork, and sockets that keep messages."""
    return sys.platform == "linux"


@dataclass
class Forked:
    """A child of a nursery, with the methods of `subprocess.Popen` that tests use."""

    args: Sequence[str]
    pid: int
    nursery: "Nursery"
    returncode: int | None = None

    def poll(self) -> int | None:
        """Its exit code, or None while it lives."""
        if self.returncode is None:
            self.returncode = self.nursery.ask({"pid": self.pid})["code"]
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Its exit code, when it has ended."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while (code := self.poll()) is None:
            if deadline is not None and time.monotonic() > deadline:
                raise subprocess.TimeoutExpired(list(self.args), timeout or 0.0)
            time.sleep(LOOK_SECONDS)
        return code

    def send_signal(self, number: int) -> None:
        """Send a signal, unless it has ended: its number may be somebody else's then."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(signal.SIGKILL)


@dataclass
class Nursery:
    """A process with the libraries in memory; it ends when this one closes its line."""

    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        """Start it; it imports while the tests go on."""
        self._line, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._popen = subprocess.Popen(
            [sys.executable, "-m", __name__, str(theirs.fileno())],
            cwd=ROOT,
            env=os.environ | {"PYTHONUNBUFFERED": "1", "PYTHONWARNINGS": "default"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            pass_fds=[theirs.fileno()],
        )
        theirs.close()

    def fork(self, command: Sequence[str], env: Mapping[str, str], out: int) -> Forked:
        """Run `manage.py command` in a child; `out` is the file for what it says."""
        request = {"command": list(command), "env": dict(env)}
        return Forked(command, self.ask(request, [out])["pid"], self)

    def ask(self, request: dict[str, Any], files: Sequence[int] = ()) -> dict[str, Any]:
        """One request and its answer."""
        with self._lock:
            socket.send_fds(self._line, [json.dumps(request).encode()], files)
            answer = self._line.recv(REQUEST_BYTES)
        if not answer:
            raise RuntimeError("the nursery of the tests' processes has ended")
        found: dict[str, Any] = json.loads(answer)
        return found

    def close(self) -> None:
        """Let it end; children that still live end with it."""
        self._line.close()
        self._popen.wait()


@cache
def _nurseries() -> "cycle[Nursery]":
    made = [Nursery() for _ in range(NURSERIES)]
    for nursery in made:
        atexit.register(nursery.close)
    return cycle(made)


def start(command: Sequence[str], env: Mapping[str, str], out: int) -> Forked:
    """Begin `manage.py command` with exactly this environment; `out` takes its output."""
    return next(_nurseries()).fork(command, env, out)


def _serve(line: socket.socket) -> list[str]:
    """Fork until the other side is gone; in a child, returns its command."""
    while True:
        text, files, _, _ = socket.recv_fds(line, REQUEST_BYTES, 1)
        if not text:
            line.close()
            sys.exit()
        request = json.loads(text)
        if "pid" in request:
            line.send(json.dumps({"code": _look(request["pid"])}).encode())
            continue
        pid = os.fork()
        if not pid:
            line.close()
            _become(request["env"], files[0])
            return list(request["command"])
        os.close(files[0])
        line.send(json.dumps({"pid": pid}).encode())


def _look(pid: int) -> int | None:
    found, status = os.waitpid(pid, os.WNOHANG)
    return os.waitstatus_to_exitcode(status) if found else None


def _become(env: Mapping[str, str], out: int) -> None:
    die_with_parent()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.dup2(out, 1)
    os.dup2(out, 2)
    os.close(out)
    os.environ.clear()
    os.environ.update(env)


def main() -> None:
    """Import the libraries, then fork children that run `manage.py`."""
    # Ctrl-C is for the tests; the nursery goes when their end of the line closes.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for library in LIBRARIES:
        import_module(library)
    gc.collect()
    gc.freeze()
    command = _serve(socket.socket(fileno=int(sys.argv[1])))
    sys.argv = ["manage.py", *command]
    runpy.run_path("manage.py", run_name="__main__")


if __name__ == "__main__":
    main()
