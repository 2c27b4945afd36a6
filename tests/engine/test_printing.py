"""What `print_mode` and `debug` write to the standard output on the way (R9.1)."""

from typing import TypedDict

import pytest

from durableweb.graph import START, StateGraph

pytestmark = pytest.mark.rule("R9.1")


class State(TypedDict, total=False):
    a: int


def add(state: State) -> State:
    return {"a": state["a"] + 1}


@pytest.fixture
def graph():
    return StateGraph(State).add_node(add).add_edge(START, "add").compile()


VALUES = "[values] {'a': 1}\n[values] {'a': 2}\n"
BOTH = "[values] {'a': 1}\n[updates] {'add': {'a': 2}}\n[values] {'a': 2}\n"


def test_printing_changes_nothing_in_what_is_returned(graph, capsys):
    assert graph.invoke({"a": 1}, print_mode="values") == {"a": 2}
    assert capsys.readouterr().out == VALUES


async def test_an_awaited_run_prints_too(graph, capsys):
    assert await graph.ainvoke({"a": 1}, print_mode=["values"]) == {"a": 2}
    assert capsys.readouterr().out == VALUES


def test_a_stream_hands_out_its_own_modes_only(graph, capsys):
    chunks = [*graph.stream({"a": 1}, print_mode="values")]

    assert chunks == [{"add": {"a": 2}}]
    assert capsys.readouterr().out == VALUES


def test_debug_prints_values_and_updates(graph, capsys):
    graph.invoke({"a": 1}, debug=True)
    assert capsys.readouterr().out == BOTH


def test_a_graph_compiled_for_debugging_prints_unless_told_not_to(graph, capsys):
    loud = graph.builder.compile(debug=True)

    loud.invoke({"a": 1})
    [*loud.stream({"a": 1}, debug=False)]

    assert capsys.readouterr().out == BOTH


def test_a_chunk_from_below_says_where_it_comes_from(graph, capsys):
    outer = StateGraph(State).add_node("sub", graph).add_edge(START, "sub").compile()

    [*outer.stream({"a": 1}, print_mode="updates", subgraphs=True)]

    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith("[updates] [graph=('sub:")
    assert second == "[updates] {'sub': {'a': 2}}"


@pytest.mark.parametrize("options", [{"print_mode": "valus"}, {"version": "v3"}])
def test_an_unknown_word_is_refused(graph, options):
    with pytest.raises(ValueError, match="choose from"):
        graph.invoke({"a": 1}, **options)
