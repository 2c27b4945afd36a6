"""What a node of tools says to those who build with it, and what it does without a graph."""

from __future__ import annotations

import asyncio
import threading
from importlib import import_module
from importlib.util import find_spec
from typing import Annotated, Any

import pytest
from langchain_core.messages import AIMessage, ToolMessage
from langchain_core.tools import BaseTool, tool

from durableweb.checkpoint.memory import InMemorySaver
from durableweb.errors import LeaseLostError
from durableweb.graph import START, MessagesState, StateGraph
from durableweb.prebuilt import InjectedState, InjectedStore, ToolNode, ToolRuntime
from durableweb.prebuilt.tool_node import ToolCallRequest, ToolInvocationError
from durableweb.types import Command, Send, interrupt
from workflows.engine import absent

pytestmark = pytest.mark.rule("E.tools")


@tool
def add(a: int, b: int) -> int:
    """Add."""
    return a + b


def call(name: str, id: str = "c", **args: Any) -> dict[str, Any]:
    return {"name": name, "args": args, "id": id, "type": "tool_call"}


def asking(*calls: Any) -> dict[str, Any]:
    return {"messages": [AIMessage("", tool_calls=[*calls])]}


def said(result: Any) -> list[str]:
    return [message.content for message in result["messages"]]


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"handle_tool_errors": 3}, "handle_tool_errors"),
        ({"handle_tool_errors": (ValueError, "x")}, "handle_tool_errors"),
        ({"name": 1}, "name"),
        ({"messages_key": None}, "messages_key"),
        ({"wrap_tool_call": "no"}, "wrap_tool_call"),
        ({"awrap_tool_call": 1}, "awrap_tool_call"),
    ],
)
def test_what_is_no_setting_is_refused(given: Any, says: str) -> None:
    with pytest.raises(TypeError, match=says):
        ToolNode([add], **given)


def test_a_handler_of_what_is_no_exception_is_refused() -> None:
    def handler(error: int) -> str:
        return ""

    with pytest.raises(TypeError, match="exception classes"):
        ToolNode([add], handle_tool_errors=handler)


