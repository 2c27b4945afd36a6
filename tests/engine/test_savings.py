"""What is saved when, by durability; what a saving holds and in which order it is read: R4.1 to R4.8."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from durableweb.checkpoint.memory import InMemorySaver
from durableweb.func import entrypoint, task
from durableweb.graph import START
from durableweb.types import Command, Send, interrupt
from tests.programs.flows import build
from tests.programs.sample import Life, World
from workflows.engine.drivers import faults

CONFIG: dict[str, Any] = {"configurable": {"thread_id": "t"}}


class Listening(InMemorySaver):
    """Notes each commit: whose writes, which checkpoint, and with which durability."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[str] = []
        self.commits: list[Any] = []
        self.has_saved = threading.Condition()

    def commit(self, commit: Any) -> None:
        super().commit(commit)
        with self.has_saved:
            self.commits.append(commit)
            self.heard += [f"writes({task.name})" for task in commit.writes]
            if commit.checkpoint is not None:
                self.heard.append(f"put({commit.metadata['step']})")
            self.has_saved.notify_all()

    def wait_for(self, entry: str) -> None:
        """Until `entry` was heard; AssertionError where it does not come."""
        with self.has_saved:
            came = self.has_saved.wait_for(lambda: entry in self.heard, timeout=60)
            assert came, f"{entry} is not in {self.heard}"


def chain(saver: Listening) -> Any:
    def runs(name: str) -> Any:
        def node(state: Any) -> Any:
            saver.heard.append(f"RUN {name}")
            return {"log": [name]}

        return node

    edges = [(START, "a"), ("a", "b")]
    graph = build(Life(World()), "a b", *edges, a=runs("a"), b=runs("b"))
    return graph.compile(checkpointer=saver)


@pytest.mark.rule("R4.1", "R4.3")
@pytest.mark.parametrize("driver", ["blocking", "async"])
@pytest.mark.parametrize("word", ["sync", "async", None])
def test_a_chain_is_saved_in_this_order(word: Any, driver: str) -> None:
    saver = Listening()
    flow = chain(saver)

    if driver == "blocking":
        flow.invoke({"log": []}, CONFIG, durability=word)
    else:
        asyncio.run(flow.ainvoke({"log": []}, CONFIG, durability=word))

    assert saver.heard == [
        "put(-1)",
        *("writes(__start__)", "put(0)", "RUN a"),
        *("writes(a)", "put(1)", "RUN b"),
        *("writes(b)", "put(2)"),
    ]
    assert {commit.durability for commit in saver.commits} == {word or "async"}


@pytest.mark.rule("R4.2", "RA.18")
def test_writes_are_saved_when_a_task_ends_and_the_last_with_the_checkpoint() -> None:
    saver = Listening()

    def slow(state: Any) -> Any:
        saver.wait_for("writes(fast)")  # while this one still runs
        return {"log": ["slow"]}

    edges = [(START, "fast"), (START, "slow")]
    graph = build(Life(World()), "fast slow", *edges, slow=slow)
    graph.compile(checkpointer=saver).invoke({"log": []}, CONFIG, durability="sync")

    assert saver.heard[-3:] == ["writes(fast)", "writes(slow)", "put(1)"]
    last = saver.commits[-1]
    assert [writes.name for writes in last.writes] == ["slow"]
    assert last.checkpoint is not None


@pytest.mark.rule("R4.2", "R3.8", "RA.18")
def test_no_savings_are_lost_or_out_of_order_from_many_threads() -> None:
    saver = Listening()

    def work(state: Any) -> Any:
        return {"log": [state["a"]]}

    def spread(state: Any) -> Any:
        return Command(goto=[Send("work", {"a": n}) for n in range(60)])

    graph = build(
        Life(World()), "spread work", (START, "spread"), spread=spread, work=work
    )
    out = graph.compile(checkpointer=saver).invoke(
        {"log": []}, {**CONFIG, "max_concurrency": 16}, durability="sync"
    )

    assert out["log"] == [*range(60)]
    assert saver.heard.count("writes(work)") == 60
    puts = [entry for entry in saver.heard if entry.startswith("put")]
    assert puts == ["put(-1)", "put(0)", "put(1)", "put(2)"]
    assert saver.heard[-1] == "put(2)"


@pytest.mark.rule("R4.4")
def test_exit_saves_once_with_the_pending_writes_of_that_point() -> None:
    saver = Listening()

    def asks(state: Any) -> Any:
        return {"log": [interrupt("q")]}

    edges = [(START, "x"), ("x", "ask"), ("x", "beside")]
    graph = build(Life(World()), "x ask beside", *edges, ask=asks)
    flow = graph.compile(checkpointer=saver)

    flow.invoke({"log": []}, CONFIG, durability="exit")

    assert [each.metadata["step"] for each in saver.list(CONFIG)] == [1]
    assert sorted(saver.heard) == ["put(1)", "writes(ask)", "writes(beside)"]
    out = flow.invoke(Command(resume="r"), CONFIG, durability="exit")
    assert out["log"] == ["<x>", "r", "<beside>"]
    assert [each.metadata["step"] for each in saver.list(CONFIG)] == [2, 1]


