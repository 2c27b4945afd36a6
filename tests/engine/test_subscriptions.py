"""Nodes that subscribe to channels: what is refused and with which words, how they are drawn and described."""

from __future__ import annotations

import logging
import operator
from typing import Any, TypedDict

import pytest

from durableweb.channels import (
    BinaryOperatorAggregate,
    EphemeralValue,
    LastValue,
    Topic,
)
from durableweb.checkpoint.memory import InMemorySaver
from durableweb.errors import InvalidUpdateError
from durableweb.graph import START, StateGraph
from durableweb.pregel import ChannelWriteEntry, NodeBuilder, Pregel
from durableweb.types import Command, Send, interrupt


class State(TypedDict, total=False):
    a: int
    b: int


CONFIG: dict[str, Any] = {"configurable": {"thread_id": "t"}}


def copies() -> NodeBuilder:
    return NodeBuilder().subscribe_only("a").write_to("b")


def made(nodes: Any = None, **more: Any) -> Pregel:
    channels = {"a": LastValue(int), "b": LastValue(int)}
    given = {"channels": channels, "input_channels": "a", "output_channels": "b"}
    return Pregel(nodes={"n": copies()} if nodes is None else nodes, **(given | more))


REFUSED: list[tuple[Any, str]] = [
    (lambda: made(5), "nodes is 5; give a dict of nodes by name"),
    (lambda: made({"n": "x"}), "node 'n' is 'x'; give a NodeBuilder"),
    (lambda: made({5: copies()}), "a node's name is 5; give a text"),
    (lambda: made({"a:b": copies()}), "cannot be called 'a:b'; that name is reserved"),
    (lambda: made({}), r"no node subscribes to an input channel \(a\)"),
    (lambda: made(channels={"a": 5}), "channel 'a' is 5; give a channel such as"),
    (lambda: made(channels=None), "reads channel 'a', which is not there"),
    (
        lambda: made({"n": NodeBuilder().subscribe_to("a", "z")}),
        "node 'n' reads channel 'z', which is not there; there are 'a', 'b'",
    ),
    (
        lambda: made({"n": NodeBuilder().subscribe_to("z", read=False)}),
        "node 'n' subscribes to channel 'z', which is not there",
    ),
    (lambda: made(input_channels=5), "input_channels is 5; give a channel's name"),
    (lambda: made(output_channels=["b", 5]), "a name in output_channels is 5"),
    (lambda: made(stream_channels="z"), "stream_channels names channel 'z'"),
    (lambda: made(interrupt_before_nodes=["z"]), "interrupt_before_nodes names 'z'"),
    (lambda: made(store=5), "Pregel: store is 5; give a store"),
    (lambda: made(cache=5), "Pregel: cache is 5; give a cache"),
    (lambda: made(checkpointer=5), "checkpointer must be a saver"),
    (lambda: made(name=5), "Pregel: name is 5; give a text"),
    (lambda: made(retry_policy=5), "Pregel: retry_policy is 5; give a RetryPolicy"),
    (lambda: made(cache_policy=5), "Pregel: cache_policy is 5; give a CachePolicy"),
    (lambda: made(ghost=5), "unexpected keyword argument 'ghost'"),
    (lambda: NodeBuilder().subscribe_only(5), "channel is 5; give a channel's name"),  # type: ignore[arg-type]
    (lambda: NodeBuilder().subscribe_to("a", 5), "a channel is 5; give a channel"),  # type: ignore[arg-type]
    (lambda: copies().subscribe_only("b"), "reads 'a' already; use subscribe_to"),
    (lambda: copies().subscribe_to("b"), "reads the one channel 'a'"),
    (lambda: copies().read_from("b"), "reads the one channel 'a'"),
    (lambda: copies().do(5), "node is 5; give a function"),
    (lambda: copies().write_to(5), "a channel is 5; give a channel's name"),  # type: ignore[arg-type]
    (lambda: copies().meta(5), "a tag is 5; give a text"),  # type: ignore[arg-type]
    (lambda: copies().add_retry_policies(5), "add_retry_policies: retry_policy"),  # type: ignore[arg-type]
    (lambda: copies().add_cache_policy(5), "cache_policy is 5; give a CachePolicy"),  # type: ignore[arg-type]
    (lambda: copies().set_timeout(0), "set_timeout: timeout must be more than 0"),
    (
        lambda: made({"n": copies().do(lambda x: x).set_timeout(5)}),
        "node 'n' has a timeout but is a plain function",
    ),
    (
        lambda: made({"n": copies().do(lambda x, y: x)}),
        "node 'n': parameter 'y' is filled by nothing",
    ),
]


