"""The saver over a SQLite file keeps to the contract of savers, and outlives its process without Django."""

from __future__ import annotations

import asyncio
import operator
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path
from typing import Annotated, Any, TypedDict

import pytest

from durableweb.checkpoint.memory import InMemorySaver
from durableweb.checkpoint.sqlite import SqliteSaver
from durableweb.checkpoint.sqlite.aio import AsyncSqliteSaver
from durableweb.durable import label
from durableweb.errors import LeaseLostError, SerdeError
from durableweb.func import entrypoint, task
from durableweb.graph import START, StateGraph
from durableweb.runtime import set_attributes
from durableweb.types import Command, interrupt
from tests.storage.whole_contract import WholeContract
from workflows.engine.checkpoint.base import checkpoint_config
from workflows.storage.file import reader

ROOT = Path(__file__).resolve().parents[2]
CONFIG: Any = {"configurable": {"thread_id": "t"}}
rule = pytest.mark.rule


class State(TypedDict, total=False):
    said: Annotated[list[str], operator.add]
    text: str


@pytest.fixture
def path(tmp_path):
    return tmp_path / "checkpoints.sqlite"


@pytest.fixture
def saver(path):
    with SqliteSaver.from_conn_string(path) as saver:
        yield saver


class TestContract(WholeContract):
    pass


class TestInMemory(WholeContract):
    @pytest.fixture
    def saver(self):
        with SqliteSaver.from_conn_string(":memory:") as saver:
            yield saver


class Forgetful(SqliteSaver):
    """Remembers nothing from one call to the next, as a new process would."""

    def _save(self, *args, **options):
        super()._save(*args, **options)
        for place in [*self._memory._threads]:
            self._memory.forget(place)


class TestWithoutMemory(WholeContract):
    @pytest.fixture
    def saver(self, path):
        with Forgetful.from_conn_string(path) as saver:
            yield saver


def asking(saver: Any) -> Any:
    def work(state):
        set_attributes(customer="c7")
        return {"said": ["work"], "text": "x" * 100}

    def ask(state):
        return {"said": [interrupt({"question": "go on?"})]}

    graph = StateGraph(State).add_node("work", work).add_node("ask", ask)
    return graph.add_edge(START, "work").add_edge("work", "ask").compile(saver)


def shown(graph: Any) -> list[Any]:
    """All that a history shows, without what differs from run to run."""
    return [
        (
            each.values,
            each.next,
            {k: v for k, v in each.metadata.items() if k != "code"},
            [
                (t.name, t.error, t.result, [i.value for i in t.interrupts])
                for t in each.tasks
            ],
        )
        for each in graph.get_state_history(CONFIG)
    ]


@rule("R4.5", "R4.7")
def test_another_connection_finds_all_of_it(path) -> None:
    memory = InMemorySaver()
    with SqliteSaver.from_conn_string(path) as saver:
        for each in (saver, memory):
            asking(each).invoke({"said": ["in"]}, CONFIG)
        label(CONFIG, "before the answer", graph=asking(saver))
        before = shown(asking(saver))

    with SqliteSaver.from_conn_string(path) as again:
        graph = asking(again)

        assert shown(graph) == before == shown(asking(memory))
        assert [each.text for each in again.labels("t")] == ["before the answer"]
        assert again.attributes_of("t") == {"customer": "c7"}
        assert graph.invoke(Command(resume="yes"), CONFIG)["said"] == [
            *("in", "work", "yes")
        ]
        asking(memory).invoke(Command(resume="yes"), CONFIG)
        assert shown(graph) == shown(asking(memory))


