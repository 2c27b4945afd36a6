"""New code against the record of an old thread, without doing any work (RA.4)."""

from __future__ import annotations

import asyncio
import operator
from collections.abc import Iterator
from contextlib import suppress
from typing import Annotated, Any, TypedDict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from durableweb.checkpoint.memory import InMemorySaver
from durableweb.config import get_store
from durableweb.errors import GraphChangedError, NonDeterminismError
from durableweb.func import entrypoint, task
from durableweb.graph import START, StateGraph
from durableweb.store.memory import InMemoryStore
from durableweb.types import Command, RetryPolicy, interrupt
from tests.engine.support.changed_bodies import DEPLOYS, Deploy, Tasks, old
from tests.engine.support.checked import CheckedStory, no_task_runs
from tests.engine.support.lives import wait_for_threads
from tests.engine.test_foreign_savers import Foreign
from tests.engine.test_properties import Body, bodies, go_on
from tests.programs import all_samples
from tests.programs.sample import Sample
from workflows.engine.drivers import faults, threads
from workflows.engine.replay import areplay_check, replay_check

pytestmark = pytest.mark.rule("RA.4", "RB.13")

CONFIG: dict[str, Any] = {"configurable": {"thread_id": "t"}}
CASES = [
    pytest.param(sample, driver, id=f"{sample.name}-{driver}")
    for sample in all_samples().values()
    for driver in sample.drivers
]


class State(TypedDict, total=False):
    log: Annotated[list, operator.add]


@pytest.fixture
def loop(monkeypatch: pytest.MonkeyPatch) -> Iterator[asyncio.Runner]:
    monkeypatch.setattr(threads, "IDLE_SECONDS", 0.01)
    with asyncio.Runner() as runner:
        yield runner


def chain(saver: Any, **nodes: Any) -> Any:
    graph = StateGraph(State).add_sequence(list(nodes.items()))
    return graph.add_edge(START, next(iter(nodes))).compile(checkpointer=saver)


def begun(deploy: Deploy, saver: Any) -> None:
    flow = Tasks().flow(deploy.before, saver)
    flow.invoke(1, CONFIG)
    for _ in range(deploy.answered):
        flow.invoke(Command(resume="yes"), CONFIG)


@pytest.mark.parametrize(("sample", "driver"), CASES)
def test_an_unchanged_program_never_differs(
    sample: Sample, driver: str, loop: asyncio.Runner
) -> None:
    story = CheckedStory(sample, driver, loop)

    story.live()

    assert story.checks


@pytest.mark.parametrize("driver", ["blocking", "async"])
@pytest.mark.parametrize("saver", [InMemorySaver, Foreign])
@pytest.mark.parametrize("deploy", DEPLOYS, ids=lambda deploy: deploy.name)
def test_the_first_difference_is_told(
    deploy: Deploy, saver: Any, driver: str, loop: asyncio.Runner
) -> None:
    kept = saver()
    begun(deploy, kept)
    before = repr([*kept.list(CONFIG)])
    now = Tasks()
    flow = now.flow(deploy.after, kept)

    def check() -> Any:
        if driver == "blocking":
            return replay_check(flow, "t")
        return loop.run(areplay_check(flow, "t"))

    if deploy.differs:
        with pytest.raises(NonDeterminismError, match=deploy.differs) as raised:
            check()
        assert "Found by a replay check of 'flow' at step 0" in str(raised.value)
    else:
        (body,) = check().bodies
        assert (body.ended, body.past_record) == (deploy.ended, deploy.past)
    assert now.made == {}
    assert repr([*kept.list(CONFIG)]) == before


@pytest.mark.rule("R4.14")
@pytest.mark.parametrize("name", ["other arguments", "left out"])
def test_a_resume_meets_what_the_check_has_told(name: str) -> None:
    saver = InMemorySaver()
    deploy = next(each for each in DEPLOYS if each.name == name)
    begun(deploy, saver)
    flow = Tasks().flow(deploy.after, saver)
    with pytest.raises(NonDeterminismError) as told:
        replay_check(flow, "t")

    with pytest.raises(NonDeterminismError) as met:
        flow.invoke(Command(resume="yes"), CONFIG)

    assert str(told.value).startswith(str(met.value))


