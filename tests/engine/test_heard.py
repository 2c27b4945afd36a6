"""Runs that handlers of langchain-core hear of, where a program of both engines cannot show it (R9.10)."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from typing import Any

import pytest

from durableweb.callbacks import GraphCallbackHandler
from durableweb.checkpoint.memory import InMemorySaver
from durableweb.errors import NodeTimeoutError
from durableweb.func import task
from durableweb.graph import START, MessagesState, StateGraph
from workflows.engine.drivers import listeners

pytestmark = pytest.mark.rule("R9.10")
callbacks = pytest.importorskip("langchain_core.callbacks")
runnables = pytest.importorskip("langchain_core.runnables")
models = pytest.importorskip("langchain_core.language_models.fake_chat_models")
GIVEN: dict[str, Any] = {"messages": []}

UNLOADED = """
import sys
from durableweb.callbacks import GraphCallbackHandler
from durableweb.graph import START, MessagesState, StateGraph

built = StateGraph(MessagesState).add_node("n", lambda state: {}).add_edge(START, "n")
built.compile().invoke({"messages": []}, {"callbacks": [GraphCallbackHandler(), object()]})
assert "langchain_core" not in sys.modules
"""


EARLY = """
from langchain_core.callbacks import BaseCallbackHandler
from durableweb.graph import START, MessagesState, StateGraph

class Mine(BaseCallbackHandler):
    def on_chain_start(self, *args, name, **more):
        print(name)

built = StateGraph(MessagesState).add_node("n", lambda state: {}).add_edge(START, "n")
built.compile().invoke({"messages": []}, {"callbacks": [Mine()]})
"""


class Notes(callbacks.BaseCallbackHandler):  # type: ignore[misc, name-defined]
    """Notes the names of runs as they begin and end."""

    run_inline = True

    def __init__(self) -> None:
        self.names: dict[Any, str] = {}
        self.seen: list[Any] = []
        self.threads: set[int] = set()

    def on_chain_start(
        self, serialized: Any, inputs: Any, *, run_id: Any, name: str, **more: Any
    ) -> None:
        self.names[run_id] = name
        self.seen.append(("start", name))
        self.inputs = inputs
        self.threads.add(threading.get_ident())

    def on_chain_end(self, outputs: Any, *, run_id: Any, **more: Any) -> None:
        self.seen.append(("end", self.names[run_id]))

    def on_chain_error(self, error: Any, *, run_id: Any, **more: Any) -> None:
        self.seen.append((type(error).__name__, self.names[run_id]))


class OfModels(callbacks.BaseCallbackHandler):  # type: ignore[misc, name-defined]
    """Hears of models alone."""

    ignore_chain = True

    def __init__(self) -> None:
        self.above: list[Any] = []

    def on_chain_start(self, *args: Any, **more: Any) -> None:
        raise AssertionError("not asked for")

    def on_chat_model_start(
        self, serialized: Any, messages: Any, *, parent_run_id: Any = None, **more: Any
    ) -> None:
        self.above.append(parent_run_id)


def speaks(state: MessagesState) -> Any:
    return {"messages": models.FakeListChatModel(responses=["hi"]).invoke("x")}


def graph(node: Any = speaks, **options: Any) -> Any:
    built = StateGraph(MessagesState).add_node("n", node, **options)
    return built.add_edge(START, "n").compile()


WHOLE = [("start", "LangGraph"), ("start", "n"), ("end", "n"), ("end", "LangGraph")]


@pytest.fixture
def managers(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The managers that are made for graphs and nodes."""
    made: list[Any] = []
    make = listeners.Heard.manager

    def noted(self: Any, *args: Any) -> Any:
        made.append(make(self, *args))
        return made[-1]

    monkeypatch.setattr(listeners.Heard, "manager", noted)
    return made


def test_a_call_without_handlers_loads_nothing() -> None:
    done = subprocess.run(
        [sys.executable, "-c", UNLOADED], capture_output=True, text=True
    )

    assert done.returncode == 0, done.stderr


