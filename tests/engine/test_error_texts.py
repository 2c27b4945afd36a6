"""Errors say what happened, to which thread, node, key or id, and what to do."""

from __future__ import annotations

from typing import Any

import pytest

from durableweb.checkpoint.memory import InMemorySaver
from durableweb.errors import (
    CheckpointNotFoundError,
    EmptyInputError,
    GraphChangedError,
    GraphRecursionError,
    InterruptSwallowedError,
    InvalidUpdateError,
    NonDeterminismError,
    NoParentGraphError,
    UnknownInterruptError,
)
from durableweb.func import entrypoint, task
from durableweb.graph import START
from durableweb.types import Command, interrupt
from tests.programs.flows import build
from tests.programs.sample import Life, World

CONFIG = {"configurable": {"thread_id": "the-thread"}}


def flow_of(node: Any, name: str = "the_node", saver: Any = None) -> Any:
    graph = build(Life(World()), name, (START, name), **{name: node})
    return graph.compile(checkpointer=saver or InMemorySaver())


def text_of(error: type[BaseException], flow: Any, given: Any) -> str:
    with pytest.raises(error) as caught:
        flow.invoke(given, CONFIG)
    return str(caught.value)


def asks(state: Any) -> Any:
    return {"log": [interrupt("the question")]}


@pytest.mark.rule("C.InvalidUpdateError", "R2.2")
def test_two_writes_to_one_key_name_the_key_and_who_wrote() -> None:
    graph = build(
        Life(World()),
        "one two",
        (START, "one"),
        (START, "two"),
        one=lambda s: {"a": 1},
        two=lambda s: {"a": 2},
    )

    flow = graph.compile(checkpointer=InMemorySaver())

    text = text_of(InvalidUpdateError, flow, {"log": []})

    for part in ("'a'", "'one', 'two'", "the-thread", "reducer"):
        assert part in text


@pytest.mark.rule("R2.3")
def test_a_reducer_that_fails_is_told_with_its_key_and_who_wrote() -> None:
    flow = flow_of(lambda s: {"log": 5})

    with pytest.raises(TypeError, match="concatenate") as caught:
        flow.invoke({"log": []}, CONFIG)

    assert caught.value.__notes__ == [
        "thread 'the-thread': key 'log', written by 'the_node'"
    ]


@pytest.mark.rule("C.InvalidUpdateError", "R1.10")
def test_a_wrong_return_names_the_node() -> None:
    text = text_of(InvalidUpdateError, flow_of(lambda s: 5), {"log": []})

    assert "the_node" in text
    assert "give a dict" in text


@pytest.mark.rule("C.InvalidUpdateError", "R1.22")
def test_an_unknown_target_names_node_and_target() -> None:
    node = lambda s: Command(goto="elsewhere")  # noqa: E731

    text = text_of(InvalidUpdateError, flow_of(node), {"log": []})

    assert "the_node" in text
    assert "elsewhere" in text
    assert "it has the_node" in text


@pytest.mark.rule("C.NoParentGraphError", "R1.30")
def test_a_missing_parent_names_node_and_target() -> None:
    node = lambda s: Command(graph=Command.PARENT, goto="elsewhere")  # noqa: E731

    with pytest.raises(NoParentGraphError) as caught:
        flow_of(node).invoke({"log": []}, CONFIG)

    assert isinstance(caught.value, InvalidUpdateError)
    assert caught.value.args[0].goto == "elsewhere"
    for part in ("the_node", "elsewhere", "there is no parent graph", "without graph="):
        assert part in str(caught.value)


@pytest.mark.rule("C.UnknownInterruptError", "R5.18")
def test_an_answer_without_addressee_lists_the_open_questions() -> None:
    flow = flow_of(asks)
    found = flow.invoke({"log": []}, CONFIG)["__interrupt__"][0].id

    with pytest.raises(UnknownInterruptError) as caught:
        flow.invoke(Command(resume={"0" * 32: 1}), CONFIG)

    assert caught.value.interrupt_ids == ("0" * 32,)
    assert caught.value.pending_ids == (found,)
    assert "the-thread" in str(caught.value)


@pytest.mark.rule("C.InterruptSwallowedError", "R5.10")
def test_a_swallowed_question_is_named_with_the_remedy() -> None:
    def swallows(state: Any) -> Any:
        try:
            interrupt("the question")
        except Exception:  # noqa: BLE001
            return {}
        return {}

    text = text_of(InterruptSwallowedError, flow_of(swallows), {"log": []})

    assert "the question" in text
    assert "GraphBubbleUp" in text


