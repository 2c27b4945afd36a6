"""Rows of the table of errors: the bases of all, and what a step raises, with a text that helps (C)."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from durableweb import errors
from durableweb.checkpoint.memory import InMemorySaver
from durableweb.errors import (
    ConcurrencyError,
    DurablewebError,
    GraphBubbleUp,
    GraphDrained,
    GraphInterrupt,
    NodeCancelledError,
    NodeError,
    NodeTimeoutError,
    ParentCommand,
    SerdeError,
    SerializationError,
    StateMutationError,
    WorkflowError,
)
from durableweb.graph import START
from durableweb.runtime import RunControl
from durableweb.types import Command, TimeoutPolicy
from tests.engine.support.the_node import CONFIG, asks, builder_of, flow_of
from tests.programs.flows import build
from tests.programs.sample import Life, World

BASES = {
    "InvalidUpdateError": Exception,
    "GraphRecursionError": RecursionError,
    "EmptyInputError": Exception,
    "EmptyChannelError": Exception,
    "GraphInterrupt": GraphBubbleUp,
    "NodeInterrupt": GraphInterrupt,
    "ParentCommand": GraphBubbleUp,
    "GraphDrained": GraphBubbleUp,
    "NodeTimeoutError": Exception,
    "NodeCancelledError": Exception,
    "TaskNotFound": Exception,
    "UnknownInterruptError": RuntimeError,
    "StaleAnswerError": errors.StaleResumeError,
    "StaleResumeError": ConcurrencyError,
    "ThreadBusyError": ConcurrencyError,
    "LeaseLostError": ConcurrencyError,
    "NonDeterminismError": WorkflowError,
    "InterruptSwallowedError": WorkflowError,
    "StateMutationError": WorkflowError,
    "GraphChangedError": WorkflowError,
    "CheckpointNotFoundError": WorkflowError,
    "RecordedTaskError": WorkflowError,
    "SerializationError": SerdeError,
    "UnknownTypeError": SerdeError,
    "DamagedValueError": SerdeError,
    "InvalidNamespaceError": ValueError,
    "ConcurrencyError": DurablewebError,
    "WorkflowError": DurablewebError,
    "SerdeError": DurablewebError,
}


@pytest.mark.rule("C.DurablewebError", "C.NodeInterrupt", "C.TaskNotFound")
@pytest.mark.parametrize("name", BASES)
def test_an_error_has_the_base_that_the_table_says(name: str) -> None:
    assert getattr(errors, name).__bases__[0] is BASES[name]


@pytest.mark.rule("C.DurablewebError", "C.NoParentGraphError", "C.SerializationError")
def test_some_errors_are_of_two_kinds() -> None:
    assert issubclass(errors.StaleAnswerError, errors.UnknownInterruptError)
    assert issubclass(errors.NoParentGraphError, errors.InvalidUpdateError)
    assert issubclass(errors.NoParentGraphError, ParentCommand)
    assert issubclass(SerializationError, TypeError)
    assert not issubclass(NodeTimeoutError, TimeoutError)
    assert not issubclass(NodeError, BaseException)


# control flow


@pytest.mark.rule("C.GraphInterrupt", "R5.10")
def test_a_question_on_its_way_out_carries_what_is_asked() -> None:
    seen: list[Any] = []

    def node(state: Any) -> Any:
        try:
            return asks(state)
        except GraphBubbleUp as up:
            seen.append(up)
            raise

    flow_of(node).invoke({"log": []}, CONFIG)

    assert isinstance(seen[0], GraphInterrupt)
    assert [each.value for each in seen[0].interrupts] == ["the question"]
    assert "the question" in str(seen[0])


@pytest.mark.rule("C.ParentCommand", "R1.29")
def test_a_command_on_its_way_up_carries_the_command() -> None:
    seen: list[Any] = []
    inner = builder_of(
        lambda s: Command(graph=Command.PARENT, goto="there", update={"a": 1})
    ).compile()

    def node(state: Any) -> Any:
        try:
            return inner.invoke({"log": []})
        except GraphBubbleUp as up:
            seen.append(up)
            raise

    flow = build(Life(World()), "node there", (START, "node"), node=node).compile()
    flow.invoke({"log": []})

    assert isinstance(seen[0], ParentCommand)
    assert seen[0].args[0].goto == "there"
    assert "there" in str(seen[0])


@pytest.mark.rule("C.GraphDrained", "R3.19")
def test_a_drained_run_says_why_where_and_how_to_go_on() -> None:
    control = RunControl()

    def node(state: Any) -> Any:
        control.request_drain("the night begins")
        return {}

    flow = build(Life(World()), "node y", (START, "node"), ("node", "y"), node=node)
    with pytest.raises(GraphDrained) as caught:
        flow.compile(checkpointer=InMemorySaver()).invoke(
            {"log": []}, CONFIG, control=control
        )

    assert caught.value.reason == "the night begins"
    assert str(caught.value).startswith("Graph drained: the night begins")
    assert "the-thread" in str(caught.value)
    assert "invoke(None)" in str(caught.value)


# attempts


async def waits(state: Any) -> Any:
    await asyncio.Event().wait()


@pytest.mark.rule("C.NodeTimeoutError", "R1.37")
@pytest.mark.parametrize(
    ("policy", "kind", "remedy"),
    [
        (TimeoutPolicy(run_timeout=0.01), "run", "more time"),
        (TimeoutPolicy(idle_timeout=0.01), "idle", "heartbeat"),
    ],
)
async def test_a_timeout_names_node_limit_and_remedy(
    policy: TimeoutPolicy, kind: str, remedy: str
) -> None:
    graph = build(Life(World()), "", (START, "the_node"))
    graph.add_node("the_node", waits, timeout=policy)
    flow = graph.compile(checkpointer=InMemorySaver())
    with pytest.raises(NodeTimeoutError) as caught:
        await flow.ainvoke({"log": []}, CONFIG)

    found = caught.value
    assert (found.node, found.kind) == ("the_node", kind)
    assert (found.run_timeout, found.idle_timeout) == (
        policy.run_timeout,
        policy.idle_timeout,
    )
    assert found.elapsed >= 0.01
    assert f"'the_node' exceeded its {kind} timeout of 0.01 s" in str(found)
    assert remedy in str(found)


@pytest.mark.rule("C.NodeCancelledError", "R1.41")
async def test_a_node_that_cancels_itself_is_named() -> None:
    async def node(state: Any) -> Any:
        raise asyncio.CancelledError

    with pytest.raises(NodeCancelledError, match="'the_node'") as caught:
        await flow_of(node).ainvoke({"log": []}, CONFIG)

    assert caught.value.node == "the_node"
    assert "the run was not cancelled" in str(caught.value)
    assert "invoke(None)" in str(caught.value)


@pytest.mark.rule("C.NodeError", "R1.39")
def test_a_handler_is_told_which_node_failed_with_what() -> None:
    told: list[NodeError] = []

    def bad(state: Any) -> Any:
        raise LookupError("no such page")

    def handle(state: Any, failure: NodeError) -> Any:
        told.append(failure)

    graph = build(Life(World()), "", (START, "the_node"))
    graph.add_node("the_node", bad, error_handler=handle)
    graph.compile(checkpointer=InMemorySaver()).invoke({"log": []}, CONFIG)

    assert told[0].node == "the_node"
    assert repr(told[0].error) == "LookupError('no such page')"


@pytest.mark.rule("C.StateMutationError", "R2.17")
def test_a_change_in_place_names_node_key_thread_and_remedy() -> None:
    def node(state: Any) -> Any:
        state["log"].append("x")

    strict = {"configurable": {"thread_id": "the-thread", "strict_state": True}}
    with pytest.raises(StateMutationError) as caught:
        flow_of(node).invoke({"log": []}, strict)

    for part in ("'the_node'", "'log'", "'the-thread'", "return the new value"):
        assert part in str(caught.value)
