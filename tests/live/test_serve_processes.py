"""`manage.py serve --processes`: several processes share the port, and are watched over."""

import os
import re
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from tests.live.conftest import Prepare
from tests.live.test_serve import DEADLINE_SECONDS, numbers, watch, write_from_outside
from tests.support.databases import Databases
from tests.support.server import Processes, Server

LINES = 40


def wait_until(ready: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not ready():
        assert time.monotonic() < deadline, f"no {what}"
        time.sleep(0.05)


def said(server: Server) -> list[int]:
    """The numbers of all processes that have said that they answer, in their order."""
    found = re.findall(r"^process (\d+) answers", server.output(), re.MULTILINE)
    return [int(number) for number in found]


def is_there(pid: int) -> bool:
    with suppress(OSError):
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        return state != "Z"
    return False


def taken(pid: int, port: int, clients: set[int]) -> int:
    """How many of the connections from these ports to `port` a process holds."""
    inodes = set()
    for row in Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]:
        _, here, there, _, *_, inode = row.split()[:10]
        ends = [int(end.rpartition(":")[2], 16) for end in (here, there)]
        if ends[0] == port and ends[1] in clients:
            inodes.add(f"socket:[{inode}]")
    count = 0
    for each in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(OSError):
            count += os.readlink(each) in inodes
    return count


@pytest.fixture(scope="module")
def database_url(databases: Databases, db_kind: str, prepared: Prepare) -> str:
    if db_kind == "sqlite":
        pytest.skip("several processes serve a site on PostgreSQL only")
    return databases.copy(prepared(db_kind).url)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Processes]:
    started = Processes(tmp_path_factory.mktemp("serve"))
    yield started
    started.stop()


def start(running: Processes, database_url: str, *more: str) -> Server:
    server = running.serve(database_url, "--processes", "2", *more)
    wait_until(lambda: len(said(server)) == 2, "second process")
    return server


def alive(server: Server) -> list[int]:
    return [pid for pid in said(server) if is_there(pid)]


@pytest.fixture(scope="module")
def server(running: Processes, database_url: str) -> Server:
    """Two that serve, and a third for the workflows."""
    return start(running, database_url, "--with-worker")


def test_connections_are_dealt_out_among_them(server):
    pids = alive(server)
    with ExitStack() as open_lines:
        clients = set()
        for _ in range(LINES):
            line = socket.create_connection(("127.0.0.1", server.port))
            open_lines.enter_context(line)
            clients.add(line.getsockname()[1])

        def dealt() -> list[int]:
            return [taken(pid, server.port, clients) for pid in pids]

        wait_until(lambda: sum(dealt()) == LINES, "connection for each")
        assert min(dealt()) > 0


def test_news_reaches_the_sockets_of_each(server, database_url, db_kind, prepared):
    session = prepared(db_kind).session
    with ExitStack() as watching:
        lines = [watching.enter_context(watch(server, session)) for _ in range(8)]
        last = write_from_outside(database_url, 1)

        for line in lines:
            assert numbers(line, last) == list(range(1, last + 1))


def test_one_that_is_killed_is_replaced(server):
    killed, left = alive(server)
    count = len(said(server))
    os.kill(killed, signal.SIGKILL)

    wait_until(lambda: len(said(server)) > count, "new process")

    assert alive(server) == [left, said(server)[-1]]
    assert server.is_answering()
    assert f"process {killed} (serve) ended with -9" in server.output()


def test_all_end_in_order_the_worker_among_them(server):
    wait_until(lambda: "runs at once" in server.output(), "worker")
    [worker] = re.findall(r"worker (\d+): \d+ runs at once", server.output())
    pids = [*alive(server), int(worker)]
    assert len(pids) == 3
    assert is_there(int(worker))

    assert server.stop(DEADLINE_SECONDS) == 0

    assert not any(is_there(pid) for pid in pids)
    assert "Traceback" not in server.output()


def test_they_end_when_nobody_watches_over_them_any_more(running, database_url):
    server = start(running, database_url)
    server.kill9()

    wait_until(lambda: not alive(server), "end of both")


def test_a_number_below_one_is_refused():
    with pytest.raises(CommandError, match="--processes is at least 1"):
        call_command("serve", processes=0)


def test_sqlite_is_served_by_one_process(db_kind):
    if db_kind != "sqlite":
        pytest.skip("several processes may serve a site on PostgreSQL")

    with pytest.raises(CommandError, match="--processes needs PostgreSQL"):
        call_command("serve", processes=2)