@pytest.mark.rule("R1.49", "R1.50")
@pytest.mark.parametrize(("make", "text"), REFUSED)
def test_what_does_not_fit_is_refused_where_it_is_given(make: Any, text: str) -> None:
    with pytest.raises((TypeError, ValueError), match=text):
        make()


@pytest.mark.rule("R1.50")
def test_a_generator_function_is_refused() -> None:
    def each(x: int) -> Any:
        yield x

    with pytest.raises(TypeError, match="is a generator function; return a value"):
        NodeBuilder().do(each)


@pytest.mark.rule("R1.50")
def test_later_calls_of_a_builder_do_not_reach_what_is_built() -> None:
    builder = copies()
    graph = made({"n": builder})

    builder.do(lambda x: x + 1).write_to("a")

    assert graph.invoke(1) == 1


@pytest.mark.rule("R1.50")
def test_a_channel_that_is_not_there_is_told_of_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    graph = made({"n": copies().write_to("ghost")})

    with caplog.at_level(logging.WARNING, "durableweb.engine"):
        assert [graph.invoke(1), graph.invoke(2)] == [1, 2]

    assert [each.message for each in caplog.records] == [
        "node 'n' of graph 'LangGraph' wrote to channel 'ghost', which is not there; it is dropped"
    ]


@pytest.mark.rule("R1.49")
def test_an_input_says_what_it_has_to_be() -> None:
    graph = made(input_channels=["a"], name="copies")

    with pytest.raises(TypeError, match="graph 'copies': the input is 5; give a dict"):
        graph.invoke(5)


@pytest.mark.rule("R1.49")
def test_a_reducer_that_nobody_wrote_to_calls_nobody() -> None:
    """Differs from LangGraph, which runs such a node once, after a step that wrote nothing."""
    nodes = {
        "quiet": NodeBuilder().subscribe_only("a").do(lambda x: None),
        "sums": NodeBuilder().subscribe_only("total").write_to("b"),
    }
    total = BinaryOperatorAggregate(int, operator.add)
    channels = {"a": LastValue(int), "b": LastValue(int), "total": total}
    graph = made(nodes, channels=channels)

    assert graph.invoke(1) is None


@pytest.mark.rule("R1.49", "R5.22")
def test_goto_from_outside_runs_the_node_it_names() -> None:
    """Differs from LangGraph, which drops the name."""
    graph = made(checkpointer=InMemorySaver())
    graph.invoke(1, CONFIG)
    graph.update_state(CONFIG, None, as_node="__end__")

    chunks = list(graph.stream(Command(goto="n"), CONFIG, stream_mode="updates"))

    assert chunks == [{"n": {"b": 1}}]


@pytest.mark.rule("R1.49", "R6.10")
def test_an_update_keeps_what_has_finished_beside_a_question() -> None:
    """Differs from LangGraph, which runs the finished node again."""
    ran = []

    def works(x: int) -> int:
        ran.append(x)
        return x

    nodes = {
        "asks": NodeBuilder().subscribe_only("a").do(interrupt).write_to("b"),
        "works": NodeBuilder().subscribe_only("a").do(works).write_to("c"),
        "after": NodeBuilder().subscribe_only("c").write_to("d"),
    }
    graph = made(
        nodes,
        channels={key: LastValue(int) for key in "abcd"},
        output_channels=["b", "c", "d"],
        checkpointer=InMemorySaver(),
    )
    asked = graph.invoke(1, CONFIG)["__interrupt__"][0]

    graph.update_state(CONFIG, 5, as_node="after")
    state = graph.get_state(CONFIG)

    assert state.next == ("asks", "after")
    assert [each.id for each in state.interrupts] == [asked.id]
    done = graph.invoke(Command(resume=7), CONFIG)
    assert (done, ran) == ({"b": 7, "c": 1, "d": 1}, [1])


@pytest.mark.rule("R1.49")
def test_after_an_input_an_update_says_as_which_node() -> None:
    nodes = {"one": copies(), "two": NodeBuilder().subscribe_only("b")}
    graph = made(nodes, checkpointer=InMemorySaver())
    graph.invoke(1, CONFIG)
    graph.invoke(2, CONFIG, interrupt_before=["one"])

    with pytest.raises(
        InvalidUpdateError, match=r"no node has written yet; .* as_node="
    ):
        graph.update_state(CONFIG, 5)


