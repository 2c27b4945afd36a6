"""What a file saver does when processes die or meet on a file, and what it refuses."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from durableweb.checkpoint.sqlite import SqliteSaver
from durableweb.errors import LeaseLostError, SerdeError
from durableweb.graph import START, StateGraph
from durableweb.types import Command
from tests.storage.file_savers import CONFIG, State, asking
from tests.storage.writing_together import (
    check_each_is_whole,
    told_before_it_was_killed,
)
from workflows.engine.checkpoint.base import checkpoint_config

ROOT = Path(__file__).resolve().parents[2]
rule = pytest.mark.rule


@pytest.fixture
def path(tmp_path):
    return tmp_path / "checkpoints.sqlite"


@pytest.fixture
def saver(path):
    with SqliteSaver.from_conn_string(path) as saver:
        yield saver


KILLED = """
import os, signal, sys
from durableweb.checkpoint.sqlite import SqliteSaver
from durableweb.func import entrypoint, task
from durableweb.graph import START, StateGraph
from typing import TypedDict
assert not any(name.split(".")[0] == "django" for name in sys.modules)

class State(TypedDict, total=False):
    n: int

def called(name):
    with open(sys.argv[2], "a") as log:
        log.write(name + "\\n")

@task
def inner(n):
    called(f"inner {n}")
    return n + 1

def first(state):
    called("first")
    return {"n": inner(state["n"]).result()}

def second(state):
    n = inner(state["n"]).result()
    called("second")
    if sys.argv[3] == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    return {"n": n}

with SqliteSaver.from_conn_string(sys.argv[1]) as saver:
    graph = StateGraph(State).add_sequence([first, second])
    graph = graph.add_edge(START, "first").compile(saver)
    config = {"configurable": {"thread_id": "t"}}
    print(graph.invoke({"n": 1} if sys.argv[3] == "die" else None, config))
assert not any(name.split(".")[0] == "django" for name in sys.modules)
"""


def ran(path: Path, log: Path, how: str) -> Any:
    return subprocess.run(
        [sys.executable, "-c", KILLED, str(path), str(log), how],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        timeout=60,
    )


@rule("R4.2", "D.4")
def test_a_killed_process_is_continued_by_another_without_django(
    path, tmp_path
) -> None:
    log = tmp_path / "calls"

    died = ran(path, log, "die")
    went_on = ran(path, log, "go on")

    assert died.returncode == -signal.SIGKILL, died.stderr
    assert went_on.stdout == "{'n': 3}\n", went_on.stderr
    assert log.read_text().split("\n")[:-1] == [
        *("first", "inner 1", "inner 2", "second", "second")
    ]


@rule("R4.2")
@pytest.mark.parametrize("lines", [9, 50, 200])
def test_runs_that_save_together_are_each_whole_after_kill_9(path, lines) -> None:
    program = ["-m", "tests.storage.writing_together", str(path)]

    told = told_before_it_was_killed(program, lines, {"PATH": os.environ["PATH"]})

    with SqliteSaver.from_conn_string(path) as saver:
        check_each_is_whole(saver, told)


@rule("RA.1")
def test_who_saves_after_another_process_is_refused_and_keeps_nothing(path) -> None:
    with (
        SqliteSaver.from_conn_string(path) as one,
        SqliteSaver.from_conn_string(path) as other,
    ):

        def meet(state):
            if state["said"] == ["one"]:
                thread = threading.Thread(  # not as a graph below this one
                    target=lambda: graph(other).invoke({"said": ["other"]}, CONFIG)
                )
                thread.start()
                thread.join()
            return {"said": ["met"]}

        def graph(saver):
            built = StateGraph(State).add_node("meet", meet)
            return built.add_edge(START, "meet").compile(saver)

        with pytest.raises(LeaseLostError, match="another worker"):
            graph(one).invoke({"said": ["one"]}, CONFIG)

        assert graph(one).get_state(CONFIG).values["said"] == ["one", "other", "met"]
        assert graph(one).invoke({"said": ["more"]}, CONFIG)["said"][3:] == [
            *("more", "met")
        ]


def test_a_fork_while_a_run_is_open_is_no_other_process(saver) -> None:
    graph = asking(saver)
    graph.invoke({"said": ["in"]}, CONFIG)
    old = [*graph.get_state_history(CONFIG)][-1].config

    graph.invoke(None, old)
    graph.update_state(old, {"said": ["edit"]}, as_node="work")
    graph.invoke(None, CONFIG)

    assert graph.invoke(Command(resume="yes"), CONFIG)["said"][-1] == "yes"


@rule("RA.21")
def test_what_is_no_connection_is_refused() -> None:
    with pytest.raises(TypeError, match=r"conn is 'x.db'; give a connection of"):
        SqliteSaver("x.db")  # type: ignore[arg-type]


def test_a_connection_in_a_transaction_is_refused(path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE mine (n)")
        connection.execute("INSERT INTO mine VALUES (1)")

        with pytest.raises(ValueError, match="in a transaction; commit it"):
            SqliteSaver(connection)

        connection.commit()
        asking(SqliteSaver(connection)).invoke({"said": []}, CONFIG)
        assert connection.execute("SELECT n FROM mine").fetchall() == [(1,)]


def test_a_file_of_newer_code_is_refused(path, saver) -> None:
    saver.conn.execute("UPDATE durableweb_file SET version = 99")

    newer = "version 99, this code reads up to 1"
    with (
        closing(sqlite3.connect(path)) as other,
        pytest.raises(SerdeError, match=newer),
    ):
        SqliteSaver(other)


def test_a_file_that_is_no_database_stays_as_it_is(path) -> None:
    path.write_text("a letter to nobody" * 100)

    with (
        pytest.raises(sqlite3.DatabaseError),
        SqliteSaver.from_conn_string(path),
    ):
        pass

    assert path.read_text() == "a letter to nobody" * 100


@rule("R4.3")
def test_a_full_disk_ends_the_run_and_keeps_what_was_saved(saver) -> None:
    is_full = [True]

    def work(state):
        pages = saver.conn.execute("PRAGMA page_count").fetchone()[0]
        most = pages if is_full.pop() else 1_000_000
        saver.conn.execute(f"PRAGMA max_page_count = {most}")
        return {"said": ["work"], "text": "x" * 100_000}

    graph = StateGraph(State).add_node("work", work).add_edge(START, "work")
    program = graph.compile(saver)

    with pytest.raises(sqlite3.OperationalError, match="full"):
        program.invoke({"said": ["in"]}, CONFIG)

    assert program.get_state(CONFIG).values == {"said": ["in"]}
    assert program.get_state(CONFIG).next == ("work",)
    is_full.append(False)
    assert program.invoke(None, CONFIG)["said"] == ["in", "work"]


def test_a_damaged_row_is_told_by_its_place(saver) -> None:
    asking(saver).invoke({"said": ["in"]}, CONFIG)
    saver.conn.execute("UPDATE durableweb_checkpoint SET metadata = '{}'")

    with pytest.raises(SerdeError, match=r"thread 't', checkpoint .* digest"):
        saver.get_tuple(checkpoint_config("t"))
