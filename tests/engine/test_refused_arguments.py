"""Arguments of the wrong kind are refused where they are given: what, where, what to do."""

from __future__ import annotations

from typing import Any, TypedDict

import pytest

from durableweb.checkpoint.memory import InMemorySaver
from durableweb.errors import InvalidUpdateError
from durableweb.func import entrypoint, task
from durableweb.graph import START, StateGraph
from durableweb.types import Command, RetryPolicy

CONFIG: Any = {"configurable": {"thread_id": "t"}}


class State(TypedDict, total=False):
    a: int


def node(state: State) -> Any:
    return {"a": 1}


def graph() -> Any:
    built = StateGraph(State).add_node("node", node).add_edge(START, "node")
    return built.compile(InMemorySaver())


def add_node(**options: Any) -> Any:
    return StateGraph(State).add_node("node", node, **options)


def defaults(**options: Any) -> Any:
    return StateGraph(State).set_node_defaults(**options)


def decorate_task(**options: Any) -> Any:
    return task(**options)(node)


def decorate_entrypoint(**options: Any) -> Any:
    return entrypoint(**options)(node)


@pytest.mark.rule("R1.33", "R1.38", "R8.1", "R8.9", "RA.21")
@pytest.mark.parametrize(
    ("give", "where"),
    [
        (add_node, "node 'node'"),
        (defaults, "set_node_defaults"),
        (decorate_task, "task 'node'"),
        (decorate_entrypoint, "entrypoint"),
    ],
)
@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"retry_policy": 5}, "retry_policy is 5; give a RetryPolicy"),
        ({"retry_policy": "twice"}, "retry_policy is 'twice'; give a RetryPolicy"),
        ({"retry_policy": [RetryPolicy(), 5]}, "retry_policy is .*; give a Retry"),
        (
            {"retry_policy": RetryPolicy(retry_on="ValueError")},  # type: ignore[arg-type]
            "retry_on is 'ValueError'; give an exception class",
        ),
        (
            {"retry_policy": RetryPolicy(retry_on=[ValueError, 5])},  # type: ignore[list-item]
            "retry_on is .*; give an exception class",
        ),
        (
            {"retry_policy": RetryPolicy(retry_on=int)},  # type: ignore[arg-type]
            "retry_on is .*; give an exception class",
        ),
        ({"cache_policy": 5}, "cache_policy is 5; give a CachePolicy"),
    ],
)
def test_a_policy_that_is_none_is_refused_where_it_is_given(give, where, options, says):
    with pytest.raises(TypeError, match=f"^{where}: {says}"):
        give(**options)


@pytest.mark.rule("R1.33", "RA.21")
@pytest.mark.parametrize("give", [add_node, defaults, decorate_task])
def test_a_number_of_a_policy_that_is_none_is_refused(give):
    policy = RetryPolicy(max_attempts="3")  # type: ignore[arg-type]

    with pytest.raises(TypeError, match="max_attempts of the RetryPolicy is '3'"):
        give(retry_policy=policy)


@pytest.mark.rule("R1.39", "RA.21")
@pytest.mark.parametrize("give", [add_node, defaults])
def test_a_handler_that_cannot_be_called_is_refused_before_it_hides_a_failure(give):
    with pytest.raises(TypeError, match="error_handler is 5; give a function"):
        give(error_handler=5)


@pytest.mark.rule("RA.21")
@pytest.mark.parametrize(
    ("config", "says"),
    [
        (5, "a config is a dict, not 5; such as"),
        ({"configurable": 5}, "'configurable' of the config is a dict, not 5; such as"),
        ({**CONFIG, "metadata": 5}, "'metadata' of the config is a dict, not 5"),
    ],
)
def test_a_config_that_is_none_is_refused(config, says):
    flow = graph()

    for call in (lambda: flow.invoke({"a": 0}, config), lambda: flow.get_state(config)):
        with pytest.raises(TypeError, match=says):
            call()
    with pytest.raises(TypeError, match=says):
        flow.with_config(config)


@pytest.mark.rule("R6.11", "RA.21")
@pytest.mark.parametrize("steps", [5, [5], [[5]], "x", [[("a", 1)]]])
async def test_a_bulk_update_that_is_none_is_refused(steps):
    flow = graph()

    with pytest.raises(TypeError, match=r"bulk_update_state.*give lists of updates"):
        flow.bulk_update_state(CONFIG, steps)
    with pytest.raises(TypeError, match=r"bulk_update_state.*give lists of updates"):
        await flow.abulk_update_state(CONFIG, steps)


@pytest.mark.rule("R6.4", "RA.21")
@pytest.mark.parametrize(
    ("narrowing", "error", "says"),
    [
        ({"filter": 5}, TypeError, "filter is 5; give a dict"),
        ({"before": 5}, TypeError, "before is 5; give the config"),
        ({"limit": -1}, ValueError, "limit is -1; give a whole number"),
        ({"limit": "2"}, ValueError, "limit is '2'; give a whole number"),
        ({"limit": 1.5}, ValueError, "limit is 1.5; give a whole number"),
        ({"limit": True}, ValueError, "limit is True; give a whole number"),
    ],
)
async def test_a_history_that_is_narrowed_by_nonsense_is_refused(
    narrowing, error, says
):
    flow = graph()
    flow.invoke({"a": 0}, CONFIG)

    with pytest.raises(error, match=f"^the history of thread 't': {says}"):
        list(flow.get_state_history(CONFIG, **narrowing))
    with pytest.raises(error, match=f"^the history of thread 't': {says}"):
        [found async for found in flow.aget_state_history(CONFIG, **narrowing)]


@pytest.mark.rule("R6.4")
def test_a_history_of_none_is_empty():
    flow = graph()
    flow.invoke({"a": 0}, CONFIG)

    assert list(flow.get_state_history(CONFIG, limit=0)) == []


@pytest.mark.rule("R6.5", "C.InvalidUpdateError")
@pytest.mark.parametrize(
    ("values", "given"),
    [
        (5, "int .5."),
        ([{"a": 1}], "list .*"),
        (Command(update=5), "a Command with int"),
    ],
)
async def test_an_update_that_is_none_says_that_the_caller_gave_it(values, given):
    flow = graph()
    flow.invoke({"a": 0}, CONFIG)
    says = (
        f"^thread 't': update_state as node 'node' was given {given}"
        ".*which is no update; give a dict of updates"
    )

    with pytest.raises(InvalidUpdateError, match=says):
        flow.update_state(CONFIG, values)
    with pytest.raises(InvalidUpdateError, match=says):
        await flow.aupdate_state(CONFIG, values)
    assert flow.get_state(CONFIG).values == {"a": 1}


@pytest.mark.rule("R6.6", "C.InvalidUpdateError")
@pytest.mark.parametrize("as_node", [None, "__input__"])
def test_an_update_as_the_input_says_whose_input_it_is_not(as_node):
    with pytest.raises(
        InvalidUpdateError,
        match=r"thread 't': the values of an update of graph 'LangGraph' must be a dict "
        "of its keys, not int .5.",
    ):
        graph().update_state(CONFIG, 5, as_node)


@pytest.mark.rule("R5.21", "C.InvalidUpdateError")
def test_an_update_beside_an_answer_says_that_the_caller_gave_it():
    flow = graph()
    flow.invoke({"a": 0}, CONFIG, interrupt_before=["node"])

    with pytest.raises(
        InvalidUpdateError, match=r"^thread 't': the caller gave a Command with int"
    ):
        flow.invoke(Command(update=5), CONFIG)
