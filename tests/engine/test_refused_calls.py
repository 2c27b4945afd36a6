"""Every way to call or to ask a graph refuses arguments of the wrong kind alike (RA.21)."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

import pytest

from durableweb.cache.memory import InMemoryCache
from durableweb.checkpoint.memory import InMemorySaver
from durableweb.config import get_config
from durableweb.errors import InvalidUpdateError, NodeTimeoutError
from durableweb.graph import END, START, StateGraph
from durableweb.types import (
    Command,
    Send,
    StateUpdate,
    interrupt,
)
from tests.engine.support.refusing import CONFIG, State, builder, graph, graph_of

ODD: Any = ({}, 5)
CALLS: list[Any] = [
    ({"interrupt_before": 5}, TypeError, "interrupt_before is 5; give a list"),
    ({"interrupt_after": b"x"}, TypeError, "interrupt_after is b'x'; give a list"),
    ({"interrupt_before": [[]]}, ValueError, r"interrupt_before names \[\], which"),
    ({"output_keys": 5}, TypeError, "output_keys is 5; give a key of the state"),
    ({"output_keys": [[]]}, ValueError, r"output_keys names \[\], which is no key"),
    ({"stream_mode": 5}, TypeError, "stream_mode is 5; give a mode such as"),
    ({"stream_mode": [[]]}, ValueError, r"unknown stream mode \[\]; choose from"),
    ({"print_mode": 5}, TypeError, "print_mode is 5; give a mode such as"),
    ({"control": 5}, TypeError, "control is 5; give a RunControl"),
    ({"durability": 5}, ValueError, "durability must be one of .*, not 5"),
    ({"version": 5}, ValueError, "unknown version 5; choose from"),
]
CONFIGS: list[Any] = [
    ({"callbacks": 5}, TypeError, "'callbacks' of the config has 5; give a handler"),
    ({"callbacks": ["x"]}, TypeError, "'callbacks' of the config has 'x'; give"),
    ({"tags": 5}, TypeError, "'tags' of the config is a list of texts, not 5"),
    ({"tags": "ab"}, TypeError, "'tags' of the config is a list of texts, not 'ab'"),
    ({"run_id": ["x"]}, TypeError, r"run_id of the config must be .*, not \['x'\]"),
    ({"recursion_limit": True}, ValueError, "recursion_limit must be .*, not True"),
]


@pytest.mark.rule("RA.21", "R9.1", "R5.25", "R3.19", "R3.10")
@pytest.mark.parametrize(
    ("config", "options", "error", "says"),
    [(CONFIG, *row) for row in CALLS]
    + [({**CONFIG, **config}, {}, *rest) for config, *rest in CONFIGS]
    + [([], {}, TypeError, r"a config is a dict, not \[\]; such as")],
)
async def test_every_way_to_call_refuses_the_same_before_anything_runs(
    config, options, error, says
):
    ran: list[Any] = []
    built = StateGraph(State).add_node("node", ran.append).add_edge(START, "node")
    flow = built.compile(InMemorySaver())

    with pytest.raises(error, match=says):
        flow.invoke({"a": 0}, config, **options)
    with pytest.raises(error, match=says):
        await flow.ainvoke({"a": 0}, config, **options)
    with pytest.raises(error, match=says):
        flow.stream({"a": 0}, config, **options)  # when called, not when read
    with pytest.raises(error, match=says):
        flow.astream({"a": 0}, config, **options)
    assert ran == []


@pytest.mark.rule("RA.21", "R9.1")
@pytest.mark.parametrize(
    ("mode", "error", "says"),
    [
        ("nothing", ValueError, "unknown stream mode 'nothing'; choose from"),
        (["values", 5], ValueError, "unknown stream mode 5; choose from"),
        (5, TypeError, "stream_mode is 5; give a mode such as 'values'"),
        (None, TypeError, "stream_mode is None; give a mode such as 'updates'"),
    ],
)
def test_a_mode_that_no_stream_has_is_no_mode_of_a_graph(mode, error, says):
    flow = StateGraph(State).add_node("n", dict).add_edge(START, "n").compile()

    with pytest.raises(error, match=says):
        flow.stream_mode = mode
    assert flow.stream_mode == "updates"


PLACES = [
    ({"checkpoint_id": 5}, TypeError, "'checkpoint_id'] is 5; give it as text"),
    ({"checkpoint_id": []}, TypeError, "'checkpoint_id'] is .*; give it as text"),
    ({"checkpoint_ns": 5}, TypeError, "'checkpoint_ns'] is 5; give it as text"),
    ({"thread_id": object()}, ValueError, "thread_id must be a str, .* not object"),
]


@pytest.mark.rule("RA.21", "R1.43", "R6.1")
@pytest.mark.parametrize(("place", "error", "says"), PLACES)
async def test_a_place_of_a_thread_that_is_no_text_is_refused(place, error, says):
    flow = graph()
    config = {"configurable": {"thread_id": "t", **place}}

    with pytest.raises(error, match=says):
        flow.get_state(config)
    with pytest.raises(error, match=says):
        flow.update_state(config, {"a": 1})
    with pytest.raises(error, match=says):
        await flow.aget_state(config)
    with pytest.raises(error, match=says):
        flow.get_state_history(config)
    with pytest.raises(error, match=says):
        flow.aget_state_history(config)


@pytest.mark.rule("RA.21", "R6.4", "R6.7", "R7.11", "R1.38", "R1.45")
@pytest.mark.parametrize(
    ("ask", "error", "says"),
    [
        (
            lambda g: g.get_state_history(CONFIG, before={"configurable": 5}),
            TypeError,
            "before is .*; give the config of a checkpoint",
        ),
        (lambda g: g.get_state_history(CONFIG, limit="2"), ValueError, "limit is '2'"),
        (lambda g: g.get_graph(xray="deep"), TypeError, "xray is 'deep'; give True"),
        (lambda g: g.get_graph(5), TypeError, "a config is a dict, not 5"),
        (lambda g: g.get_subgraphs(namespace=5), TypeError, "namespace is 5; give"),
        (lambda g: g.clear_cache(5), TypeError, "nodes is 5; give a node's name"),
        (lambda g: g.with_config({"tags": 5}), TypeError, "'tags' of the config"),
        (
            lambda g: g.update_state(CONFIG, {"a": 1}, ["node"]),
            InvalidUpdateError,
            r"as_node is \['node'\]; give a node's name",
        ),
        (
            lambda g: g.bulk_update_state(CONFIG, [[StateUpdate(*ODD)]]),
            InvalidUpdateError,
            "as_node is 5; give a node's name",
        ),
        (
            lambda g: g.update_state(CONFIG, {"a": 1}, "node", 5),
            TypeError,
            "task_id is 5; give the id of a task",
        ),
        (
            lambda g: g.update_state(CONFIG, Command(goto="node"), "__input__"),
            InvalidUpdateError,
            "Command.*is no input; give the input's keys",
        ),
        (
            lambda g: g.update_state(CONFIG, {"a": 1}, "__copy__"),
            InvalidUpdateError,
            r"values is {'a': 1}; give a list of pairs \(values, as_node\), or None",
        ),
        (
            lambda g: g.update_state(CONFIG, [({"a": 1}, ["node"])], "__copy__"),
            InvalidUpdateError,
            r"as_node is \['node'\]; give a node's name",
        ),
    ],
)
def test_what_is_asked_of_a_graph_at_rest_is_refused_when_asked(ask, error, says):
    flow = graph(cache=InMemoryCache())
    flow.invoke({"a": 0}, CONFIG)

    with pytest.raises(error, match=says):
        ask(flow)


@pytest.mark.rule("RA.21", "R1.24", "R5.22", "C.InvalidUpdateError")
@pytest.mark.parametrize(
    ("command", "says"),
    [
        (Command(goto=5), "Command.goto.* is 5; give a node's name, END, a Send"),
        (Command(goto={"node": 1}), "Command.goto.* is {'node': 1}; give a node's"),
        (Command(goto=[*ODD[1:]]), "Command.goto.* 5, which is no node of graph"),
        (Command(goto=[*ODD[:1]]), "Command.goto.* {}, which is no node of graph"),
        (Command(update=[5]), r"a Command with \[5\].*list of pairs"),
        (Command(update=["ab"]), r"a Command with \['ab'\].*list of pairs"),
        (Command(update=[("a", 1, 2)]), "a Command with .*list of pairs"),
        (Command(update=[([], 1)]), "a Command with .*list of pairs"),
    ],
)
async def test_a_command_of_nothing_is_refused_in_a_node_and_from_outside(
    command, says
):
    flow = graph_of(command)
    with pytest.raises(InvalidUpdateError, match=says):
        flow.invoke({"a": 0}, CONFIG)
    with pytest.raises(InvalidUpdateError, match=says):
        await flow.ainvoke({"a": 0}, CONFIG)

    paused = graph()
    paused.invoke({"a": 0}, CONFIG, interrupt_before=["node"])
    with pytest.raises(InvalidUpdateError, match=says):
        paused.invoke(command, CONFIG)


@pytest.mark.rule("R1.24")
@pytest.mark.parametrize("update", [[("a", 5)], (("a", 5),), [["a", 5]], {"a": 5}])
def test_pairs_are_an_update(update):
    assert graph_of(Command(update=update)).invoke({"a": 0}, CONFIG) == {"a": 5}


@pytest.mark.rule("RA.21", "R1.18", "R1.22")
@pytest.mark.parametrize("answer", [5, {"node"}, {"node": 1}, [[]], Send([], 1)])  # type: ignore[arg-type]
def test_a_branch_that_leads_to_nothing_names_what_it_returned(answer):
    built = builder().add_conditional_edges("node", lambda state: answer)

    with pytest.raises(InvalidUpdateError, match=r"leads to .*, which is no node"):
        built.compile().invoke({"a": 0})


@pytest.mark.rule("RA.21", "R1.18")
def test_a_branch_that_returns_what_no_map_can_hold_is_a_missing_key():
    built = builder().add_conditional_edges("node", lambda state: [[]], {"x": "node"})

    with pytest.raises(KeyError, match=r"returned \[\], which its path_map"):
        built.compile().invoke({"a": 0})


@pytest.mark.rule("R1.27", "R5.22")
async def test_a_send_from_outside_keeps_its_timeout():
    seen = []

    async def waits(state: Any, runtime: Any) -> Any:
        seen.append(runtime.execution_info.node_attempt)
        await asyncio.sleep(60)

    built = builder().add_node("waits", waits)
    flow = built.add_edge("waits", END).compile(InMemorySaver())
    await flow.ainvoke({"a": 0}, CONFIG)

    with pytest.raises(NodeTimeoutError):
        await flow.ainvoke(Command(goto=Send("waits", {}, timeout=0.01)), CONFIG)
    assert seen == [1]


@pytest.mark.rule("RA.21", "R3.16")
def test_a_task_whose_limit_is_nonsense_leaves_no_context_behind():
    def sends(state: State) -> Any:
        send = Send("node", {"a": 1})
        send.timeout = "soon"  # type: ignore[assignment]
        return send

    built = builder().add_node("sends", sends).add_edge(START, "sends")

    with pytest.raises(ValueError, match="timeout must be a number"):
        built.compile().invoke({"a": 0})
    with pytest.raises(RuntimeError, match="outside a graph"):
        get_config()


@pytest.mark.rule("RA.21", "E.signatures")
@pytest.mark.parametrize(
    ("inputs", "config", "error", "says"),
    [
        (5, None, TypeError, "inputs is 5; give a list of inputs"),
        ("ab", None, TypeError, "inputs is 'ab'; give a list of inputs"),
        ({"a": 1}, None, TypeError, "inputs is {'a': 1}; give a list of inputs"),
        ([{}, {}], [CONFIG], ValueError, "2 inputs were given with 1 configs"),
        ([{}], (CONFIG, CONFIG), ValueError, "1 inputs were given with 2 configs"),
        ([{}], 5, TypeError, "a config is a dict, not 5"),
    ],
)
async def test_a_batch_of_nothing_is_refused(inputs, config, error, says):
    flow = graph()

    with pytest.raises(error, match=says):
        flow.batch(inputs, config)
    with pytest.raises(error, match=says):
        await flow.abatch(inputs, config)


@pytest.mark.rule("RA.21", "R5.7", "R5.9")
@pytest.mark.parametrize(
    ("options", "error", "says"),
    [
        ({"response_schema": 5}, TypeError, "response_schema is 5; give a class"),
        ({"response_schema": "Answer"}, TypeError, "is 'Answer'; give a class"),
        ({"key": 5}, TypeError, "key is 5; give a text of your own"),
        ({"key": []}, TypeError, r"key is \[\]; give a text of your own"),
        ({"key": ""}, ValueError, "key is ''; give a text"),
    ],
)
async def test_a_question_with_an_odd_schema_or_key_is_not_asked(options, error, says):
    def asks(state: State) -> Any:
        return {"a": interrupt("?", **options)}

    built = StateGraph(State).add_node("asks", asks).add_edge(START, "asks")
    flow = built.compile(InMemorySaver())

    with pytest.raises(error, match=says):
        flow.invoke({"a": 0}, CONFIG)
    with pytest.raises(error, match=says):
        await flow.ainvoke({"a": 0}, CONFIG)


@pytest.mark.rule("R5.9")
@pytest.mark.parametrize("schema", [int, int | None, list[int], Annotated[int, "x"]])
def test_whatever_can_annotate_an_answer_may_describe_it(schema):
    def asks(state: State) -> Any:
        return {"a": interrupt("?", response_schema=schema)}

    built = StateGraph(State).add_node("asks", asks).add_edge(START, "asks")
    flow = built.compile(InMemorySaver())
    answer: Any = [5] if schema == list[int] else 5

    flow.invoke({"a": 0}, CONFIG)
    assert flow.invoke(Command(resume=answer), CONFIG) == {"a": answer}
