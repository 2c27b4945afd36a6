"""`manage.py serve` as a process: it listens, tells, refuses and ends as it should."""

import contextlib
import json
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from tests.live.conftest import Prepare
from tests.support.databases import Databases, open_database
from tests.support.server import Processes, Server, environment

ROOT = Path(__file__).resolve().parents[2]
DEADLINE_SECONDS = 120


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Processes]:
    """Processes that live as long as this module's tests, begun as people begin them."""
    started = Processes(tmp_path_factory.mktemp("serve"), cold=True)
    yield started
    started.stop()


@pytest.fixture(scope="module")
def database_url(databases: Databases, db_kind: str, prepared: Prepare) -> str:
    """A database with one thread of two events and one person who may see all."""
    return databases.copy(prepared(db_kind).url)


@pytest.fixture(scope="module")
def session(db_kind: str, prepared: Prepare) -> str:
    """That person's session."""
    return prepared(db_kind).session


@pytest.fixture(scope="module")
def server(running: Processes, database_url: str, session: str) -> Server:
    """A server for the tests that leave it as it is."""
    return running.serve(database_url)


def write_from_outside(database_url: str, count: int) -> int:
    """Events of another process, with the statements of the saver; returns the last seq."""
    with contextlib.closing(open_database(database_url)) as connection:
        sign = "?" if database_url.startswith("sqlite") else "%s"
        cursor = connection.cursor()
        cursor.execute("SELECT seq FROM workflows_thread WHERE id = 't1'")
        seq = cursor.fetchone()[0]
        for number in range(seq + 1, seq + count + 1):
            cursor.execute(
                "INSERT INTO workflows_event (thread_id, seq, kind, data)"
                f" VALUES ('t1', {sign}, 'custom', '{{}}')",
                (number,),
            )
        cursor.execute(
            f"UPDATE workflows_thread SET seq = {sign} WHERE id = 't1'", (seq + count,)
        )
        connection.commit()
        return int(seq + count)


def watch(server: Server, session: str, after: int = 0, **options):
    return connect(
        f"{server.ws_url}/ws/threads/t1/?after={after}",
        origin=options.pop("origin", server.url),
        additional_headers={"Cookie": f"sessionid={session}"},
        **options,
    )


def numbers(socket, up_to: int) -> list[int]:
    seen: list[int] = []
    while not seen or seen[-1] < up_to:
        frame = json.loads(socket.recv(timeout=DEADLINE_SECONDS))
        if "ping" in frame:
            socket.send("pong")
        seen += [int(n) for n in re.findall(r'id="event-(\d+)"', frame.get("html", ""))]
    return seen


def raw(server: Server, request: bytes) -> bytes:
    with socket.create_connection(
        ("127.0.0.1", server.port), timeout=DEADLINE_SECONDS
    ) as line:
        line.sendall(request)
        answer = b""
        while chunk := line.recv(65536):
            answer += chunk
            if b"\r\n\r\n" in answer:
                return answer
        return answer


def test_strangers_and_foreign_pages_are_refused(session, server):
    for cookie, origin in [
        ("nobody", server.url),
        (session, "http://127.0.0.1:1"),
        (session, None),
    ]:
        with pytest.raises(InvalidStatus) as refused:
            watch(server, cookie, origin=origin)
        assert refused.value.response.status_code == 403
    assert "Traceback" not in server.output()


def test_a_message_above_64_kib_ends_the_socket(session, server):
    with watch(server, session) as line:
        numbers(line, 2)
        line.send("x" * 70_000)
        with pytest.raises(ConnectionClosed):
            line.recv(timeout=DEADLINE_SECONDS)


def test_a_root_path_header_of_a_stranger_does_not_lead_away(server):
    answer = raw(
        server,
        b"GET /admin/ HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        b"Daphne-Root-Path: http://evil.example\r\nConnection: close\r\n\r\n",
    )

    assert b" 302 " in answer.splitlines()[0]
    assert b"evil" not in answer


@pytest.mark.parametrize("how", ["announced", "chunked"])
def test_a_body_above_the_limit_is_refused_early(server, how):
    head = b"POST /admin/ HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    if how == "announced":
        request = head + b"Content-Length: 200000000\r\n\r\n" + b"x" * 100_000
    else:
        piece = b"100000\r\n" + b"x" * 0x100000 + b"\r\n"
        request = head + b"Transfer-Encoding: chunked\r\n\r\n" + piece * 13

    assert raw(server, request).startswith(b"HTTP/1.1 413 ")


def test_static_files_are_served_without_collecting_them(server):
    answer = raw(
        server,
        b"GET /static/js/live.js HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n",
    )

    assert answer.startswith(b"HTTP/1.1 200 ")
    assert b"text/javascript" in answer


def run_serve(database_url: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", "serve", *arguments],
        cwd=ROOT,
        env=environment(database_url),
        capture_output=True,
        text=True,
        timeout=DEADLINE_SECONDS,
    )


def test_a_port_in_use_is_told_in_a_sentence(database_url):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        ended = run_serve(database_url, "--port", port)

    assert ended.returncode == 1
    assert f"cannot listen on 127.0.0.1 port {port}" in ended.stderr
    assert "--port" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_an_old_database_is_told_in_a_sentence(db_kind, databases, tmp_path):
    empty = databases.empty() if db_kind == "postgresql" else f"sqlite:///{tmp_path}/db"
    ended = run_serve(empty, "--port", "0")

    assert ended.returncode == 1
    assert "manage.py migrate" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_it_tells_events_and_ends_cleanly_and_a_restart_leaves_no_gap(
    session, running, database_url
):
    first = running.serve(database_url)
    with watch(first, session) as line:
        seen = numbers(line, 2)
        seen += numbers(line, write_from_outside(database_url, 3))

        first.send(signal.SIGTERM)
        with pytest.raises(ConnectionClosed) as closed:
            line.recv(timeout=DEADLINE_SECONDS)
    code = first.popen.wait(DEADLINE_SECONDS)

    assert closed.value.rcvd.code == 4012
    assert code == 0, first.output()
    assert f"durableweb is at {first.url}/" in first.output()
    assert "Traceback" not in first.output()

    last = write_from_outside(database_url, 4)
    second = running.serve(database_url, port=first.port)
    with watch(second, session, after=seen[-1]) as line:
        seen += numbers(line, last)

    assert seen == list(range(1, last + 1))
    second.kill9()
