"""New code against the record of an old thread: which difference is told, and which is none (RA.4)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from durableweb.checkpoint.memory import InMemorySaver
from durableweb.errors import GraphChangedError, NonDeterminismError
from durableweb.func import entrypoint, task
from durableweb.types import Command, interrupt
from tests.engine.support.changed_bodies import DEPLOYS, Deploy, Tasks, old
from tests.engine.support.checked import CheckedStory, no_task_runs
from tests.engine.support.checked_graphs import CONFIG, chain
from tests.engine.support.lives import wait_for_threads
from tests.engine.test_foreign_savers import Foreign
from tests.engine.test_properties import Body, bodies, go_on
from tests.programs import all_samples
from tests.programs.sample import Sample
from workflows.engine.drivers import faults, threads
from workflows.engine.replay import areplay_check, replay_check

pytestmark = pytest.mark.rule("RA.4", "RB.13")

CASES = [
    pytest.param(sample, driver, id=f"{sample.name}-{driver}")
    for sample in all_samples().values()
    for driver in sample.drivers
    if sample.name != "raised_with_an_id"  # outside decides whether it asks
]


@pytest.fixture
def loop(monkeypatch: pytest.MonkeyPatch) -> Iterator[asyncio.Runner]:
    monkeypatch.setattr(threads, "IDLE_SECONDS", 0.01)
    with asyncio.Runner() as runner:
        yield runner


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
