"""`manage.py demo --serve`: from an empty database to questions that can be answered."""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.support.postgres import free_port
from tests.support.server import Processes, Server, environment

QUESTIONS = 9
SECONDS = 180


@pytest.fixture
def demo(processes: Processes, tmp_path: Path) -> Server:
    return start_demo(processes, tmp_path, "demo")


def start_demo(processes: Processes, folder: Path, name: str) -> Server:
    port = free_port()
    server = Server(
        ["demo", "--serve", "--port", str(port)],
        environment(f"sqlite:///{folder / 'demo.sqlite3'}"),
        folder / f"{name}.log",
        port=port,
    )
    processes.started.append(server)
    server.wait_until(server.is_answering, "answer of /healthz")
    return server


def password_of(name: str, output: str) -> str:
    found = re.search(rf"^ +{name} +password (\S+)", output, re.MULTILINE)
    assert found, output
    return found.group(1)


@contextmanager
def log_in(server: Server, name: str, password: str) -> Iterator[httpx.Client]:
    with httpx.Client(
        base_url=server.url, follow_redirects=True, timeout=SECONDS
    ) as client:
        client.get("/login/")
        answer = client.post(
            "/login/",
            data={
                "username": name,
                "password": password,
                "csrfmiddlewaretoken": client.cookies["csrftoken"],
            },
            headers={"Referer": f"{server.url}/login/"},
        )
        assert answer.url.path == "/queue/", answer.text
        yield client


def questions_in_the_queue(client: httpx.Client) -> set[str]:
    """The addresses of the questions, once all sample runs have asked theirs."""
    deadline = time.monotonic() + SECONDS
    while True:
        found = set(re.findall(r'href="(/review/\d+/)"', client.get("/queue/").text))
        if len(found) >= QUESTIONS or time.monotonic() > deadline:
            return found
        time.sleep(0.3)


def test_a_newcomer_finds_questions_and_a_second_start_keeps_them(
    demo: Server, processes: Processes, tmp_path: Path
) -> None:
    password = password_of("demo", demo.output())
    with log_in(demo, "demo", password) as client:
        asked = questions_in_the_queue(client)
        pages = [client.get(address).text for address in sorted(asked)]
    demo.stop()
    again = start_demo(processes, tmp_path, "again")

    with log_in(again, "demo", password) as client:
        kept = questions_in_the_queue(client)

    assert len(asked) == QUESTIONS
    assert any("Invoice 2041 from Nordwind: sum is off by 12.00" in p for p in pages)
    # The workflow has fetched this from the very server that shows it.
    assert any("a crane from 1911" in page for page in pages)
    assert kept == asked
    assert "password" not in again.output().split("kept as they are")[0]
