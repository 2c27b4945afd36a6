"""Handlers that langchain-core's models tell of themselves, where a program of both engines cannot show it."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest

from durableweb.callbacks import GraphCallbackHandler
from durableweb.graph import START, MessagesState, StateGraph
from workflows.engine.config import merge_configs

pytestmark = pytest.mark.rule("R9.9")
models = pytest.importorskip("langchain_core.language_models.fake_chat_models")
runnables = pytest.importorskip("langchain_core.runnables")


def graph() -> Any:
    def node(state: MessagesState) -> Any:
        return {"messages": models.FakeListChatModel(responses=["hi"]).invoke("x")}

    return StateGraph(MessagesState).add_node("n", node).add_edge(START, "n").compile()


def test_a_model_finds_nothing_to_complain_of_in_a_handler_of_pauses(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.WARNING):
        graph().invoke({"messages": []}, {"callbacks": [GraphCallbackHandler()]})

    assert caplog.records == []


def test_what_a_call_has_offered_is_taken_back() -> None:
    from langchain_core.runnables.config import var_child_runnable_config

    graph().invoke({"messages": []}, {"callbacks": [GraphCallbackHandler()]})

    assert var_child_runnable_config.get() is None


def test_a_handler_that_two_configs_have_is_told_once() -> None:
    mine, other = GraphCallbackHandler(), GraphCallbackHandler()

    merged = merge_configs({"callbacks": [mine]}, {"callbacks": [mine, other]})
    single = merge_configs({"callbacks": mine}, {"callbacks": [other]})

    assert merged["callbacks"] == [mine, other]
    assert single["callbacks"] == [mine, other]


def test_a_handler_of_pauses_is_taken_by_an_awaited_chain() -> None:
    chain = runnables.RunnableLambda(lambda given: given) | graph()

    config = {"callbacks": [GraphCallbackHandler()]}
    done = asyncio.run(chain.ainvoke({"messages": []}, config))

    assert len(done["messages"]) == 1
