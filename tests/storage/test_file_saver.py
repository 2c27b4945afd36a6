"""The saver over a SQLite file keeps to the contract of savers, and outlives its process without Django."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from typing import Any

import pytest

from durableweb.checkpoint.memory import InMemorySaver
from durableweb.checkpoint.sqlite import SqliteSaver
from durableweb.checkpoint.sqlite.aio import AsyncSqliteSaver
from durableweb.durable import label
from durableweb.func import entrypoint, task
from durableweb.graph import START, StateGraph
from durableweb.types import Command, interrupt
from tests.storage.file_savers import CONFIG, State, asking
from tests.storage.whole_contract import WholeContract
from workflows.storage.file import reader

rule = pytest.mark.rule


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