@rule("R4.6", "R6.5")
def test_a_long_history_has_the_writes_of_each_step_on_every_page(
    saver, monkeypatch
) -> None:
    monkeypatch.setattr(reader, "_PAGE", 7)
    memory = InMemorySaver()

    def count(state):
        return {"said": [str(len(state["said"]))]}

    graphs = []
    for each in (saver, memory):
        graph = StateGraph(State).add_node("count", count).add_edge(START, "count")
        graph.add_conditional_edges(
            "count", lambda s: "count" if len(s["said"]) < 40 else "__end__"
        )
        graphs.append(graph.compile(each))
        graphs[-1].invoke({"said": []}, {**CONFIG, "recursion_limit": 50})
    ours, theirs = graphs

    assert shown(ours) == shown(theirs)
    found = [*saver.list(CONFIG)]
    middle = found[20].config
    for given in ({"before": middle}, {"before": middle, "limit": 3}, {"limit": 1}):
        cut = found[21:] if "before" in given else found
        assert [*saver.list(CONFIG, **given)] == cut[: given.get("limit")]
    assert [*saver.list(middle)] == [saver.get_tuple(middle)] == [found[20]]
    of_source = [*saver.list(CONFIG, filter={"source": "input"})]
    assert of_source == found[-1:]


@rule("R4.7", "RA.10")
def test_what_ended_with_a_removed_step_stays_known(saver) -> None:
    graph = asking(saver)
    graph.invoke({"said": ["in"]}, CONFIG)
    begun = [*graph.get_state_history(CONFIG)][1]
    label(begun.config, "begun", graph=graph)

    saver.prune(["t"])

    assert [len(each.tasks) for each in graph.get_state_history(CONFIG)] == [1, 1]
    (worked,) = graph.get_state(begun.config).tasks
    assert worked.result == {"said": ["work"], "text": "x" * 100}


# processes

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


# threads and loops


def test_threads_that_save_at_the_same_time_all_find_their_steps(saver) -> None:
    graph = asking(saver)
    found: dict[str, Any] = {}

    def one(name: str) -> None:
        config: Any = {"configurable": {"thread_id": name}}
        graph.invoke({"said": [name]}, config)
        found[name] = graph.invoke(Command(resume="yes"), config)["said"]

    threads = [threading.Thread(target=one, args=(f"t{n}",)) for n in range(12)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()

    assert found == {f"t{n}": [f"t{n}", "work", "yes"] for n in range(12)}


async def test_it_serves_coroutines(path) -> None:
    async with AsyncSqliteSaver.from_conn_string(str(path)) as saver:
        await saver.setup()

        @task
        async def half(n: int) -> int:
            await asyncio.sleep(0)
            return n // 2

        @entrypoint(checkpointer=saver)
        async def program(n: int) -> list[Any]:
            both = await asyncio.gather(half(n), half(n + 2))
            return [*both, interrupt("sure?")]

        first = await program.ainvoke(8, CONFIG)
        again = await program.aget_state(CONFIG)
        unchanged = await program.aget_state(CONFIG)
        last = await program.ainvoke(Command(resume="yes"), CONFIG)

    assert first["__interrupt__"][0].value == "sure?"
    assert again == unchanged
    assert last == [4, 5, "yes"]
    with pytest.raises(sqlite3.ProgrammingError):
        saver.get_tuple(CONFIG)


def test_a_state_is_read_anew_once_another_process_has_changed_it(path) -> None:
    with (
        SqliteSaver.from_conn_string(path) as one,
        SqliteSaver.from_conn_string(path) as other,
    ):
        asking(one).invoke({"said": ["in"]}, CONFIG)
        asking(one).get_state(CONFIG)
        asking(other).invoke(Command(resume="yes"), CONFIG)

        assert asking(one).get_state(CONFIG).next == ()


# bad input


@rule("RA.21")
def test_what_is_no_connection_is_refused() -> None:
    with pytest.raises(TypeError, match=r"conn is 'x.db'; give a connection of"):
        SqliteSaver("x.db")  # type: ignore[arg-type]


def test_a_connection_in_a_transaction_is_refused(path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE mine (n)")
    connection.execute("INSERT INTO mine VALUES (1)")

    with pytest.raises(ValueError, match="in a transaction; commit it"):
        SqliteSaver(connection)

    connection.commit()
    asking(SqliteSaver(connection)).invoke({"said": []}, CONFIG)
    assert connection.execute("SELECT n FROM mine").fetchall() == [(1,)]


def test_a_file_of_newer_code_is_refused(path, saver) -> None:
    saver.conn.execute("UPDATE durableweb_file SET version = 99")

    with pytest.raises(SerdeError, match="version 99, this code reads up to 1"):
        SqliteSaver(sqlite3.connect(path))


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