@settings(max_examples=30, deadline=None)
@given(bodies, st.integers(1, 40))
def test_a_body_that_was_killed_anywhere_does_not_differ(steps: Any, k: int) -> None:
    saver = InMemorySaver()
    with suppress(faults.Killed), faults.kill_before(k):
        go_on(Body(saver, steps).flow, saver, steps)
    wait_for_threads()
    if saver.get_tuple(CONFIG) is None:
        return

    with no_task_runs():
        replay_check(Body(saver, steps).flow, "t")


@settings(max_examples=30, deadline=None)
@given(bodies.filter(lambda steps: any(s[0] == "call" for s in steps)), st.data())
def test_a_changed_argument_of_a_recorded_call_is_always_found(
    steps: Any, data: Any
) -> None:
    saver = InMemorySaver()
    go_on(Body(saver, steps).flow, saver, steps)
    place = data.draw(
        st.sampled_from([i for i, step in enumerate(steps) if step[0] == "call"])
    )
    kind, name, n = steps[place]
    body = Body(saver, steps)
    changed = [*steps[:place], (kind, name, n + 1), *steps[place + 1 :]]

    @entrypoint(checkpointer=saver)
    def flow(_: Any) -> Any:
        return body.run(changed)

    with pytest.raises(NonDeterminismError, match=f"called task '{name}'"):
        replay_check(flow, "t")


@pytest.mark.rule("R5.6")
def test_question_changed_says_whether_another_question_differs() -> None:
    deploy = next(d for d in DEPLOYS if d.name == "another question, answered")
    saver = InMemorySaver()
    begun(deploy, saver)
    flow = Tasks().flow(deploy.after, saver)

    config = {"configurable": {"question_changed": "warn"}}
    report = replay_check(flow, "t", config=config)

    assert any("not the question that was answered" in w for w in report.warnings)
    config = {"configurable": {"question_changed": "off"}}
    found = replay_check(flow, "t", config=config).warnings
    assert not any("question" in text for text in found)


def test_what_lies_behind_an_unrecorded_request_is_told_or_strictly_differs() -> None:
    deploy = next(d for d in DEPLOYS if d.name == "one more call")
    saver = InMemorySaver()
    begun(deploy, saver)
    flow = Tasks().flow(deploy.after, saver)

    report = replay_check(flow, "t")

    text = r"asks for task 'price', call number 2 .* before it comes to book#1 .*'Really\?'"
    assert "before it comes to book#1" in report.warnings[-1]
    with pytest.raises(NonDeterminismError, match=text):
        replay_check(flow, "t", strict=True)


def test_finished_bodies_are_gone_over_with_the_history_alone() -> None:
    saver = InMemorySaver()
    tasks = Tasks()

    def first(state: Any) -> Any:
        return {"log": [tasks.price(1).result()]}

    def ask(state: Any) -> Any:
        return {"log": [interrupt("q")]}

    def changed(state: Any) -> Any:
        return {"log": [tasks.price(2).result()]}

    chain(saver, first=first, ask=ask).invoke({"log": []}, CONFIG)
    now = chain(saver, first=changed, ask=ask)

    assert [b.node for b in replay_check(now, "t", history=False).bodies] == ["ask"]
    with pytest.raises(NonDeterminismError, match="at step 1"):
        replay_check(now, "t")


def test_a_node_without_a_record_is_not_run() -> None:
    saver = InMemorySaver()
    ran: list[str] = []

    def plain(state: Any) -> Any:
        ran.append("plain")
        return {"log": ["plain"]}

    graph = chain(saver, plain=plain, other=plain)
    graph.invoke({"log": []}, CONFIG, interrupt_before=["other"])
    ran.clear()

    assert replay_check(graph, "t").bodies == ()
    assert ran == []


def test_what_a_body_does_outside_of_tasks_is_done() -> None:
    saver = InMemorySaver()
    ran: list[str] = []

    def ask(state: Any) -> Any:
        ran.append("before the question")
        return {"log": [interrupt("q")]}

    graph = chain(saver, ask=ask)
    graph.invoke({"log": []}, CONFIG)

    replay_check(graph, "t")

    assert ran == ["before the question"] * 2


