"""How a message reads for people."""

import pytest

from workflows.services.conversation import spoken, to_read

CALL = {"name": "pay", "args": {"amount": 5}, "id": "c", "type": "tool_call"}


@pytest.mark.parametrize(
    ("said", "reads"),
    [
        ({"who": "human", "says": "Hi", "id": "1"}, "human: Hi"),
        (
            {"who": "ai", "says": "Hi", "usage_metadata": {"total_tokens": 3}},
            "ai: Hi",
        ),
        ({"who": "ai", "says": "Hi", "name": "clerk"}, "ai clerk: Hi"),
        (
            {"who": "ai", "says": "I pay.", "tool_calls": [CALL]},
            {"ai": "I pay.", "calls": [{"pay": {"amount": 5}}]},
        ),
        (
            {"who": "ai", "says": "", "tool_calls": [CALL]},
            {"ai": {"calls": [{"pay": {"amount": 5}}]}},
        ),
        (
            {"who": "tool", "says": "paid", "name": "pay", "tool_call_id": "c"},
            "tool pay: paid",
        ),
        (
            {"who": "tool", "says": "no money", "name": "pay", "status": "error"},
            "tool pay failed: no money",
        ),
        ({"who": "tool", "says": "paid", "status": "success"}, "tool: paid"),
    ],
)
def test_a_message_is_a_line_or_what_is_called(said, reads):
    assert spoken(said) == reads


def test_what_has_no_line_is_shown_whole():
    said = {"who": "ai", "says": "Hi", "id": "1", "additional_kwargs": {"why": "so"}}

    assert spoken(said) == said


def test_a_message_of_langchain_reads_as_ours():
    message = {"$t": "langchain_core:AIMessage", "v": {"content": "x", "id": "1"}}

    assert [spoken(each) for each in to_read([message])] == ["ai: x"]


def test_messages_as_a_workflow_is_given_them_read_as_lines():
    given = [{"role": "human", "content": "Pay it."}]

    assert [spoken(each) for each in to_read(given)] == ["human: Pay it."]
    for other in ([], [{"role": "human"}], [{"role": 1, "content": "x"}], ["x"], "x"):
        assert to_read(other) is other