def test_two_tools_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="two tools of the name 'add'"):
        ToolNode([add, add])


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"messages": []}, "there are no messages"),
        ({"other": 1}, "there are no messages"),
        (
            {"messages": [ToolMessage("x", tool_call_id="c")]},
            "is no message of a model",
        ),
        ([], "there are no messages"),
    ],
)
def test_an_input_without_a_models_message_is_told(given: Any, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        ToolNode([add]).invoke(given)


def test_without_a_graph_tools_run_side_by_side() -> None:
    node = ToolNode([add])
    work = asking(call("add", a=1, b=2), call("add", "d", a=3, b=4))

    assert said(node.invoke(work)) == ["3", "7"]
    assert said(asyncio.run(node.ainvoke(work))) == ["3", "7"]
    assert [m.content for m in node.invoke(work["messages"])] == ["3", "7"]


def test_a_plain_function_is_a_tool() -> None:
    def shout(text: str) -> str:
        """Shout."""
        return text.upper()

    assert said(ToolNode([shout]).invoke(asking(call("shout", text="a")))) == ["A"]


def test_a_store_that_is_missing_is_told() -> None:
    @tool
    def keep(what: str, store: Annotated[Any, InjectedStore()]) -> str:
        """Keep."""
        return what

    with pytest.raises(ValueError, match="compile it with store"):
        ToolNode([keep], handle_tool_errors=True).invoke(asking(call("keep", what="x")))


def test_a_field_of_the_state_that_is_missing_is_told() -> None:
    @tool
    def feel(mood: Annotated[str, InjectedState("mood")]) -> str:
        """Feel."""
        return mood

    @tool
    def may_feel(mood: Annotated[str, InjectedState("mood")] = "fine") -> str:
        """Feel."""
        return mood

    with pytest.raises(ValueError, match="'mood' of the state"):
        ToolNode([feel]).invoke(asking(call("feel")))
    assert said(ToolNode([may_feel]).invoke(asking(call("may_feel")))) == ["fine"]


def test_a_parameter_that_is_marked_twice_is_refused() -> None:
    @tool
    def feel(
        mood: Annotated[str, InjectedState("mood"), InjectedState("other")],
    ) -> str:
        """Feel."""
        return mood

    with pytest.raises(ValueError, match="more than once"):
        ToolNode([feel])


def test_the_model_is_told_what_it_can_mend_and_nothing_else() -> None:
    @tool
    def look(what: int, state: Annotated[dict, InjectedState]) -> str:
        """Look."""
        return str(what)

    (text,) = said(ToolNode([look]).invoke(asking(call("look", what="x", state=1))))

    assert "what: Input should be a valid integer" in text
    assert "messages" not in text
    errors: list[ToolInvocationError] = []

    def handler(error: ToolInvocationError) -> str:
        errors.append(error)
        return "mend it"

    node = ToolNode([look], handle_tool_errors=handler)
    assert said(node.invoke(asking(call("look", what="x")))) == ["mend it"]
    assert (errors[0].tool_name, errors[0].tool_kwargs) == ("look", {"what": "x"})


@pytest.mark.parametrize(
    ("gives", "error", "says"),
    [
        ([1, 2], TypeError, "a list with others"),
        (Command(update=[]), ValueError, "give a dict with 'messages'"),
        (
            [ToolMessage("x", tool_call_id="c"), ToolMessage("y", tool_call_id="c")],
            ValueError,
            "with 2 answers",
        ),
    ],
)
def test_what_answers_no_call_is_told(gives: Any, error: Any, says: str) -> None:
    class Raw(type(add)):  # type: ignore[misc]
        def invoke(self, *given: Any, **more: Any) -> Any:
            return gives

    raw = Raw.from_function(lambda a: "", name="raw", description="Raw.")
    with pytest.raises(error, match=says):
        ToolNode([raw], handle_tool_errors=False).invoke(asking(call("raw", a=1)))


def test_sends_to_the_graph_above_leave_in_one_command() -> None:
    @tool
    def hand_on(to: str) -> Any:
        """Hand on."""
        return Command(graph=Command.PARENT, goto=[Send(to, 1)])

    StateGraph(MessagesState).add_node("x", lambda s: s).add_edge(START, "x").compile()
    work = asking(call("hand_on", to="a"), call("hand_on", "d", to="b"))

    (found,) = ToolNode([hand_on]).invoke(work)

    assert found.goto == [Send("a", 1), Send("b", 1)]


def test_what_stops_a_run_is_not_told_to_a_model() -> None:
    @tool
    def lose() -> str:
        """Lose the thread."""
        raise LeaseLostError("t", 1)

    with pytest.raises(LeaseLostError):
        ToolNode([lose], handle_tool_errors=True).invoke(asking(call("lose")))


def test_an_answer_that_does_not_fit_is_asked_for_again() -> None:
    @tool
    def pay(amount: int) -> str:
        """Pay."""
        return str(interrupt("pay?", response_schema=int))

    graph = StateGraph(MessagesState).add_node(ToolNode([pay], handle_tool_errors=True))
    g = graph.add_edge(START, "tools").compile(checkpointer=InMemorySaver())
    config = {"configurable": {"thread_id": "t"}}
    g.invoke(asking(call("pay", amount=1)), config)

    with pytest.raises(Exception, match="does not fit"):
        g.invoke(Command(resume="no number"), config)

    assert said(g.invoke(Command(resume=7), config))[-1] == "7"


def test_a_wrapper_may_bring_a_tool_or_answer_by_itself() -> None:
    def bring(request: ToolCallRequest, execute: Any) -> Any:
        if request.tool is None:
            return execute(request.override(tool=add))
        return ToolMessage("kept", tool_call_id=request.tool_call["id"])

    node = ToolNode([add], wrap_tool_call=bring)
    work = asking(call("plus", a=1, b=2), call("add", "d", a=1, b=2))
    assert said(node.invoke(work)) == ["3", "kept"]
    assert said(asyncio.run(node.ainvoke(work))) == ["3", "kept"]


def test_a_request_may_still_be_changed_in_place() -> None:
    def change(request: ToolCallRequest, execute: Any) -> Any:
        with pytest.warns(DeprecationWarning, match="override"):
            request.tool_call = {**request.tool_call, "args": {"a": 5, "b": 5}}
        return execute(request)

    node = ToolNode([add], wrap_tool_call=change)
    assert said(node.invoke(asking(call("add", a=1, b=2)))) == ["10"]


def test_memory_of_a_graph_below_is_kept_by_tool_not_by_turn() -> None:
    class Counted(MessagesState):
        n: int

    def count(state: Any) -> Any:
        return {"n": state.get("n", 0) + 1}

    def below(name: str) -> Any:
        graph = StateGraph(Counted).add_node("count", count).add_edge(START, "count")
        return graph.compile(checkpointer=True, name=name)

    first, second = below("first"), below("second")

    @tool
    def one(text: str) -> str:
        """One."""
        return str(first.invoke({"messages": []})["n"])

    @tool
    def other(text: str) -> str:
        """Other."""
        return str(second.invoke({"messages": []})["n"])

    graph = StateGraph(MessagesState).add_node(ToolNode([one, other]))
    g = graph.add_edge(START, "tools").compile(checkpointer=InMemorySaver())
    config = {"configurable": {"thread_id": "t"}}
    turns = [("one",), ("other", "one"), ("other",)]
    heard = []
    for turn in turns:
        calls = [call(name, f"c{at}", text="") for at, name in enumerate(turn)]
        heard.append(said(g.invoke(asking(*calls), config))[-len(turn) :])

    assert heard == [["1"], ["1", "2"], ["2"]]


def test_blocking_tools_of_an_awaited_node_run_in_threads_of_the_engine() -> None:
    @tool
    def where(text: str) -> str:
        """Where."""
        return threading.current_thread().name

    @tool
    async def on_loop(text: str) -> str:
        """Where."""
        return threading.current_thread().name

    class Own(BaseTool):
        name: str = "own"
        description: str = "Own."

        def _run(self, text: str) -> str:
            return threading.current_thread().name

        async def _arun(self, text: str) -> str:
            return "its own"

    class Plain(Own):
        name: str = "plain"
        _arun = BaseTool._arun

    names = ("where", "on_loop", "own", "plain")
    calls = [call(name, name, text="") for name in names]
    node = ToolNode([where, on_loop, Own(), Plain()])

    found = said(asyncio.run(node.ainvoke(asking(*calls))))

    assert found[1:3] == [threading.current_thread().name, "its own"]
    assert all(found[at].startswith("durableweb-task") for at in (0, 3))


def test_its_names_say_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    def without(name: str) -> Any:
        return None if name == "langchain_core" else find_spec(name)

    monkeypatch.setattr(absent, "find_spec", without)
    face = import_module("durableweb.prebuilt")

    with pytest.raises(ImportError, match="pip install langchain-core"):
        _ = face.ToolNode


def test_a_runtime_made_by_hand_has_a_writer_that_nobody_reads() -> None:
    runtime: ToolRuntime[None, Any] = ToolRuntime(state={}, context=None, config={})

    runtime.stream_writer("x")
    runtime.emit_output_delta("x")
    assert runtime.tools == []
