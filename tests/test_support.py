"""The harness itself: servers that do not outlive the tests, databases that are apart."""

import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from tests.support import chromium, one_database, postgres, warm
from tests.support.databases import Databases
from tests.support.server import ROOT, manage

OWNER = """
import os, signal
from tests.support import postgres
print(postgres.Cluster(durable=True).start().url, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""

OWNER_OF_A_PROCESS = """
import os, signal
from pathlib import Path
from tests.support.server import Process, environment
asleep = ["shell", "-c", "import time; time.sleep(600)"]
print(Process(asleep, environment("sqlite://:memory:"), Path(os.devnull)).pid, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def has_tables(url: str) -> bool:
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as file:
            asked = "SELECT 1 FROM sqlite_master WHERE name = 'auth_user'"
            return file.execute(asked).fetchone() is not None
    with psycopg.connect(url) as connection:
        found = connection.execute("SELECT to_regclass('auth_user')").fetchone()
        return found != (None,)


def test_a_server_stops_when_the_tests_are_killed(pg_url: str) -> None:
    owner = subprocess.run(
        [sys.executable, "-c", OWNER], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert owner.returncode == -signal.SIGKILL

    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            psycopg.connect(owner.stdout.strip()).close()
        except psycopg.OperationalError:
            return
        time.sleep(0.1)
    pytest.fail("the server still answers")


@pytest.mark.skipif(not warm.is_possible(), reason="only Linux ends it so")
def test_a_process_of_the_product_ends_when_the_tests_are_killed() -> None:
    owner = subprocess.run(
        [sys.executable, "-c", OWNER_OF_A_PROCESS],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert owner.returncode == -signal.SIGKILL

    status = Path(f"/proc/{owner.stdout.strip()}/stat")
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            # Whoever inherits it may let it lie, dead.
            if status.read_text().rpartition(")")[2].split()[0] == "Z":
                return
        except (FileNotFoundError, ProcessLookupError):
            return
        time.sleep(0.1)
    pytest.fail("the process still lives")


def test_processes_hash_texts_differently(databases: Databases) -> None:
    url, command = (
        databases.new("sqlite"),
        ("shell", "-c", "print('hash', hash('text'))"),
    )
    said = [manage(url, *command) for _ in range(2)]
    first, second = (re.search(r"hash (-?\d+)", text).group(1) for text in said)

    assert first != second


def test_a_durable_server_keeps_fsync_on(pg_url: str) -> None:
    with (
        postgres.running(durable=True) as url,
        psycopg.connect(url) as connection,
    ):
        assert connection.execute("SHOW fsync").fetchone() == ("on",)


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_databases_are_migrated_and_apart(databases: Databases, kind: str) -> None:
    first, second = databases.new(kind), databases.new(kind)

    assert first != second
    assert has_tables(first)
    assert has_tables(second)


def test_an_empty_database_has_no_tables(fresh_pg_database: str) -> None:
    assert not has_tables(fresh_pg_database)


def test_a_command_that_fails_shows_what_it_said(databases: Databases) -> None:
    with pytest.raises(AssertionError, match="no_such_command"):
        manage(databases.new("sqlite"), "no_such_command")


@pytest.mark.parametrize(
    "name", sorted(one_database.NAMED | one_database.OF_THE_SETTINGS)
)
def test_what_runs_on_one_database_alone_is_called_so(name: str) -> None:
    path, _, test = name.partition("::")

    assert not test or f"def {test}(" in (ROOT / path).read_text()
    assert (ROOT / path).exists()


def test_a_browser_given_by_name_goes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHROMIUM", "/given/chromium")

    assert chromium.find() == "/given/chromium"


def test_a_program_that_does_not_answer_is_no_browser(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    stub = tmp_path / "chromium"
    stub.write_text("#!/bin/sh\nexit 1\n")
    stub.chmod(0o755)
    monkeypatch.delenv("CHROMIUM", raising=False)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}/nowhere")
    monkeypatch.setattr(chromium, "playwrights_own", lambda: None)

    assert chromium.find() is None