def test_a_store_is_read_and_its_writes_are_kept_aside() -> None:
    saver, store = InMemorySaver(), InMemoryStore()
    store.put(("a",), "old", {"n": 1})
    seen: list[Any] = []

    def ask(state: Any) -> Any:
        kept = get_store()
        seen.append(kept.get(("a",), "old").value)
        kept.put(("a",), "new", {"n": 2})
        seen.append(kept.get(("a",), "new").value)
        kept.delete(("a",), "old")
        seen.append(kept.get(("a",), "old"))
        return {"log": [interrupt("q")]}

    graph = StateGraph(State).add_node(ask).add_edge(START, "ask")
    graph.compile(saver, store=store).invoke({"log": []}, CONFIG)
    store.delete(("a",), "new")
    store.put(("a",), "old", {"n": 3})
    seen.clear()

    replay_check(graph.compile(saver, store=store), "t")
    asyncio.run(areplay_check(graph.compile(saver, store=store), "t"))

    assert seen == [{"n": 3}, {"n": 2}, None] * 2
    assert store.get(("a",), "new") is None
    assert store.get(("a",), "old") is not None


@pytest.mark.parametrize("what", ["run", "edit"])
def test_a_body_begins_no_run_and_edits_no_thread(what: str) -> None:
    saver, others = InMemorySaver(), InMemorySaver()
    other = chain(others, x=lambda state: {"log": ["x"]})
    there: dict[str, Any] = {"configurable": {"thread_id": "other"}}

    def ask(state: Any) -> Any:
        asked = interrupt("first")
        if what == "run":
            other.invoke({"log": []}, there)
        else:
            other.update_state(there, {"log": ["edited"]}, as_node="x")
        return {"log": [asked, interrupt("second")]}

    graph = chain(saver, ask=ask)
    graph.invoke({"log": []}, CONFIG)
    graph.invoke(Command(resume="yes"), CONFIG)
    before = repr([*others.list(None)])

    (body,) = replay_check(graph, "t").bodies

    assert body.ended == "past_record"
    assert "LangGraph" in body.past_record
    assert repr([*others.list(None)]) == before


@pytest.mark.parametrize("goes_on", [True, False])
def test_a_body_that_catches_all_goes_no_further_than_its_record(goes_on: bool) -> None:
    saver = InMemorySaver()
    tasks = Tasks()

    def flow(given: Any) -> Any:
        tasks.price(1).result()
        return interrupt("q")

    entrypoint(checkpointer=saver)(flow).invoke(1, CONFIG)
    tasks.made.clear()

    async def changed(given: Any) -> Any:
        await asyncio.gather(tasks.book(7), return_exceptions=True)
        if goes_on:
            await tasks.price(7)

    changed.__name__ = "flow"
    now = entrypoint(checkpointer=saver)(changed)
    (body,) = asyncio.run(areplay_check(now, "t")).bodies

    assert body.past_record == "task 'book', call number 1 of that name"
    assert tasks.made == {}


def test_a_failing_body_is_not_tried_again() -> None:
    saver = InMemorySaver()
    tries: list[int] = []

    def ask(state: Any) -> Any:
        if tries:
            tries.append(1)
            raise OSError("down")
        return {"log": [interrupt("q")]}

    graph = StateGraph(State).add_edge(START, "ask")
    graph.add_node(ask, retry_policy=RetryPolicy(max_attempts=3, retry_on=OSError))
    graph.compile(saver).invoke({"log": []}, CONFIG)
    tries.append(0)

    with pytest.raises(NonDeterminismError, match="raised OSError") as raised:
        replay_check(graph.compile(saver), "t")

    assert isinstance(raised.value.__cause__, OSError)
    assert tries == [0, 1]


def test_a_subgraph_is_gone_over_at_the_head_and_in_the_history() -> None:
    saver = InMemorySaver()
    tasks = Tasks()

    def built(arguments: int) -> Any:
        def ask(state: Any) -> Any:
            return {"log": [tasks.price(arguments).result(), interrupt("q")]}

        sub = chain(None, ask=ask)
        return chain(saver, sub=sub, end=lambda state: {"log": ["end"]})

    built(1).invoke({"log": []}, CONFIG)
    for history in (False, True):
        assert replay_check(built(1), "t", history=history).bodies
        with pytest.raises(NonDeterminismError, match="task 'price'"):
            replay_check(built(2), "t", history=history)
    built(1).invoke(Command(resume="yes"), CONFIG)

    assert replay_check(built(2), "t", history=False).bodies == ()
    assert [b.ended for b in replay_check(built(1), "t").bodies] == ["returned"]
    with pytest.raises(NonDeterminismError, match="of namespace 'sub:"):
        replay_check(built(2), "t")