@pytest.mark.rule("R4.4")
def test_a_run_that_is_killed_in_exit_mode_is_lost_whole() -> None:
    saver = Listening()
    flow = chain(saver)
    with faults.counting() as whole:
        flow.invoke(
            {"log": []}, {"configurable": {"thread_id": "whole"}}, durability="exit"
        )

    with faults.kill_before(whole.seen), pytest.raises(faults.Killed):
        flow.invoke({"log": []}, CONFIG, durability="exit")

    assert saver.get_tuple(CONFIG) is None


@pytest.mark.rule("R4.5")
def test_a_checkpoint_holds_values_versions_metadata_and_its_parent() -> None:
    saver = Listening()
    chain(saver).invoke({"log": [], "a": 7}, {**CONFIG, "metadata": {"who": "me"}})

    newest, before, *_ = saver.list(CONFIG)

    assert newest.checkpoint["channel_values"] == {"log": ["a", "b"], "a": 7}
    versions = newest.checkpoint["channel_versions"]
    assert versions["log"] > before.checkpoint["channel_versions"]["log"]
    assert versions["a"] == before.checkpoint["channel_versions"]["a"]
    wanted = {"source": "loop", "step": 2, "parents": {}, "who": "me"}
    assert {key: newest.metadata[key] for key in wanted} == wanted
    assert newest.parent_config == before.config
    moved = [dict(commit.changed) for commit in saver.commits if commit.changed]
    assert [set(each) for each in moved] == [{"log", "a"}, {"log"}, {"log"}]


@pytest.mark.rule("R4.5", "R4.6")
def test_a_task_saves_writes_error_question_answers_and_result_by_its_id() -> None:
    saver = Listening()

    @task
    def fetch() -> str:
        return "fetched"

    def n(state: Any) -> Any:
        return {"log": [fetch().result(), interrupt("one"), interrupt("two")]}

    def bad(state: Any) -> Any:
        raise ConnectionResetError("away")

    edges = [(START, "n"), (START, "bad"), (START, "good")]
    graph = build(Life(World()), "n bad good", *edges, n=n, bad=bad)
    flow = graph.compile(checkpointer=saver)
    with pytest.raises(ConnectionResetError):
        flow.invoke({"log": []}, CONFIG)
    with pytest.raises(ConnectionResetError):
        flow.invoke(Command(resume="first"), CONFIG)

    found = saver.get_tuple(CONFIG)
    assert found is not None
    writes = found.pending_writes or []
    ids = {each.name: each.id for each in flow.get_state(CONFIG).tasks}
    of_task = {name: [(c, v) for i, c, v in writes if i == ids[name]] for name in ids}
    assert of_task["good"] == [("log", ["<good>"])]
    assert of_task["bad"] == [
        ("__error__", "ConnectionResetError('away')"),
        ("__runs__", 2),
    ]
    of_n = dict(of_task["n"])
    assert [each.value for each in of_n["__interrupt__"]] == ["two"]
    assert [answer for answer, _ in of_n["__resume__"].values()] == ["first"]
    (result,) = [(i, v) for i, c, v in writes if c == "__return__"]
    assert result[1] == "fetched"
    assert result[0] not in ids.values()
    paths = {
        each.task_id: each.path for commit in saver.commits for each in commit.writes
    }
    order = [i for i, _, _ in writes]
    assert order == sorted(order, key=lambda i: (paths[i], i))


@pytest.mark.rule("R4.6", "R3.9")
def test_pending_writes_are_applied_in_path_order_whoever_ended_first() -> None:
    saver = Listening()

    def first(state: Any) -> Any:
        saver.wait_for("writes(z)")
        return {"log": ["a"]}

    failed: list[int] = []

    def bad(state: Any) -> Any:
        saver.wait_for("writes(a)")
        failed.append(1)
        if len(failed) == 1:
            raise ConnectionResetError
        return {"log": ["m"]}

    edges = [(START, "z"), (START, "m"), (START, "a")]
    graph = build(Life(World()), "z m a", *edges, a=first, m=bad)
    flow = graph.compile(checkpointer=saver)
    with pytest.raises(ConnectionResetError):
        flow.invoke({"log": []}, CONFIG)

    assert flow.invoke(None, CONFIG)["log"] == ["a", "m", "<z>"]


@pytest.mark.rule("R4.8")
def test_a_subgraph_saves_in_its_own_namespace_and_goes_with_the_thread() -> None:
    saver = Listening()
    sub = build(Life(World()), "in", (START, "in")).compile()
    graph = build(Life(World()), "sub", (START, "sub"), sub=sub)
    graph.compile(checkpointer=saver).invoke({"log": []}, CONFIG)

    spaces = {
        each.config["configurable"]["checkpoint_ns"].split(":")[0]
        for each in saver.list(CONFIG)
    }
    assert spaces == {"", "sub"}

    saver.delete_thread("t")
    assert [*saver.list(CONFIG)] == []


@pytest.mark.rule("R4.9")
def test_nothing_to_run_saves_nothing() -> None:
    saver = Listening()

    @entrypoint(checkpointer=saver)
    def flow(given: int) -> int:
        return given + 1

    flow.invoke(1, CONFIG)
    saver.commits.clear()

    assert flow.invoke(None, CONFIG) == 2
    assert saver.commits == []