@pytest.mark.rule("R1.50")
def test_a_command_for_the_graph_above_goes_there() -> None:
    """Differs from LangGraph, which writes it to the channel."""
    up: Command[Any] = Command(graph=Command.PARENT, update={"b": 5})
    inner = made(
        {"n": NodeBuilder().subscribe_only("a").do(lambda x: up).write_to("b")},
        input_channels=["a"],
    )
    around = StateGraph(State).add_node("inner", inner).add_edge(START, "inner")

    assert around.compile().invoke({"a": 1}) == {"a": 1, "b": 5}


@pytest.mark.rule("R1.50")
def test_a_command_is_a_value_like_any_other() -> None:
    command: Command[Any] = Command(update={"b": 5})
    graph = made({"n": copies().do(lambda x: command)})

    assert graph.invoke(1) is command


@pytest.mark.rule("R1.49")
def test_a_graph_of_subscriptions_is_a_pregel_as_others_are() -> None:
    graph = made()

    assert isinstance(graph, Pregel)
    assert [*graph.nodes] == ["n"]
    assert graph.nodes["n"].invoke(5) == 5
    assert [*graph.channels] == ["a", "b"]
    assert (graph.input_channels, graph.output_channels) == ("a", "b")
    assert graph.stream_mode == "values"
    assert graph.validate() is graph


@pytest.mark.rule("R1.49")
def test_what_is_said_from_outside_names_channels() -> None:
    graph = made(checkpointer=InMemorySaver())

    with pytest.raises(InvalidUpdateError, match=r"gave str .wrong.*; give a dict by"):
        graph.invoke(Command(update="wrong"), CONFIG)


@pytest.mark.rule("R1.49", "RB.12")
def test_another_subscription_is_other_code(caplog: pytest.LogCaptureFixture) -> None:
    one = made()
    other = made({"n": NodeBuilder().subscribe_to("a", "b").do(sum).write_to("b")})

    stamps = [
        str(graph.program.identity.stamp(graph.program)) for graph in (one, other)
    ]

    assert stamps[0] != stamps[1]


@pytest.mark.rule("R1.45", "R1.49")
def test_it_is_drawn_from_who_writes_to_who_subscribes() -> None:
    below = StateGraph(dict).add_node("x", lambda state: state).add_edge(START, "x")
    skips = ChannelWriteEntry("a", skip_none=True)
    nodes = {
        "one": NodeBuilder().subscribe_only("a").write_to("b", skips, Send("last", 1)),
        "two": NodeBuilder().subscribe_only("b").do(below.compile()).write_to("c"),
        "last": NodeBuilder().subscribe_to("c", "b").meta(why="so"),
    }
    graph = made(
        nodes,
        channels={key: LastValue(dict) for key in "abc"},
        interrupt_before_nodes=["last"],
    )

    drawn = graph.get_graph()

    assert drawn.draw_mermaid(with_styles=False) == (
        "graph TD;\n"
        "\t__start__ --> one;\n"
        "\tone --> two;\n"
        "\tone --> last;\n"
        "\tone -.-> one;\n"
        "\tone -.-> last;\n"
        "\ttwo --> last;\n"
        "\tlast --> __end__;\n"
    )
    assert drawn.nodes["last"].metadata == {"why": "so", "__interrupt": "before"}
    assert "two:x" in graph.get_graph(xray=True).nodes


@pytest.mark.rule("R1.47", "R1.49")
def test_it_describes_what_goes_in_and_comes_out() -> None:
    one = made()
    many = made(
        input_channels=["a"],
        output_channels=["b", "c"],
        channels={"a": Topic(int), "b": Topic("int"), "c": EphemeralValue(str)},
        name="Many",
    )

    assert one.get_input_jsonschema() == {"title": "LangGraphInput", "type": "integer"}
    found = many.get_input_jsonschema()
    assert (found["title"], found["type"]) == ("ManyInput", "object")
    assert found["properties"]["a"]["default"] is None
    assert "required" not in found
    named = made(
        channels={"a": LastValue("Ghost"), "b": LastValue(int)}, input_channels=["a"]
    )
    assert [*named.get_input_jsonschema()["properties"]] == ["a"]
    assert [*many.get_output_jsonschema()["properties"]] == ["b", "c"]


@pytest.mark.rule("E.former")
def test_the_context_may_be_named_as_it_was() -> None:
    with pytest.warns(DeprecationWarning, match="config_type=.* write context_schema="):
        graph = made(config_type=dict)

    assert graph.context_schema is dict
