"""An undo that fails asks a person: to try again, to skip it, or to stop (RB.8)."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from durableweb.cache.memory import InMemoryCache
from durableweb.checkpoint.memory import InMemorySaver
from durableweb.errors import (
    CompensationFailed,
    RecordedTaskError,
    WorkflowError,
    is_invalid_resume,
)
from durableweb.func import entrypoint
from durableweb.graph import START, StateGraph
from durableweb.types import CachePolicy, Command, compensate, interrupt, sleep
from tests.engine.support.clocks import CONFIG, Clock, State, clock
from tests.engine.support.shop import (
    Broken,
    broken,
    buy,
    done,
    fail,
    give_back,
    in_a_row,
    refund,
    shop,
    undone,
)
from workflows.engine.constants import UNDO

assert shop
assert clock

pytestmark = pytest.mark.rule("RB.8", "C.CompensationFailed")
MANY = 99


def ask_and_give_back(what: str) -> None:
    answer = interrupt(f"give {what} back?")
    done.append(f"{what}: {answer}")


def sleep_and_give_back(what: str) -> None:
    sleep(3600)
    give_back(what)


def graph_that_fails(*calls: tuple[Any, Any], saver: Any = None) -> Any:
    def work(state: State) -> State:
        for fn, what in calls:
            compensate(fn, what)
        raise Broken("too late")

    built = StateGraph(State).add_node("work", work).add_edge(START, "work")
    return built.compile(checkpointer=saver or InMemorySaver())


def answer(action: str) -> Command[Any]:
    return Command(resume={"action": action})


@pytest.fixture
def asking() -> Any:
    """A graph whose second undo of three fails, and which asks about that."""
    graph = graph_that_fails((give_back, "a"), (give_back, "b"), (give_back, "c"))
    broken["b"] = MANY
    graph.invoke({"log": []}, CONFIG)
    assert done == ["gave back c", *["cannot give back b"] * 3]
    done.clear()
    return graph


def test_the_question_says_what_could_not_be_undone(asking: Any) -> None:
    question = asking.get_state(CONFIG).interrupts[0]

    assert question.value["undo"] == "tests.engine.support.shop:give_back"
    assert question.value["arguments"] == "'b'"
    assert question.value["error"] == "Broken: no b"
    assert "give_back" in question.value["question"]
    offered = question.response_schema["properties"]["action"]["enum"]
    assert offered == ["retry", "skip", "stop"]


def test_it_is_tried_again_as_often_as_is_said(asking: Any) -> None:
    asking.invoke(answer("retry"), CONFIG)
    assert done == ["cannot give back b"] * 3
    broken.clear()

    with pytest.raises(RecordedTaskError, match="too late"):
        asking.invoke(answer("retry"), CONFIG)

    assert done[3:] == ["gave back b", "gave back a"]


def test_what_was_done_by_hand_is_skipped(asking: Any) -> None:
    with pytest.raises(RecordedTaskError, match="too late"):
        asking.invoke(answer("skip"), CONFIG)

    assert done == ["gave back a"]
    with pytest.raises(RecordedTaskError, match="too late"):
        asking.invoke(None, CONFIG)
    assert done == ["gave back a"]


def test_who_stops_leaves_the_rest(asking: Any) -> None:
    with pytest.raises(CompensationFailed) as met:
        asking.invoke(answer("stop"), CONFIG)

    assert isinstance(met.value, WorkflowError)
    assert met.value.thread_id == "t"
    assert met.value.undo == "tests.engine.support.shop:give_back"
    assert met.value.error == "Broken: no b"
    assert done == []


def test_who_continues_what_was_stopped_is_asked_again(asking: Any) -> None:
    with pytest.raises(CompensationFailed):
        asking.invoke(answer("stop"), CONFIG)

    out = asking.invoke(None, CONFIG)
    assert "Broken: no b" in str(out["__interrupt__"])
    broken.clear()
    with pytest.raises(RecordedTaskError, match="too late"):
        asking.invoke(answer("retry"), CONFIG)

    assert done == ["gave back b", "gave back a"]


@pytest.mark.parametrize("given", ["again", "retry", {"action": "maybe"}, None])
def test_what_is_no_answer_leaves_the_question_open(asking: Any, given: Any) -> None:
    question = asking.get_state(CONFIG).interrupts[0].id
    with pytest.raises(ValueError, match=r"Expected|Invalid|object") as met:
        asking.invoke(Command(resume={question: given}), CONFIG)

    assert is_invalid_resume(met.value)
    assert [each.id for each in asking.get_state(CONFIG).interrupts] == [question]
    assert done == []


def test_a_function_that_is_gone_is_asked_about(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def ask(state: State) -> State:
        compensate(give_back, "a")
        interrupt("go on?")
        raise Broken("no")

    built = StateGraph(State).add_node("ask", ask).add_edge(START, "ask")
    graph = built.compile(checkpointer=InMemorySaver())
    graph.invoke({"log": []}, CONFIG)
    there = monkeypatch.delattr
    there("tests.engine.support.shop.give_back")
    monkeypatch.setattr(f"{__name__}.compensate", lambda *given: None)

    out = graph.invoke(Command(resume="yes"), CONFIG)
    assert "give_back is not there any more" in str(out["__interrupt__"])
    monkeypatch.undo()
    with pytest.raises(RecordedTaskError, match="no"):
        graph.invoke(answer("retry"), CONFIG)

    assert done == ["gave back a"]


def test_an_undo_may_ask_and_sleep(clock: Clock) -> None:
    calls = [(give_back, "a"), (sleep_and_give_back, "b"), (ask_and_give_back, "c")]
    graph = graph_that_fails(*calls)

    out = graph.invoke({"log": []}, CONFIG)
    assert [each.value for each in out["__interrupt__"]] == ["give c back?"]
    graph.invoke(Command(resume="yes"), CONFIG)
    assert done == ["c: yes"]
    clock.advance(3601)
    with pytest.raises(RecordedTaskError, match="too late"):
        graph.invoke(None, CONFIG)

    assert done == ["c: yes", "gave back b", "gave back a"]


def test_coroutines_ask_as_well() -> None:
    @entrypoint(checkpointer=InMemorySaver())
    async def flow(given: Any) -> Any:
        from_thread = asyncio.to_thread(compensate, give_back, "a")
        await from_thread
        raise Broken("too late")

    broken["a"] = MANY
    asyncio.run(flow.ainvoke(1, CONFIG))
    broken.clear()
    with pytest.raises(RecordedTaskError, match="too late"):
        asyncio.run(flow.ainvoke(answer("retry"), CONFIG))

    assert done == [*["cannot give back a"] * 3, "gave back a"]


def test_the_cache_of_an_entrypoint_keeps_no_undo() -> None:
    policy = CachePolicy()

    @entrypoint(
        checkpointer=InMemorySaver(), cache=InMemoryCache(), cache_policy=policy
    )
    def flow(given: Any) -> Any:
        compensate(give_back, "a")
        raise Broken("too late")

    for thread in ("t", "u"):
        with pytest.raises(Broken):
            flow.invoke(1, {"configurable": {"thread_id": thread}})

    assert done == ["gave back a"] * 2


def test_streams_show_each_undo_as_a_task_and_nothing_of_their_node() -> None:
    graph = graph_that_fails((give_back, "a"), (give_back, "b"))
    seen: list[Any] = []
    modes = ["updates", "tasks", "values"]
    with pytest.raises(Broken):
        seen.extend(graph.stream({"log": []}, CONFIG, stream_mode=modes))

    updates = [chunk for mode, chunk in seen if mode == "updates"]
    started = [c["name"] for m, c in seen if m == "tasks" and "input" in c]
    assert updates == [{"give_back": None}, {"give_back": None}]
    assert started == ["work", "give_back", "give_back"]
    assert UNDO not in str([c.get("name") for m, c in seen if m == "tasks"])


def test_an_edit_as_a_node_ends_it(asking: Any) -> None:
    asking.update_state(CONFIG, {"note": "mended by hand"}, as_node="work")

    assert asking.get_state(CONFIG).next == ()
    assert asking.invoke(None, CONFIG)["note"] == "mended by hand"
    assert done == []


class TestAnEditMeanwhile:
    def test_leaves_the_thread_being_undone(self, asking: Any) -> None:
        question = asking.get_state(CONFIG).interrupts
        asking.update_state(CONFIG, {"note": "seen"})
        assert asking.get_state(CONFIG).interrupts == question
        broken.clear()

        with pytest.raises(RecordedTaskError, match="too late"):
            asking.invoke(answer("retry"), CONFIG)

        assert done == ["gave back b", "gave back a"]
        assert asking.get_state(CONFIG).values["note"] == "seen"

    def test_keeps_what_was_skipped_skipped(self, asking: Any) -> None:
        broken["a"] = MANY
        asking.invoke(answer("retry"), CONFIG)
        asking.invoke(answer("skip"), CONFIG)
        asking.update_state(CONFIG, {"note": "seen"})
        done.clear()
        broken.clear()

        with pytest.raises(RecordedTaskError, match="too late"):
            asking.invoke(answer("retry"), CONFIG)

        assert done == ["gave back a"]

    def test_of_a_thread_that_was_undone_has_nothing_undone_again(
        self, asking: Any
    ) -> None:
        with pytest.raises(RecordedTaskError, match="too late"):
            asking.invoke(answer("skip"), CONFIG)
        done.clear()

        asking.update_state(CONFIG, {"note": "seen"})

        assert asking.get_state(CONFIG).next == ()
        assert asking.invoke(None, CONFIG)["note"] == "seen"
        assert done == []


class TestAnUndoThatFails:
    def test_is_tried_again(self) -> None:
        broken["a"] = 2
        with pytest.raises(Broken, match="too late"):
            in_a_row(buy("a"), fail).invoke({"log": []}, CONFIG)

        assert undone() == ["cannot give back a"] * 2 + ["gave back a"]

    def test_is_tried_as_often_as_its_own_policy_says(self) -> None:
        broken["a"] = 2

        def node(state: State) -> State:
            compensate(refund, "a")
            raise Broken("no")

        graph = in_a_row(node)
        out = graph.invoke({"log": []}, CONFIG)

        assert undone() == ["cannot give back a"] * 2
        assert len(out["__interrupt__"]) == 1
