"""A graph where langchain-core is missing, not loaded yet, or loaded later than the graph (E.chains)."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from durableweb.graph import START, MessagesState, StateGraph
from workflows.engine import chaining
from workflows.engine.errors import FeatureNotBuiltError

pytestmark = pytest.mark.rule("E.chains")
core = pytest.importorskip("langchain_core.runnables")

LATE = """
import sys
from durableweb.graph import START, MessagesState, StateGraph

built = StateGraph(MessagesState).add_node("n", lambda state: {}).add_edge(START, "n")
early = built.compile()
early.invoke({"messages": []}, {"tags": ["t"]})
assert early.get_name() == "LangGraph"
assert "langchain_core" not in sys.modules

from langchain_core.runnables import Runnable, RunnableLambda

given = RunnableLambda(lambda value: {"messages": []})
assert not isinstance(early, Runnable)
built.compile()
assert isinstance(early, Runnable)
assert (given | early).invoke(1) == {"messages": []}
"""
LOADS = """
import sys
from durableweb.graph import START, MessagesState, StateGraph

built = StateGraph(MessagesState).add_node("n", lambda state: {}).add_edge(START, "n")
chain = built.compile() | len
assert "langchain_core" in sys.modules
assert chain.invoke({"messages": []}) == 1
"""


def graph() -> Any:
    built = StateGraph(MessagesState).add_node("n", lambda state: {})
    return built.add_edge(START, "n").compile(name="flow")


@pytest.fixture
def missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chaining, "find_spec", lambda name: None)
    monkeypatch.delitem(sys.modules, "langchain_core.runnables.base", raising=False)


@pytest.mark.parametrize("program", [LATE, LOADS])
def test_langchain_core_is_imported_by_who_makes_a_chain(program: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
    )

    assert done.returncode == 0, done.stderr


@pytest.mark.usefixtures("missing")
def test_without_langchain_core_a_graph_is_no_link() -> None:
    flow = graph()

    assert flow.get_name("input") == "flow_input"
    assert flow.invoke({"messages": []}) == {"messages": []}
    assert not hasattr(flow, "with_retry")
    with pytest.raises(
        AttributeError, match="graph 'flow' has 'pipe' from langchain-core"
    ):
        flow.pipe(len)
    for name in ("astream_events", "stream_events", "astream_log", "with_listeners"):
        with pytest.raises(AttributeError, match=f"'{name}' from langchain-core"):
            getattr(flow, name)
    with pytest.raises(TypeError, match="unsupported operand"):
        flow | len
    with pytest.raises(TypeError, match="unsupported operand"):
        len | flow


def test_what_is_no_link_is_refused_as_in_every_chain() -> None:
    with pytest.raises(TypeError, match="Expected a Runnable"):
        graph() | 5


@pytest.mark.parametrize("name", ["stream_events", "astream_events"])
def test_a_stream_of_events_says_what_to_read_where_it_is_not_there(name: str) -> None:
    with pytest.raises(FeatureNotBuiltError, match=f"{name} of graph 'flow' .* 'v3'"):
        getattr(graph(), name)({"messages": []}, version="v3")
    with pytest.raises(FeatureNotBuiltError, match=r"astream_events\(version='v2'\)"):
        graph().stream_events({"messages": []})


def test_a_method_belongs_to_the_class_until_a_graph_asks_for_it() -> None:
    kind = type(graph())

    assert kind.pipe is kind.pipe
    assert kind.astream_events is kind.astream_events
    assert graph().pipe is not kind.pipe
