"""What is not built yet, and what nobody knows, is refused by name (R1.11, R9.1, R9.9)."""

from typing import TypedDict

import pytest

from durableweb.checkpoint.memory import InMemorySaver
from durableweb.errors import InvalidUpdateError
from durableweb.func import entrypoint, task
from durableweb.graph import START, StateGraph
from durableweb.graph.message import AIMessage, push_message
from durableweb.types import Command, interrupt
from workflows.engine.errors import FeatureNotBuiltError


class State(TypedDict, total=False):
    a: int


def graph_of(result):
    def node(state: State):
        return result

    return StateGraph(State).add_node(node).add_edge(START, "node").compile()


@pytest.mark.rule("C.FeatureNotBuiltError")
def test_what_is_not_built_yet_is_refused():
    @task
    def push():
        push_message(AIMessage("hi", id="m"), state_key="a")

    @entrypoint()
    def flow(given):
        push().result()

    with pytest.raises(FeatureNotBuiltError):
        flow.invoke(1)


def test_an_unknown_argument_is_named():
    with pytest.raises(TypeError, match="sream"):
        graph_of({}).invoke({}, sream="values")


@pytest.mark.parametrize("result", [{"b": 1}, Command(update={"b": 1})])
def test_strict_updates_refuse_a_key_that_the_state_does_not_have(result):
    graph = graph_of(result)

    assert graph.invoke({"a": 1}) == {"a": 1}
    with pytest.raises(InvalidUpdateError, match="'node' wrote 'b'"):
        graph.invoke({"a": 1}, {"configurable": {"strict_updates": True}})


@pytest.mark.rule("RA.21", "R3.6", "R3.10")
@pytest.mark.parametrize("name", ["max_concurrency", "recursion_limit"])
@pytest.mark.parametrize("value", [0, -1, "2", 1.5])
def test_a_limit_that_is_no_number_of_tasks_or_steps_is_refused(name, value):
    with pytest.raises(ValueError, match=f"{name} must be a whole number >= 1"):
        graph_of({}).invoke({}, {name: value})


@pytest.mark.rule("RA.21", "R1.43")
@pytest.mark.parametrize("value", [["t"], ("t",), {"t"}, b"t", True])
def test_a_thread_id_that_is_no_name_is_refused(value):
    graph = StateGraph(State).add_node("node", lambda state: {})
    kept = graph.add_edge(START, "node").compile(InMemorySaver())

    with pytest.raises(ValueError, match="thread_id must be"):
        kept.invoke({}, {"configurable": {"thread_id": value}})


@pytest.mark.rule("RA.21", "R4.1", "R5.25")
@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"stream_mode": "upates"}, ["'upates'", "updates"]),
        ({"stream_mode": ["values", "upates"]}, ["'upates'", "updates"]),
        ({"durability": "sometimes"}, ["'sometimes'", "sync, async, exit"]),
        ({"interrupt_before": ["ghost"]}, ["interrupt_before", "'ghost'"]),
        ({"interrupt_after": "ghost"}, ["interrupt_after", "'ghost'"]),
    ],
)
def test_an_unknown_word_is_refused_and_named(options, words):
    with pytest.raises(ValueError) as refused:  # noqa: PT011
        list(graph_of({}).stream({}, **options))

    assert all(word in str(refused.value) for word in words)


@pytest.mark.rule("RA.21")
@pytest.mark.parametrize(
    "setting", ["determinism", "question_changed", "strict_resume", "strict_updates"]
)
def test_an_unknown_setting_is_refused_and_named(setting):
    with pytest.raises(ValueError, match=f"'{setting}'.* not 'nonsense'"):
        graph_of({}).invoke({}, {"configurable": {setting: "nonsense"}})


@pytest.mark.rule("RA.21", "R1.11")
def test_a_key_that_the_state_does_not_have_is_warned_of(caplog):
    assert graph_of({"b": 1}).invoke({"a": 1}) == {"a": 1}

    assert "wrote key 'b'" in caplog.text


def asks(state: State):
    interrupt("sure?")


@pytest.mark.rule("R5.11")
async def test_a_question_that_nobody_can_answer_is_warned_of(caplog):
    inner = StateGraph(State).add_node(asks).add_edge(START, "asks").compile(name="in")
    outer = StateGraph(State).add_node("inner", inner).add_edge(START, "inner")
    graph = outer.compile(name="orders")
    words = "graph 'orders' asks a question and has no checkpointer"

    paused = graph.invoke({})
    assert [each.value for each in paused["__interrupt__"]] == ["sure?"]
    assert caplog.text.count(words) == 1
    await graph.ainvoke({})
    assert caplog.text.count(words) == 2

    saved = outer.compile(checkpointer=InMemorySaver())
    saved.invoke({}, {"configurable": {"thread_id": "t"}})
    assert caplog.text.count("has no checkpointer") == 2
