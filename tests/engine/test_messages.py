"""R2.18: messages are put in place by id."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from workflows.engine import ids, serde
from workflows.engine.graph import core_messages
from workflows.engine.graph.message import (
    REMOVE_ALL_MESSAGES,
    AIMessage,
    FunctionMessage,
    HumanMessage,
    MessagesState,
    RemoveMessage,
    SystemMessage,
    ToolMessage,
    add_messages,
)

pytestmark = pytest.mark.rule("R2.18")


@pytest.fixture
def without_langchain(monkeypatch):
    monkeypatch.setattr(core_messages, "is_installed", lambda: False)


def texts(messages):
    return [message.content for message in messages]


def test_a_new_id_is_appended_and_the_same_id_replaced_in_place():
    left = [HumanMessage("a", id="1"), AIMessage("b", id="2")]

    merged = add_messages(left, [HumanMessage("A", id="1"), AIMessage("c", id="3")])

    assert texts(merged) == ["A", "b", "c"]
    assert texts(left) == ["a", "b"]


def test_messages_that_stay_are_the_same_objects():
    left = [HumanMessage("a", id="1"), AIMessage("b", id="2")]

    merged = add_messages(left, HumanMessage("c"))

    assert merged[0] is left[0]
    assert merged[1] is left[1]


def test_missing_ids_are_made_and_differ():
    merged = add_messages([], [HumanMessage("a"), HumanMessage("a")])

    assert merged[0].id
    assert merged[0].id != merged[1].id
    assert add_messages(merged, [])[0].id == merged[0].id


def test_made_ids_can_be_set_by_a_test(monkeypatch):
    monkeypatch.setattr(ids, "entropy", lambda bits: 1)

    assert add_messages([], "a")[0].id == add_messages([], "a")[0].id


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("hi", HumanMessage("hi")),
        (("user", "hi"), HumanMessage("hi")),
        ([("ai", "x")], AIMessage("x")),
        ([["assistant", "x"]], AIMessage("x")),
        ([("system", "x")], SystemMessage("x")),
        (
            {"role": "developer", "content": "x"},
            SystemMessage("x", additional_kwargs={"__openai_role__": "developer"}),
        ),
        ({"type": "human", "content": "x"}, HumanMessage("x")),
        (
            {"role": "function", "name": "f", "content": "x"},
            FunctionMessage("x", name="f"),
        ),
        (
            {"role": "tool", "content": "x", "tool_call_id": "c"},
            ToolMessage("x", tool_call_id="c"),
        ),
        (
            {"role": "user", "content": [{"type": "text", "text": "x"}]},
            HumanMessage([{"type": "text", "text": "x"}]),
        ),
        (
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [
                    {"id": "c", "function": {"name": "f", "arguments": '{"a": 1}'}}
                ],
            },
            AIMessage(
                "",
                tool_calls=[
                    {"name": "f", "args": {"a": 1}, "id": "c", "type": "tool_call"}
                ],
            ),
        ),
        (
            {"role": "user", "content": "x", "mood": "good"},
            HumanMessage("x", additional_kwargs={"mood": "good"}),
        ),
    ],
)
def test_texts_pairs_and_dicts_become_messages(given, expected, without_langchain):
    (message,) = add_messages([], given)
    expected.id = message.id

    assert message == expected
    assert type(message) is type(expected)


def test_a_bare_list_of_texts_is_a_list_of_messages():
    assert texts(add_messages("a", ["user", "x"])) == ["a", "user", "x"]


def test_the_later_of_two_equal_ids_wins():
    right = [HumanMessage("b", id="1"), HumanMessage("c", id="1")]

    assert texts(add_messages([HumanMessage("a", id="1")], right)) == ["c"]
    assert texts(add_messages([], right)) == ["c"]


def test_a_removal_takes_the_message_out():
    left = [HumanMessage("a", id="1"), HumanMessage("b", id="2")]

    assert texts(add_messages(left, RemoveMessage("1"))) == ["b"]
    assert texts(
        add_messages(left, [HumanMessage("z", id="1"), RemoveMessage(id="1")])
    ) == ["b"]


def test_a_removal_followed_by_the_same_id_replaces_in_place():
    left = [HumanMessage("a", id="1"), HumanMessage("b", id="2")]

    merged = add_messages(left, [RemoveMessage("1"), HumanMessage("z", id="1")])

    assert texts(merged) == ["z", "b"]


def test_removing_what_is_not_there_is_an_error():
    with pytest.raises(ValueError, match="'9'"):
        add_messages([HumanMessage("a", id="1")], [RemoveMessage("9")])


def test_remove_all_drops_everything_before_it_on_both_sides():
    left = [HumanMessage("a", id="1")]
    right = [
        HumanMessage("n", id="2"),
        RemoveMessage(REMOVE_ALL_MESSAGES),
        HumanMessage("q", id="3"),
    ]

    assert texts(add_messages(left, right)) == ["q"]
    assert add_messages(left, [RemoveMessage(id=REMOVE_ALL_MESSAGES)]) == []


def test_any_object_with_id_type_and_content_is_a_message():
    @dataclass
    class Note:
        content: str
        id: str | None = None
        type: str = "note"

    note = Note("x")

    merged = add_messages([], [note, "y"])

    assert merged[0] is note
    assert note.id


@pytest.mark.parametrize(
    ("right", "error"),
    [
        (5, NotImplementedError),
        ([5], NotImplementedError),
        (("bogus", "x"), ValueError),
        (("user", "x", "y"), ValueError),
        ({"content": "x"}, ValueError),
        (None, ValueError),
    ],
)
def test_what_is_no_message_is_refused(right, error):
    with pytest.raises(error):
        add_messages([], right)


def test_formats_are_refused_by_name(without_langchain):
    with pytest.raises(ImportError, match="needs langchain-core"):
        add_messages([], "x", format="langchain-openai")
    with pytest.raises(ValueError, match="'x'"):
        add_messages([], "x", format="x")


def test_without_arguments_it_gives_a_reducer():
    assert texts(add_messages()([], "x")) == ["x"]


def test_messages_survive_being_stored():
    messages = add_messages([], [HumanMessage("a"), ToolMessage("t", artifact=(1, 2))])

    assert serde.loads(serde.dumps(messages)) == messages
    assert '"$t":"HumanMessage"' in serde.dumps(messages)
    assert serde.loads(serde.dumps(RemoveMessage("1"))) == RemoveMessage("1")


def test_a_digest_leaves_out_ids_that_were_made():
    one, other = add_messages([], "a"), add_messages([], "a")
    named = [HumanMessage("a", id="1")]

    assert serde.canonical(one) == serde.canonical(other)
    assert serde.canonical(one) != serde.canonical(named)


def test_messages_state_has_one_key_with_the_reducer():
    assert MessagesState.__annotations__.keys() == {"messages"}
