"""The messages of langchain_core come back as they were, in a process that has met none of them."""

from __future__ import annotations

import importlib.util
from importlib import import_module
from typing import Any

import pytest

from durableweb.checkpoint.memory import InMemorySaver
from durableweb.graph import START, MessagesState, StateGraph
from tests.conftest import cannot_run
from workflows.engine import serde

pytestmark = pytest.mark.rule("R10.1", "R10.5")

CALL = {"name": "n", "args": {"x": (1,)}, "id": "c", "type": "tool_call"}
PIECE = {"name": "n", "args": "{", "id": "c", "index": 0, "type": "tool_call_chunk"}
MESSAGES: list[tuple[str, dict[str, Any]]] = [
    ("HumanMessage", {"content": "hi", "id": "1"}),
    ("HumanMessage", {"content": [{"type": "text", "text": "hi"}]}),
    ("AIMessage", {"content": "", "tool_calls": [CALL]}),
    ("AIMessageChunk", {"content": "a", "tool_call_chunks": [PIECE]}),
    ("SystemMessage", {"content": "be kind", "additional_kwargs": {"a": {1, 2}}}),
    ("ToolMessage", {"content": "r", "tool_call_id": "c", "artifact": (1,)}),
    ("RemoveMessage", {"id": "1"}),
    ("ChatMessage", {"content": "c", "role": "critic"}),
    ("FunctionMessage", {"content": "f", "name": "f"}),
    ("HumanMessageChunk", {"content": "h"}),
    ("SystemMessageChunk", {"content": "s"}),
    ("ToolMessageChunk", {"content": "t", "tool_call_id": "c"}),
    ("ChatMessageChunk", {"content": "c", "role": "critic"}),
    ("FunctionMessageChunk", {"content": "f", "name": "f"}),
]


@pytest.fixture(scope="module")
def messages() -> Any:
    if importlib.util.find_spec("langchain_core") is None:
        cannot_run("the package langchain-core is not installed")
    return import_module("langchain_core.messages")


@pytest.mark.parametrize(("name", "parts"), MESSAGES)
def test_a_message_comes_back_equal_and_of_its_class(messages, name, parts):
    message = getattr(messages, name)(**parts)

    text = serde.Serde().dumps([message])
    again = serde.Serde().loads(text)

    assert again == [message]
    assert type(again[0]) is type(message)
    assert f'"langchain_core:{name}"' in text
    assert serde.canonical(again) == serde.canonical([message])


@pytest.mark.rule("R10.2")
def test_the_text_of_a_message_is_kept_as_text(messages):
    text = messages.AIMessage("hi").text
    plain = {"a": "hi", "b": ["hi"], "hi": 1}

    for given in ({"a": text, "b": [text], text: 1}, {"a": "hi", "b": [text], text: 1}):
        again = serde.loads(serde.dumps(given))
        assert again == plain
        assert {type(each) for each in [again["a"], *again["b"], *again]} == {str}
        assert serde.canonical(given) == serde.canonical(plain)
    assert serde.loads(serde.dumps({text: 1, 2: text})) == {"hi": 1, 2: "hi"}


def test_every_class_of_messages_has_its_tag(messages):
    there = {
        name
        for name in messages.__all__
        if isinstance(cls := getattr(messages, name), type)
        and issubclass(cls, messages.BaseMessage)
    }

    assert there - {"BaseMessage", "BaseMessageChunk"} == {name for name, _ in MESSAGES}


def test_they_live_in_a_state_of_messages(messages):
    def answer(state: Any) -> Any:
        return {"messages": [messages.AIMessage("hello", id="2")]}

    graph = StateGraph(MessagesState).add_node(answer).add_edge(START, "answer")
    saver = InMemorySaver()
    flow = graph.compile(saver)
    config: Any = {"configurable": {"thread_id": "t"}}

    flow.invoke({"messages": [messages.HumanMessage("hi", id="1")]}, config)

    assert flow.get_state(config).values["messages"] == [
        messages.HumanMessage("hi", id="1"),
        messages.AIMessage("hello", id="2"),
    ]
