"""Rows of the table of errors that a thread raises: by answers, turns, its record, its values (C)."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any

import pytest

from durableweb.checkpoint.memory import InMemorySaver
from durableweb.checkpoint.serde import Serde
from durableweb.errors import (
    DamagedValueError,
    InvalidNamespaceError,
    LeaseLostError,
    NonDeterminismError,
    RecordedTaskError,
    SerializationError,
    StaleResumeError,
    ThreadBusyError,
    UnknownInterruptError,
    UnknownTypeError,
    is_invalid_resume,
)
from durableweb.func import entrypoint, task
from durableweb.graph import START
from durableweb.store.memory import InMemoryStore
from durableweb.types import Command, interrupt
from tests.engine.support.the_node import CONFIG, asks, builder_of, flow_of
from tests.programs.flows import build
from tests.programs.sample import Life, World

# questions and answers


@pytest.mark.rule("C.UnknownInterruptError", "R5.15", "R5.18")
@pytest.mark.parametrize(
    ("answer", "reason", "says"),
    [
        ({"0" * 32: 1}, "not_pending", "0" * 32),
        ({}, "empty_map", "empty"),
        ("yes", "ambiguous", "answer by id: Command(resume={interrupt_id: answer})"),
    ],
)
def test_a_refused_answer_says_why_and_lists_what_is_open(
    answer: Any, reason: str, says: str
) -> None:
    nodes: dict[str, Any] = {"one": asks, "two": asks}
    graph = build(Life(World()), "one two", (START, "one"), (START, "two"), **nodes)
    flow = graph.compile(checkpointer=InMemorySaver())
    asked = {i.id for i in flow.invoke({"log": []}, CONFIG)["__interrupt__"]}

    with pytest.raises(UnknownInterruptError) as caught:
        flow.invoke(Command(resume=answer), CONFIG)

    assert caught.value.reason == reason
    assert set(caught.value.pending_ids) == asked
    assert says in str(caught.value)
    assert "the-thread" in str(caught.value)
    assert all(id in str(caught.value) for id in asked)
    assert "Nothing was written" in str(caught.value)


@pytest.mark.rule("C.UnknownInterruptError", "R5.18")
def test_an_answer_to_a_thread_that_asks_nothing_is_refused() -> None:
    flow = flow_of(lambda state: {})
    flow.invoke({"log": []}, CONFIG)

    with pytest.raises(UnknownInterruptError, match="no question is open") as caught:
        flow.invoke(Command(resume=1), CONFIG)

    assert (caught.value.reason, caught.value.pending_ids) == ("nothing_pending", ())


@pytest.mark.rule("C.is_invalid_resume", "R5.9")
def test_the_error_of_a_bad_answer_can_be_told_from_others() -> None:
    @dataclass
    class Count:
        n: int

    flow = flow_of(lambda s: {"a": interrupt("n?", response_schema=Count).n})
    flow.invoke({"log": []}, CONFIG)

    with pytest.raises(Exception, match="n") as caught:
        flow.invoke(Command(resume={"n": "many"}), CONFIG)

    assert is_invalid_resume(caught.value)
    assert not is_invalid_resume(ValueError("n"))


# one after the other


@pytest.mark.rule("C.StaleResumeError", "RA.1")
def test_a_moved_thread_names_the_head_it_has_now() -> None:
    saver = InMemorySaver()
    flow = builder_of(asks).compile(checkpointer=saver)
    flow.invoke({"log": []}, CONFIG)
    seen = saver.head("the-thread")
    flow.invoke(Command(resume=1), CONFIG)

    with pytest.raises(StaleResumeError) as caught:
        saver.open("the-thread", seen)

    assert caught.value.winner_checkpoint_id == saver.head("the-thread")
    assert caught.value.winner_checkpoint_id in str(caught.value)
    assert "the-thread" in str(caught.value)
    assert "read it again" in str(caught.value)


@pytest.mark.rule("C.ThreadBusyError", "RA.1")
def test_a_busy_thread_names_thread_run_and_since() -> None:
    begun, go_on = threading.Event(), threading.Event()

    def slow(state: Any) -> Any:
        begun.set()
        go_on.wait(60)
        return {}

    flow = flow_of(slow)
    first = threading.Thread(target=flow.invoke, args=({"log": []}, CONFIG))
    first.start()
    begun.wait(60)
    try:
        with pytest.raises(ThreadBusyError) as caught:
            flow.invoke({"log": []}, CONFIG)
    finally:
        go_on.set()
        first.join(60)

    for part in ("the-thread", caught.value.run_id, str(caught.value.since), "wait"):
        assert part in str(caught.value)


@pytest.mark.rule("C.LeaseLostError", "RA.2", "RA.15")
def test_a_run_that_was_taken_over_names_run_and_fencing_number() -> None:
    graph = build(Life(World()), "x y", (START, "x"), ("x", "y"))
    flow = graph.compile(checkpointer=InMemorySaver())
    abandoned = flow.stream({"log": []}, CONFIG)
    next(abandoned)
    flow.invoke(None, CONFIG)

    with pytest.raises(LeaseLostError) as caught:
        next(abandoned)

    assert caught.value.run_id in str(caught.value)
    assert f"fencing number {caught.value.fence}" in str(caught.value)
    assert "another worker has taken it over" in str(caught.value)


# what was recorded


@pytest.mark.rule("C.NonDeterminismError", "R4.14")
def test_calls_that_were_not_made_are_named() -> None:
    runs: list[int] = []

    @task
    def fetch(n: int) -> int:
        return n

    @entrypoint(checkpointer=InMemorySaver())
    def the_flow(n: int) -> Any:
        runs.append(1)
        if len(runs) == 1:
            fetch(1).result()
        return interrupt("q")

    the_flow.invoke(1, CONFIG)
    with pytest.raises(NonDeterminismError) as caught:
        the_flow.invoke(Command(resume=1), CONFIG)

    for part in (
        "'the-thread'",
        "'the_flow'",
        "fetch#1",
        'configurable["determinism"]',
    ):
        assert part in str(caught.value)


@pytest.mark.rule("C.RecordedTaskError", "R4.16")
def test_a_recorded_failure_names_task_thread_type_and_message() -> None:
    class DiskError(Exception):
        pass

    told: list[Exception] = []

    @task
    def fetch() -> int:
        raise DiskError("the disk is full")

    @entrypoint(checkpointer=InMemorySaver())
    def the_flow(n: int) -> Any:
        try:
            fetch().result()
        except Exception as error:  # noqa: BLE001
            told.append(error)
        return interrupt("q")

    the_flow.invoke(1, CONFIG)
    the_flow.invoke(Command(resume=1), CONFIG)

    assert isinstance(told[0], DiskError)
    assert isinstance(told[1], RecordedTaskError)
    assert told[1].type_name == "DiskError"
    assert told[1].message == "the disk is full"
    for part in ("'fetch'", "'the-thread'", "DiskError: the disk is full", "on record"):
        assert part in str(told[1])


# values


@pytest.mark.rule("C.SerializationError", "R10.2")
def test_what_cannot_be_stored_names_task_thread_and_place() -> None:
    with pytest.raises(SerializationError) as caught:
        flow_of(lambda s: {"log": [{"deep": object()}]}).invoke({"log": []}, CONFIG)

    assert caught.value.path == "$.log[0].deep"
    for part in ("'the_node'", "'the-thread'", "$.log[0].deep", "register_type"):
        assert part in str(caught.value)


@pytest.mark.rule("C.UnknownTypeError", "R10.5")
def test_an_unknown_type_names_its_tag_and_the_remedy() -> None:
    with pytest.raises(UnknownTypeError) as caught:
        Serde().decode('{"$t":"shop.Order","v":{}}')

    assert caught.value.tag == "shop.Order"
    assert "register_type('shop.Order', cls)" in str(caught.value)
    assert "aliases" in str(caught.value)


@pytest.mark.rule("C.DamagedValueError", "R10.7")
@pytest.mark.parametrize("text", ['{"$t":"dict', '{"$t":"dict","v":5}', '{"$t":7}'])
def test_what_was_not_written_by_us_is_damaged(text: str) -> None:
    with pytest.raises(DamagedValueError, match="stored"):
        Serde().decode(text)


@pytest.mark.rule("C.InvalidNamespaceError", "R11.2")
@pytest.mark.parametrize(
    ("namespace", "says"),
    [
        ((), "at least one label"),
        (("a", ""), "('a', '')"),
        (("a.b",), "'a.b'"),
        (("durableweb",), "choose another"),
        (("langgraph", "x"), "reserved"),
        ("users", "write ('users',)"),
        ((1,), "1"),
    ],
)
def test_a_refused_namespace_is_shown_with_what_is_wrong(
    namespace: Any, says: str
) -> None:
    with pytest.raises(InvalidNamespaceError) as caught:
        InMemoryStore().put(namespace, "key", {"a": 1})

    assert says in str(caught.value)