@pytest.mark.rule("R4.4")
def test_a_question_that_was_passed_without_a_record_does_not_wait() -> None:
    saver = InMemorySaver()
    below = chain(None, ask=lambda state: {"log": [interrupt("q")]})

    def calls(state: Any) -> Any:
        return {"log": below.invoke({"log": []})["log"]}

    graph = chain(saver, calls=calls)
    graph.invoke({"log": []}, CONFIG, durability="exit")
    graph.invoke(Command(resume="yes"), CONFIG, durability="exit")

    assert replay_check(graph, "t").bodies[0].ended == "returned"


@pytest.mark.rule("R5.21", "R4.14")
def test_other_arguments_after_an_edit_with_the_answer_are_a_warning() -> None:
    saver = InMemorySaver()
    tasks = Tasks()

    def ask(state: Any) -> Any:
        tasks.price(len(state["log"])).result()
        return {"log": [interrupt("a"), interrupt("b")]}

    graph = chain(saver, ask=ask)
    graph.invoke({"log": []}, CONFIG)
    graph.invoke(Command(resume="yes", update={"log": ["edited"]}), CONFIG)

    (text,) = replay_check(graph, "t").warnings

    assert "with other arguments than recorded" in text


@pytest.mark.parametrize("history", [True, False])
def test_a_graph_that_a_body_has_not_called_yet_is_not_begun(history: bool) -> None:
    saver = InMemorySaver()
    ran: list[str] = []
    sub = chain(None, work=lambda state: ran.append("work"))

    def ask(state: Any) -> Any:
        return {"log": [interrupt("q")]}

    def changed(state: Any) -> Any:
        try:
            sub.invoke({"log": []})
        except Exception:  # noqa: BLE001 - a body that is too broad
            return {"log": ["failed"]}
        return {"log": [interrupt("q")]}

    chain(saver, ask=ask).invoke({"log": []}, CONFIG)

    report = replay_check(chain(saver, ask=changed), "t", history=history)

    assert report.bodies[0].past_record == "a step of graph 'LangGraph'"
    assert ran == []


def test_what_a_removed_subgraph_has_done_is_left_out() -> None:
    saver = InMemorySaver()
    tasks = Tasks()

    def one(state: Any) -> Any:
        return {"log": [tasks.price(1).result()]}

    def two(state: Any) -> Any:
        return {"log": [tasks.price(2).result()]}

    chain(saver, sub=chain(None, ask=one)).invoke({"log": []}, CONFIG)

    report = replay_check(chain(saver, ask=two), "t")

    assert report.bodies == ()
    assert "of namespace 'sub:" in report.warnings[0]


@pytest.mark.rule("R4.20")
def test_code_that_the_thread_cannot_go_on_with_is_refused() -> None:
    saver = InMemorySaver()

    def ask(state: Any) -> Any:
        return {"log": [interrupt("q")]}

    chain(saver, ask=ask).invoke({"log": []}, CONFIG)

    with pytest.raises(GraphChangedError, match="missing node: 'ask'"):
        replay_check(chain(saver, other=ask), "t")


@pytest.mark.rule("RA.21")
def test_what_cannot_be_checked_is_refused() -> None:
    saver = InMemorySaver()
    flow = Tasks().flow(old, saver)
    with pytest.raises(ValueError, match="'t' has no checkpoints in InMemorySaver"):
        replay_check(flow, "t")
    with pytest.raises(ValueError, match="has no checkpointer"):
        replay_check(flow.with_saver(None), "t")
    with pytest.raises(TypeError, match="give a compiled graph or an entrypoint"):
        replay_check(old, "t")
    with pytest.raises(ValueError, match="leave checkpoint_id out"):
        replay_check(flow, "t", config={"configurable": {"checkpoint_id": "1"}})

    @task
    async def call() -> int:
        return 1

    @entrypoint(checkpointer=saver)
    async def coroutine(given: Any) -> Any:
        return [await call(), interrupt("q")]

    asyncio.run(coroutine.ainvoke(1, CONFIG))
    with pytest.raises(TypeError, match="await areplay_check"):
        replay_check(coroutine, "t")
    assert asyncio.run(areplay_check(coroutine, "t")).bodies[0].calls == 1