def test_a_handler_is_told_where_nothing_else_of_its_package_is_loaded() -> None:
    done = subprocess.run(
        [sys.executable, "-c", EARLY], capture_output=True, text=True, check=True
    )

    assert done.stdout.split() == ["LangGraph", "n"]


@pytest.mark.parametrize("handlers", [[], [OfModels()], [GraphCallbackHandler()]])
def test_nothing_is_made_where_nobody_hears_of_runs(
    handlers: list[Any], managers: list[Any]
) -> None:
    graph().invoke(GIVEN, {"callbacks": handlers})
    [*graph().stream(GIVEN, stream_mode="messages")]
    asyncio.run(graph().ainvoke(GIVEN, {"callbacks": handlers}))

    assert managers == []


def test_a_handler_of_models_hears_them_below_the_node_where_another_hears_runs() -> (
    None
):
    notes, mine = Notes(), OfModels()

    graph().invoke(GIVEN, {"callbacks": [notes, mine]})
    graph().invoke(GIVEN, {"callbacks": [mine]})

    assert notes.seen == WHOLE
    assert notes.names[mine.above[0]] == "n"
    assert mine.above[1] is None


def test_a_handler_is_found_around_the_call_in_a_thread_of_the_author() -> None:
    notes = Notes()

    def aside(given: Any) -> Any:
        return runnables.RunnableParallel(a=graph(), b=graph()).invoke(given)

    runnables.RunnableLambda(aside).invoke(GIVEN, {"callbacks": [notes]})

    assert notes.seen.count(("start", "n")) == 2
    assert notes.seen.count(("end", "LangGraph")) == 2


def test_a_collector_around_the_call_gets_the_graph() -> None:
    from langchain_core.tracers.context import collect_runs

    with collect_runs() as collected:
        graph().invoke(GIVEN)

    assert [each.name for each in collected.traced_runs] == ["LangGraph"]


