"""Names, order, kinds and defaults of parameters are LangGraph's; ours may have more."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from typing import Any

import pytest

from durableweb.checkpoint.memory import InMemorySaver
from durableweb.graph import START, StateGraph
from durableweb.types import (
    CachePolicy,
    Command,
    GraphOutput,
    Interrupt,
    Overwrite,
    Send,
    TimeoutPolicy,
)
from tests.conformance.signatures import RECORD, callables, taken

pytestmark = pytest.mark.rule("E.signatures")

RECORDED: dict[str, list[list[Any]]] = json.loads(RECORD.read_text(encoding="utf-8"))
OURS = callables("durableweb")
NOT_TAKEN = {
    ("graph.StateGraph.compile", "transformers"): "for its streaming service",
    ("pregel.Pregel.__init__", "trigger_to_nodes"): "made from the nodes",
    ("pregel.Pregel.__init__", "node_error_handler_map"): "StateGraph's affair",
    ("pregel.Pregel.__init__", "stream_transformers"): "for its streaming service",
    ("types.Overwrite", "type"): "a marker for its JSON form",
    ("errors.UnknownInterruptError", "message"): "made from the other arguments",
}
OTHERWISE = {
    ("func.task", "__func_or_none__"): "a name that nobody can write",
    (
        "errors.UnknownInterruptError",
        "reason",
    ): "comes first, where there is no message",
    ("errors.UnknownInterruptError", "interrupt_ids"): "may be given by place",
    ("errors.UnknownInterruptError", "pending_ids"): "may be given by place",
    ("errors.NodeTimeoutError", "kind"): "has a default",
    ("types.TimeoutPolicy", "run_timeout"): "may be given by place",
    ("types.TimeoutPolicy", "idle_timeout"): "may be given by place",
    ("types.TimeoutPolicy", "refresh_on"): "may be given by place",
    ("types.CachePolicy", "key_func"): "None stands for its default",
}


@pytest.mark.parametrize("name", RECORDED)
def test_it_can_be_called_as_in_the_reference(name: str) -> None:
    wanted = [p for p in RECORDED[name] if (name, p[0]) not in NOT_TAKEN]
    given = {p[0]: p for p in taken(OURS[name])}

    for parameter in wanted:
        if (name, parameter[0]) not in OTHERWISE:
            assert given.get(parameter[0]) == parameter
    by_place = [p[0] for p in wanted if p[1] != "KEYWORD_ONLY"]
    ours_by_place = [n for n, kind, _ in given.values() if kind != "KEYWORD_ONLY"]
    if not any(key[0] == name for key in OTHERWISE):
        assert ours_by_place[: len(by_place)] == by_place


@pytest.mark.parametrize("name", RECORDED)
def test_what_ours_takes_besides_may_be_left_out(name: str) -> None:
    known = {parameter[0] for parameter in RECORDED[name]}
    function = OURS[name]
    more = [
        each
        for each in inspect.signature(function).parameters.values()
        if each.name not in {*known, "self"}
        and each.kind not in (each.VAR_KEYWORD, each.VAR_POSITIONAL)
    ]

    assert [p.name for p in more if p.default is p.empty and p.name != "function"] == []


def test_named_tuples_are_named_tuples() -> None:
    for name in ("StateSnapshot", "PregelTask", "RetryPolicy", "StateUpdate"):
        fields = [p[0] for p in RECORDED[f"types.{name}"]]
        assert list(OURS[f"types.{name}"]._fields) == fields


@pytest.mark.parametrize(
    ("make", "other"),
    [
        (lambda: Send("n", [1]), Send("n", [2])),
        (lambda: Command(update={"a": 1}, goto="n"), Command(update={"a": 1})),
        (lambda: Interrupt("q", "id"), Interrupt("q", "other")),
        (lambda: TimeoutPolicy(run_timeout=1), TimeoutPolicy(idle_timeout=1)),
        (lambda: CachePolicy(ttl=1), CachePolicy(ttl=2)),
        (lambda: Overwrite([1]), Overwrite([2])),
        (lambda: GraphOutput({"a": 1}, ()), GraphOutput({"a": 2}, ())),
    ],
)
def test_value_classes_are_equal_by_what_they_hold(
    make: Callable[[], Any], other: Any
) -> None:
    assert make() == make()
    assert make() != other
    assert repr(make()) == repr(make())


async def test_async_twins_of_iterators_are_async_iterators() -> None:
    graph = StateGraph(dict).add_node("n", lambda state: {}).add_edge(START, "n")
    flow = graph.compile(InMemorySaver())
    config: Any = {"configurable": {"thread_id": "t"}}

    chunks = [chunk async for chunk in flow.astream({"a": 1}, config)]
    history = [found async for found in flow.aget_state_history(config)]

    assert len(chunks) == 1
    assert len(history) == 3
    assert [pair async for pair in flow.aget_subgraphs()] == []


async def test_config_may_be_left_out_without_a_saver() -> None:
    graph = StateGraph(dict).add_node("n", lambda state: {"b": 2}).add_edge(START, "n")
    flow = graph.compile()

    assert flow.invoke({"a": 1}) == await flow.ainvoke({"a": 1}) == {"b": 2}
    assert [*flow.stream({"a": 1})] == [{"n": {"b": 2}}]
    assert flow.batch([{"a": 1}]) == await flow.abatch([{"a": 1}]) == [{"b": 2}]
