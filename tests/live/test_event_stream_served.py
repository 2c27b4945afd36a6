"""Streams of `manage.py serve` that nobody reads: they hold up nobody and fill no memory."""

import contextlib
import re
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.support.databases import Databases
from tests.support.server import Processes, Server, manage

EVENTS, EVENT_BYTES = 1_500, 20_000
UNREAD = 20
DEADLINE_SECONDS = 60
PREPARE = f"""
from tests.live.conftest import make_person, make_thread
from workflows.services.tokens import MakeToken
from workflows.storage.events import append_events
person = make_person("root", "admin")
make_thread(graph="gone")
long = "x" * {EVENT_BYTES}
for _ in range({EVENTS} // 100):
    append_events("default", "t1", None, [("custom", {{"data": long}})] * 100)
for _ in range(2):
    print("token", MakeToken(person, "a program", frozenset({{"read"}})).execute()[1])
"""
pytestmark = pytest.mark.one_database


@pytest.fixture
def tokens(databases: Databases) -> tuple[str, list[str]]:
    """A database with a thread of many long events, and two tokens."""
    url = databases.new("sqlite")
    return url, re.findall(r"token (\S+)", manage(url, "shell", "-c", PREPARE))


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[Processes]:
    started = Processes(tmp_path)
    yield started
    started.stop()


def memory_mib(server: Server) -> int:
    status = Path(f"/proc/{server.pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", status).group(1)) // 1024


def open_stream(server: Server, token: str) -> socket.socket:
    line = socket.create_connection(("127.0.0.1", server.port), DEADLINE_SECONDS)
    line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
    line.sendall(
        b"GET /api/v1/threads/t1/events/stream HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        b"Authorization: Bearer %s\r\n\r\n" % token.encode()
    )
    assert line.recv(15) == b"HTTP/1.1 200 OK"
    return line


def read_all(server: Server, token: str) -> list[int]:
    seen: list[int] = []
    with httpx.stream(
        "GET",
        f"{server.url}/api/v1/threads/t1/events/stream",
        headers={"Authorization": f"Bearer {token}"},
        timeout=DEADLINE_SECONDS,
    ) as answer:
        for line in answer.iter_lines():
            if line.startswith("id: "):
                seen.append(int(line.removeprefix("id: ")))
            if seen and seen[-1] == EVENTS:
                return seen
    return seen


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_readers_that_do_not_read_cost_the_others_nothing(tokens, processes):
    url, (lazy, keen) = tokens
    server = processes.serve(url)
    assert read_all(server, keen) == list(range(1, EVENTS + 1))
    before = memory_mib(server)

    with contextlib.ExitStack() as unread:
        lines = [unread.enter_context(open_stream(server, lazy)) for _ in range(UNREAD)]
        assert read_all(server, keen) == list(range(1, EVENTS + 1))
        refused = httpx.get(
            f"{server.url}/api/v1/threads/t1/events/stream",
            headers={"Authorization": f"Bearer {lazy}"},
        )
        grown = memory_mib(server) - before

        # All that is on its way to them would be 600 MiB.
        assert grown < 100, server.output()
        assert refused.status_code == 429
        # Whoever begins to read late has it all.
        rest = b""
        while f"id: {EVENTS}\n".encode() not in rest:
            rest = rest[-100:] + lines[0].recv(1 << 20)
    assert "Traceback" not in server.output()