@pytest.mark.parametrize("value", ["true", "no"])
def test_the_environment_says_whether_all_runs_are_traced(
    value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANGSMITH_TRACING", value)
    listeners._traces_all.cache_clear()

    try:
        assert listeners._traces_all() is (value == "true")
    finally:
        monkeypatch.undo()
        listeners._traces_all.cache_clear()


def test_handlers_of_other_kinds_are_left_alone() -> None:
    notes = Notes()

    graph().invoke(GIVEN, {"callbacks": [object(), GraphCallbackHandler(), notes]})

    assert notes.seen == WHOLE


def test_a_text_that_is_no_uuid_is_the_id_of_the_call_alone() -> None:
    notes = Notes()

    graph().invoke(GIVEN, {"callbacks": [notes], "run_id": "mine"})
    graph().invoke(GIVEN, {"callbacks": [notes], "run_id": "0" * 32})

    assert notes.seen == WHOLE + WHOLE
    assert sum(each.int == 0 for each in notes.names) == 1


def test_a_single_handler_is_taken() -> None:
    notes = Notes()

    graph().invoke(GIVEN, {"callbacks": notes})

    assert notes.seen == WHOLE


def test_a_run_that_is_cancelled_ends_all_that_it_has_told() -> None:
    notes = Notes()

    async def slow(state: Any) -> None:
        await asyncio.sleep(60)

    async def leave() -> None:
        config = {"callbacks": [notes]}
        await asyncio.wait_for(graph(slow).ainvoke(GIVEN, config), 0.05)

    with pytest.raises(TimeoutError):
        asyncio.run(leave())

    ended = [("CancelledError", "n"), ("CancelledError", "LangGraph")]
    assert notes.seen == [*WHOLE[:2], *ended]


def test_a_branch_that_is_cancelled_ends_before_its_node() -> None:
    notes = Notes()

    async def slow(state: Any) -> str:
        await asyncio.sleep(60)
        return "n"

    built = StateGraph(MessagesState).add_node("n", speaks).add_edge(START, "n")
    flow = built.add_conditional_edges("n", slow).compile()

    async def leave() -> None:
        await asyncio.wait_for(flow.ainvoke(GIVEN, {"callbacks": [notes]}), 0.2)

    with pytest.raises(TimeoutError):
        asyncio.run(leave())

    names = ["slow", "n", "LangGraph"]
    assert notes.seen[3:] == [("CancelledError", name) for name in names]


def test_an_attempt_whose_time_is_over_has_failed_of_it() -> None:
    notes = Notes()

    async def slow(state: Any) -> None:
        await asyncio.sleep(60)

    flow = graph(slow, timeout=0.05)
    with pytest.raises(NodeTimeoutError):
        asyncio.run(flow.ainvoke(GIVEN, {"callbacks": [notes]}))

    assert notes.seen[2] == ("NodeTimeoutError", "n")


def test_what_has_ended_is_kept_though_a_handler_is_still_being_told() -> None:
    calls: list[str] = []

    async def twice() -> None:
        ending = asyncio.Event()

        class Slow(callbacks.AsyncCallbackHandler):  # type: ignore[misc, name-defined]
            async def on_chain_end(self, *args: Any, **more: Any) -> None:
                ending.set()
                await asyncio.sleep(0.2)

        async def quick(state: MessagesState) -> None:
            calls.append("quick")

        async def bad(state: MessagesState) -> None:
            calls.append("bad")
            await ending.wait()
            if calls.count("bad") == 1:
                raise ValueError("no")

        built = StateGraph(MessagesState).add_node("quick", quick).add_node("bad", bad)
        built.add_edge(START, "quick").add_edge(START, "bad")
        flow = built.compile(checkpointer=InMemorySaver())
        config: Any = {"configurable": {"thread_id": "t"}, "callbacks": [Slow()]}
        with pytest.raises(ValueError, match="no"):
            await flow.ainvoke(GIVEN, config)
        await flow.ainvoke(None, config)

    asyncio.run(twice())

    assert sorted(calls) == ["bad", "bad", "quick"]


def test_a_handler_that_has_methods_of_streams_by_chance_is_not_asked() -> None:
    class Exports(Notes):
        def tap_output_aiter(self, run_id: Any, output: Any) -> Any:
            raise AssertionError("not asked for")

    notes = Exports()

    asyncio.run(graph().ainvoke(GIVEN, {"callbacks": [notes]}))

    assert notes.seen == WHOLE


def test_words_are_streamed_once_where_handlers_hear_too() -> None:
    def said(config: Any) -> list[Any]:
        stream = graph().stream(GIVEN, config, stream_mode="messages")
        return [part.content for part, _ in stream]

    assert said({"callbacks": [Notes()]}) == said(None) == ["h", "i"]


def test_a_call_that_does_not_fit_is_told_of_as_it_was_made() -> None:
    notes = Notes()

    @task
    def part(x: int) -> int:
        return x

    flow = graph(lambda state: part(1, y=2).result())
    with pytest.raises(TypeError, match="unexpected keyword"):
        flow.invoke(GIVEN, {"callbacks": [notes]})

    assert notes.inputs == {"args": (1,), "kwargs": {"y": 2}}
    assert ("TypeError", "part") in notes.seen


def test_a_run_that_is_gone_over_and_an_edit_tell_nobody() -> None:
    notes = Notes()
    flow = graph().with_saver(InMemorySaver())
    config: Any = {"configurable": {"thread_id": "t"}}
    flow.invoke(GIVEN, config)

    config["callbacks"] = [notes]
    flow.update_state(config, GIVEN)
    flow.get_state(config)

    assert notes.seen == []


def test_an_awaited_plain_graph_tells_on_its_own_thread() -> None:
    notes = Notes()

    asyncio.run(graph().ainvoke(GIVEN, {"callbacks": [notes]}))

    assert notes.threads == {threading.get_ident()}
