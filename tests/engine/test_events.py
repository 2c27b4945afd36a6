"""Streams of events that are left, or read side by side (E.chains)."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from durableweb.graph import START, MessagesState, StateGraph

pytestmark = pytest.mark.rule("E.chains")
callbacks = pytest.importorskip("langchain_core.callbacks")
models = pytest.importorskip("langchain_core.language_models.fake_chat_models")
GIVEN: dict[str, Any] = {"messages": []}


class Open(callbacks.BaseCallbackHandler):  # type: ignore[misc, name-defined]
    """Knows the runs that have begun and not ended."""

    run_inline = True

    def __init__(self) -> None:
        self.runs: set[Any] = set()
        self.begun = 0

    def on_chain_start(self, *args: Any, run_id: Any, **more: Any) -> None:
        self.runs.add(run_id)
        self.begun += 1

    def on_chain_end(self, outputs: Any, *, run_id: Any, **more: Any) -> None:
        self.runs.remove(run_id)

    def on_chain_error(self, error: Any, *, run_id: Any, **more: Any) -> None:
        self.runs.remove(run_id)


def graph() -> Any:
    async def speaks(state: MessagesState) -> Any:
        model = models.FakeListChatModel(responses=["hi"])
        return {"messages": await model.ainvoke("x")}

    built = StateGraph(MessagesState).add_node("n", speaks)
    return built.add_edge(START, "n").compile()


def test_events_that_are_left_end_their_runs() -> None:
    mine = Open()

    async def leave() -> None:
        stream = graph().astream_events(GIVEN, {"callbacks": [mine]})
        async for each in stream:
            if each["event"] == "on_chat_model_start":
                break
        await stream.aclose()

    asyncio.run(leave())

    assert mine.begun == 2
    assert mine.runs == set()


def test_two_streams_of_one_graph_are_told_apart() -> None:
    async def both() -> Any:
        async def read() -> list[Any]:
            return [each async for each in graph().astream_events(GIVEN)]

        return await asyncio.gather(read(), read())

    one, other = asyncio.run(both())

    assert len(one) == len(other)
    assert not {each["run_id"] for each in one} & {each["run_id"] for each in other}