@pytest.mark.rule("C.GraphChangedError", "R4.20")
def test_a_gone_node_is_named_and_nothing_is_written() -> None:
    saver = InMemorySaver()
    flow_of(asks, "old_name", saver).invoke({"log": []}, CONFIG)
    before = len(list(saver.list(CONFIG)))

    text = text_of(
        GraphChangedError, flow_of(asks, "new_name", saver), Command(resume=1)
    )

    assert "old_name" in text
    assert "new_name" in text
    assert "the-thread" in text
    assert "Nothing was written" in text
    assert len(list(saver.list(CONFIG))) == before


@pytest.mark.rule("C.CheckpointNotFoundError", "R6.1")
def test_an_unknown_checkpoint_is_named() -> None:
    flow = flow_of(asks)
    flow.invoke({"log": []}, CONFIG)
    nowhere = {"configurable": {**CONFIG["configurable"], "checkpoint_id": "nowhere"}}

    with pytest.raises(CheckpointNotFoundError, match="nowhere") as caught:
        flow.get_state(nowhere)

    assert "the-thread" in str(caught.value)
    assert "get_state_history" in str(caught.value)
    assert caught.value.checkpoint_id == "nowhere"


@pytest.mark.rule("C.NonDeterminismError", "R4.14")
def test_other_arguments_on_replay_name_task_and_parent() -> None:
    runs: list[int] = []

    @task
    def fetch(n: int) -> int:
        return n

    @entrypoint(checkpointer=InMemorySaver())
    def the_flow(n: int) -> int:
        runs.append(1)
        fetch(len(runs)).result()
        return interrupt("q")

    the_flow.invoke(1, CONFIG)
    text = text_of(NonDeterminismError, the_flow, Command(resume=1))

    assert "fetch" in text
    assert "the_flow" in text
    assert "the-thread" in text
    assert "determinism" in text


@pytest.mark.rule("C.EmptyInputError", "R4.9")
def test_nothing_to_continue_says_what_to_do() -> None:
    assert "the-thread" in text_of(EmptyInputError, flow_of(asks), None)
    assert "resume=" in text_of(EmptyInputError, flow_of(asks), Command())


@pytest.mark.rule("C.EmptyInputError", "R4.9")
def test_a_fresh_thread_says_that_it_needs_an_input() -> None:
    assert "begins with an input" in text_of(EmptyInputError, flow_of(asks), None)


@pytest.mark.rule("R1.18")
def test_a_branch_that_leads_past_its_map_is_named_with_what_the_map_has() -> None:
    graph = build(Life(World()), "x y", (START, "x"))
    graph.add_conditional_edges("x", lambda state: "north", {"south": "y"})

    with pytest.raises(KeyError) as caught:
        graph.compile().invoke({"log": []})

    for part in ("'x'", "'north'", "'south'", "path_map"):
        assert part in str(caught.value)


@pytest.mark.rule("R1.22", "R5.22")
def test_a_goto_from_outside_to_no_node_lists_the_nodes() -> None:
    text = text_of(InvalidUpdateError, flow_of(asks), Command(goto="ghost"))

    assert "'ghost'" in text
    assert "it has the_node" in text


@pytest.mark.rule("C.GraphRecursionError", "R3.10")
def test_the_recursion_limit_is_in_the_text() -> None:
    graph = build(Life(World()), "x y", (START, "x"), ("x", "y"))
    flow = graph.compile(checkpointer=InMemorySaver())

    with pytest.raises(GraphRecursionError, match="recursion_limit=1") as caught:
        flow.invoke({"log": []}, {**CONFIG, "recursion_limit": 1})

    assert isinstance(caught.value, RecursionError)
    assert "the-thread" in str(caught.value)
    assert "invoke(None)" in str(caught.value)


@pytest.mark.rule("R8.10")
def test_a_task_outside_a_run_names_the_task_and_the_remedy() -> None:
    @task
    def fetch() -> int:
        return 1

    with pytest.raises(RuntimeError, match="fetch"):
        fetch()


@pytest.mark.rule("R1.9")
def test_a_coroutine_node_in_a_blocking_call_names_node_and_remedy() -> None:
    async def node(state: Any) -> Any:
        return {}

    text = text_of(TypeError, flow_of(node), {"log": []})

    assert "the_node" in text
    assert "ainvoke" in text


@pytest.mark.rule("R1.36")
def test_an_exception_carries_a_note_with_task_and_id() -> None:
    def bad(state: Any) -> Any:
        raise RuntimeError("broken")

    with pytest.raises(RuntimeError) as caught:
        flow_of(bad).invoke({"log": []}, CONFIG)

    assert any("the_node" in note for note in caught.value.__notes__)
