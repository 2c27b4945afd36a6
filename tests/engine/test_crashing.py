"""A crash anywhere, played by a test of a workflow (RB.17)."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from durableweb.checkpoint.memory import InMemorySaver
from durableweb.checkpoint.sqlite import SqliteSaver
from durableweb.func import entrypoint, task
from durableweb.graph import START, StateGraph
from durableweb.testing import SimulatedCrash, crash_after, crashes
from durableweb.types import Command, RetryPolicy, interrupt
from tests.engine.support.clocks import CONFIG, State, graph_of
from tests.engine.test_foreign_savers import Foreign, Overriding, OverridingAsync
from workflows.engine.drivers import faults

pytestmark = pytest.mark.rule("RB.17")

SAVERS = ["memory", "file", "foreign", "overriding", "overriding async"]
KEYED: dict[str, Any] = {"idempotency_key": "order-7"}


@pytest.fixture
def make_saver(tmp_path: Path) -> Iterator[Any]:
    opened: list[Any] = []

    def make(kind: str) -> Any:
        if kind == "file":
            path = tmp_path / f"{len(opened)}.sqlite3"
            opened.append(SqliteSaver.from_conn_string(path))
            return opened[-1].__enter__()
        classes = {
            "foreign": Foreign,
            "overriding": Overriding,
            "overriding async": OverridingAsync,
        }
        return classes.get(kind, InMemorySaver)()

    yield make
    for each in opened:
        each.__exit__(None, None, None)


class Shop:
    """A program with all that saves: nodes one after the other, a task, two side by side, a question."""

    def __init__(self) -> None:
        self.done: list[str] = []

    def pay(self, state: State) -> State:
        return {"log": [self._book(7).result()]}

    def ask(self, state: State) -> State:
        return {"log": [interrupt("Send it?")]}

    def note(self, name: str) -> Any:
        def node(state: State) -> State:
            self.done.append(name)
            return {"log": [name]}

        return node

    def graph(self, saver: Any) -> Any:
        @task
        def book(amount: int) -> str:
            self.done.append(f"book {amount}")
            return f"booked {amount}"

        self._book = book
        built = StateGraph(State)
        built.add_node("pay", self.pay).add_edge(START, "pay")
        for name in ("left", "right"):
            built.add_node(name, self.note(name)).add_edge("pay", name)
        built.add_node("ask", self.ask).add_edge(["left", "right"], "ask")
        return built.compile(checkpointer=saver)


WHOLE = ["booked 7", "left", "right", "yes"]


def call(driver: str, graph: Any, given: Any, **more: Any) -> Any:
    if driver == "blocking":
        return graph.invoke(given, CONFIG, **more)
    return asyncio.run(graph.ainvoke(given, CONFIG, **more))


@pytest.mark.parametrize("driver", ["blocking", "asyncio"])
@pytest.mark.parametrize("kind", SAVERS)
def test_a_crash_anywhere_loses_nothing(
    kind: str, driver: str, make_saver: Any
) -> None:
    ended: list[int] = []
    for crash in crashes():
        shop = Shop()
        graph = shop.graph(make_saver(kind))

        with crash:
            call(driver, graph, {"log": []}, **KEYED)
            call(driver, graph, Command(resume="yes"))
        if crash.happened:
            call(driver, graph, {"log": []}, **KEYED)
            if graph.get_state(CONFIG).next:
                call(driver, graph, Command(resume="yes"))

        assert graph.get_state(CONFIG).values["log"] == WHOLE, crash.number
        assert {*shop.done} == {"book 7", "left", "right"}
        # What was at work may be done once more.
        assert len(shop.done) <= 3 + (2 if crash.happened else 0)
        ended.append(crash.savings)

    # Whether two that end together are saved at once is a matter of their threads.
    assert ended[:-1] == [*range(1, len(ended))]
    assert 6 < ended[-1] < len(ended)
    assert faults.active is None


def test_calls_of_a_saver_that_saves_in_several_are_counted() -> None:
    counted = {}
    for kind in (InMemorySaver, Foreign):
        with crash_after(1_000) as crash:
            Shop().graph(kind()).invoke({"log": []}, CONFIG)
        counted[kind] = crash.savings

    saver = Foreign()
    Shop().graph(saver).invoke({"log": []}, CONFIG)

    assert counted[Foreign] == saver.heard
    assert counted[InMemorySaver] < counted[Foreign]
    assert not any("put" in name for name in vars(saver))


def test_what_was_saved_is_what_a_dead_process_has_saved(make_saver: Any) -> None:
    for number, saved in [(1, []), (2, ["__start__"]), (3, ["pay"])]:
        shop = Shop()
        graph = shop.graph(make_saver("memory"))
        with crash_after(number) as crash:
            graph.invoke({"log": []}, CONFIG)

        assert (crash.happened, crash.savings) == (True, number)
        assert [*graph.get_state(CONFIG).next] == saved


class TestWhatIsRaised:
    """It is no failure of the workflow."""

    def test_no_handler_and_no_retry_takes_it_for_one(self) -> None:
        tried: list[str] = []

        @task
        def book() -> None:
            tried.append("book")

        def node(state: State) -> State:
            tried.append("node")
            try:
                book().result()
            except Exception:  # noqa: BLE001 - it is the point
                tried.append("handled")
            return {}

        def handler(state: State) -> State:
            tried.append("handler")
            return {}

        built = StateGraph(State).add_edge(START, "node")
        policy = RetryPolicy(retry_on=lambda error: True, initial_interval=0)
        built.add_node("node", node, retry_policy=policy, error_handler=handler)
        graph = built.compile(checkpointer=InMemorySaver())

        with crash_after(3) as crash:
            graph.invoke({"log": []}, CONFIG)

        assert crash.happened
        assert tried == ["node", "book"]

    def test_whoever_swallows_it_is_dead_all_the_same(self) -> None:
        @task
        def book() -> None: ...

        def node(state: State) -> State:
            for _ in range(3):
                try:
                    book().result()
                except SimulatedCrash:
                    met.append("crash")
            return {"note": "done"}

        met: list[str] = []
        graph = graph_of(node=node)

        with crash_after(3) as crash:
            graph.invoke({"log": []}, CONFIG)

        assert crash.happened
        assert met
        assert "note" not in graph.get_state(CONFIG).values

    def test_it_leaves_the_block_only_where_something_else_is_raised(self) -> None:
        graph = graph_of(node=lambda state: {"note": "done"})

        def fails_after_it() -> None:
            with crash_after(1):
                try:
                    graph.invoke({"log": []}, CONFIG)
                finally:
                    raise KeyError("after")

        with pytest.raises(KeyError, match="after"):
            fails_after_it()
        assert faults.active is None

    def test_several_at_once_are_one(self) -> None:
        async def story() -> None:
            graph = graph_of(node=lambda state: {"note": "done"})
            with crash_after(1) as crash:
                async with asyncio.TaskGroup() as group:
                    for name in "ab":
                        config = {"configurable": {"thread_id": name}}
                        group.create_task(graph.ainvoke({"log": []}, config))
            assert crash.happened

        asyncio.run(story())

    def test_its_text_says_where_it_comes_from(self) -> None:
        graph = graph_of(node=lambda state: {"note": "done"})
        with crash_after(1):
            with pytest.raises(
                SimulatedCrash, match=r"before saving 1, as crash_after\(1\) asks"
            ):
                graph.invoke({"log": []}, CONFIG)
            with pytest.raises(SimulatedCrash):
                graph.get_state(CONFIG)


def test_a_task_in_another_thread_goes_on_to_its_end_within_the_block() -> None:
    begun, ended = threading.Event(), []

    @task
    def slow() -> None:
        begun.set()
        threading.Event().wait(0.05)
        ended.append("slow")

    @task
    def quick() -> None:
        begun.wait(5)

    @entrypoint(checkpointer=InMemorySaver())
    def work(given: Any) -> None:
        for each in (slow(), quick()):
            each.result()

    with crash_after(2) as crash:
        work.invoke(1, CONFIG)

    assert crash.happened
    assert ended == ["slow"]


class TestTheBlock:
    def test_without_a_crash_it_does_nothing(self) -> None:
        with crash_after(100) as crash:
            assert graph_of(node=lambda state: {"note": "done"}).invoke(
                {"log": []}, CONFIG
            ) == {"log": [], "note": "done"}

        assert not crash.happened
        assert 0 < crash.savings < 100

    @pytest.mark.parametrize("number", [0, -1, 1.5, True, None])
    def test_savings_are_counted_from_one_on(self, number: Any) -> None:
        with pytest.raises(ValueError, match="no number of a saving"):
            crash_after(number)

    def test_there_is_one_at_a_time_and_each_is_for_one_block(self) -> None:
        crash = crash_after(1)
        with crash, pytest.raises(RuntimeError, match="in this process already"):
            crash_after(2).__enter__()
        with pytest.raises(RuntimeError, match="it is for one block"):
            crash.__enter__()

        assert faults.active is None

    def test_a_loop_that_runs_nothing_is_told_so(self) -> None:
        with pytest.raises(RuntimeError, match="run the program in `with crash:`"):
            [*crashes()]

    def test_a_program_that_does_not_end_is_told_of(self) -> None:
        graph = graph_of(node=lambda state: {"note": "done"})

        def endlessly() -> None:
            for crash in crashes(most=3):
                with crash:
                    while True:
                        graph.invoke({"log": []}, CONFIG)

        with pytest.raises(RuntimeError, match="not ended after 3 savings"):
            endlessly()
