"""What each shape of question is answered with."""

from typing import Any

import pytest

from durableweb.prebuilt.interrupt import (
    ActionRequest,
    HumanInterrupt,
    HumanInterruptConfig,
    HumanResponse,
)
from workflows.services.action import InvalidAnswer
from workflows.services.answers import make_answer
from workflows.services.shapes import recognise

TOOL = {
    "type": "tool_approval",
    "tool_call_id": "c1",
    "name": "pay",
    "args": {"sum": 5},
    "description": "Pay Ann",
}
BATCH = {
    "action_requests": [
        {"name": "pay", "args": {"sum": 5}},
        {"name": "mail", "args": {"to": "Ann"}},
    ],
    "review_configs": [
        {"action_name": "pay", "allowed_decisions": ["approve", "reject"]},
        {"action_name": "mail", "allowed_decisions": ["approve", "edit", "reject"]},
    ],
}
INBOX: dict[str, Any] = {
    "action_request": {"action": "mail", "args": {"to": "Ann"}},
    "config": {
        "allow_accept": True,
        "allow_edit": True,
        "allow_ignore": True,
        "allow_respond": False,
    },
    "description": "Send this mail?",
}
REVIEW = {
    "type": "object",
    "properties": {
        "decision": {"enum": ["approve", "reject"]},
        "text": {"type": "string"},
        "reason": {"type": "string", "default": ""},
    },
    "required": ["decision", "text"],
}


def answer(payload, kind, value=None, reason="", schema=None):
    return make_answer(recognise(payload, schema), kind, value, reason)


@pytest.mark.parametrize(
    ("payload", "schema", "name"),
    [
        ("Send?", None, "plain"),
        ({"question": "Send?", "n": 1}, None, "plain"),
        ([1, 2], None, "plain"),
        (None, None, "plain"),
        (TOOL, None, "tool_approval"),
        (BATCH, None, "batch"),
        (INBOX, None, "agent_inbox"),
        ([INBOX], None, "agent_inbox"),
        ([INBOX, INBOX], None, "agent_inbox"),
        ([INBOX, "x"], None, "plain"),
        ("Send?", REVIEW, "schema"),
        ({"action_requests": "none"}, None, "plain"),
        ({"action_request": 3}, None, "plain"),
    ],
)
def test_a_shape_is_recognised(payload, schema, name):
    assert recognise(payload, schema).name == name


class TestPlain:
    def test_approving_keeps_the_proposal(self):
        assert answer({"n": 1}, "approve") == {
            "decision": "approve",
            "value": {"n": 1},
            "reason": "",
        }

    def test_an_edit_is_an_approval_of_something_else(self):
        given = answer({"n": 1}, "edit", {"n": 2})
        assert (given["decision"], given["value"]) == ("approve", {"n": 2})

    @pytest.mark.parametrize("value", [0, False, "", []])
    def test_an_empty_value_counts(self, value):
        assert answer({"n": 1}, "edit", value)["value"] == value

    def test_rejecting_carries_the_reason(self):
        given = answer("Send?", "reject", reason="no")
        assert given == {"decision": "reject", "value": None, "reason": "no"}

    def test_a_response_is_the_value(self):
        assert answer("Who?", "respond", "Ann")["value"] == "Ann"


class TestSchema:
    def test_the_form_is_the_answer(self):
        given = answer("?", "approve", {"text": "hi"}, schema=REVIEW)
        assert given == {"decision": "approve", "text": "hi"}

    def test_what_the_payload_proposes_is_the_start(self):
        given = answer({"text": "draft"}, "approve", schema=REVIEW)
        assert given == {"decision": "approve", "text": "draft", "reason": ""}

    def test_the_button_and_the_reason_fill_their_fields(self):
        given = answer("?", "reject", {"text": "x"}, "bad", schema=REVIEW)
        assert given == {"decision": "reject", "text": "x", "reason": "bad"}

    def test_a_flag_says_it_too(self):
        schema = {"type": "object", "properties": {"approved": {"type": "boolean"}}}
        assert answer("?", "reject", {}, schema=schema) == {"approved": False}

    def test_a_reference_is_followed(self):
        schema = {"$ref": "#/$defs/Review", "$defs": {"Review": REVIEW}}
        given = answer({"text": "a"}, "edit", schema=schema)
        assert given["decision"] == "approve"

    def test_a_form_that_cannot_say_no_is_not_rejected(self):
        schema = {"type": "object", "properties": {"text": {"type": "string"}}}
        with pytest.raises(InvalidAnswer):
            answer("?", "reject", {"text": "x"}, schema=schema)

    def test_a_missing_field_is_named(self):
        with pytest.raises(InvalidAnswer) as refused:
            answer("?", "approve", {}, schema=REVIEW)
        assert list(refused.value.errors) == ["text"]

    def test_a_value_that_does_not_fit_is_named_by_its_path(self):
        with pytest.raises(InvalidAnswer) as refused:
            answer("?", "approve", {"text": 3}, schema=REVIEW)
        assert refused.value.errors == {"text": "a text"}

    def test_a_value_that_is_no_form_is_refused(self):
        with pytest.raises(InvalidAnswer):
            answer("?", "approve", "text", schema=REVIEW)

    def test_a_plain_schema_takes_a_plain_value(self):
        assert answer("How many?", "approve", 3, schema={"type": "integer"}) == 3


class TestTool:
    def test_it_is_approved(self):
        assert answer(TOOL, "approve") == {"type": "approve"}

    def test_it_is_edited(self):
        action = {"name": "pay", "args": {"sum": 6}}
        assert answer(TOOL, "edit", {"sum": 6}) == {
            "type": "edit",
            "edited_action": action,
        }

    def test_it_is_rejected_with_a_message(self):
        assert answer(TOOL, "reject", reason="no") == {
            "type": "reject",
            "message": "no",
        }

    def test_arguments_are_an_object(self):
        with pytest.raises(InvalidAnswer):
            answer(TOOL, "edit", "six")

    def test_a_response_needs_words(self):
        with pytest.raises(InvalidAnswer):
            answer(TOOL, "respond", " ")


class TestBatch:
    def test_one_word_holds_for_all(self):
        assert answer(BATCH, "approve") == {
            "decisions": [{"type": "approve"}, {"type": "approve"}]
        }

    def test_each_card_has_its_own_decision_in_order(self):
        each = [
            {"kind": "reject", "reason": "too much"},
            {"kind": "edit", "value": {"to": "Bob"}},
        ]
        assert answer(BATCH, "approve", each) == {
            "decisions": [
                {"type": "reject", "message": "too much"},
                {
                    "type": "edit",
                    "edited_action": {"name": "mail", "args": {"to": "Bob"}},
                },
            ]
        }

    def test_what_a_card_does_not_take_is_named_by_its_place(self):
        each = [{"kind": "edit", "value": {}}, {"kind": "approve"}]
        with pytest.raises(InvalidAnswer) as refused:
            answer(BATCH, "approve", each)
        assert list(refused.value.errors) == ["0.kind"]

    def test_there_are_as_many_decisions_as_cards(self):
        with pytest.raises(InvalidAnswer):
            answer(BATCH, "approve", [{"kind": "approve"}])


class TestInbox:
    @pytest.mark.parametrize(
        ("kind", "value", "response"),
        [
            ("approve", None, {"type": "accept", "args": None}),
            ("reject", None, {"type": "ignore", "args": None}),
            (
                "edit",
                {"to": "Bob"},
                {"type": "edit", "args": {"action": "mail", "args": {"to": "Bob"}}},
            ),
        ],
    )
    @pytest.mark.parametrize("payload", [INBOX, [INBOX]])
    def test_the_answer_is_a_list_of_one(self, payload, kind, value, response):
        assert answer(payload, kind, value) == [response]

    def test_the_types_of_programs_are_its_shape(self):
        action = ActionRequest(action="mail", args={"to": "Ann"})
        config = HumanInterruptConfig(
            allow_accept=True, allow_edit=True, allow_ignore=True, allow_respond=False
        )
        asked = HumanInterrupt(
            action_request=action, config=config, description=INBOX["description"]
        )

        assert asked == INBOX
        (given,) = answer([asked], "edit", {"to": "Bob"})
        assert given.keys() == HumanResponse.__annotations__.keys()
        assert given["args"].keys() == ActionRequest.__annotations__.keys()

    def test_what_is_not_allowed_is_refused(self):
        with pytest.raises(InvalidAnswer):
            answer(INBOX, "respond", "hello")

    def test_no_question_can_only_be_ignored(self):
        config = dict.fromkeys(INBOX["config"], False) | {"allow_ignore": True}
        given = answer({**INBOX, "config": config}, "respond", "hello")
        assert given == [{"type": "response", "args": "hello"}]

    def test_several_requests_get_as_many_responses_in_order(self):
        each = [{"kind": "close"}, {"kind": "edit", "value": {"to": "Bob"}}]
        assert answer([INBOX, INBOX], "approve", each) == [
            {"type": "ignore", "args": None},
            {"type": "edit", "args": {"action": "mail", "args": {"to": "Bob"}}},
        ]


class TestChangesNeeded:
    """Sent back, in the words of each shape."""

    FORM: dict[str, Any] = {
        "type": "object",
        "properties": {
            "verdict": {"enum": ["accept", "decline", "needs_changes"]},
            "comment": {"type": "string"},
        },
        "required": ["verdict"],
    }

    @pytest.mark.parametrize(
        ("payload", "schema", "expected"),
        [
            (
                {"n": 1},
                None,
                {"decision": "changes", "value": None, "reason": "shorter"},
            ),
            (TOOL, None, {"type": "reject", "message": "Changes needed: shorter"}),
            (
                BATCH,
                None,
                {
                    "decisions": [
                        {"type": "reject", "message": "Changes needed: shorter"}
                    ]
                    * 2
                },
            ),
            (
                {**INBOX, "config": {}},
                None,
                [{"type": "response", "args": "Changes needed: shorter"}],
            ),
            ("?", FORM, {"verdict": "needs_changes", "comment": "shorter"}),
        ],
    )
    def test_the_workflow_is_told_what_should_change(self, payload, schema, expected):
        assert answer(payload, "changes", None, "shorter", schema) == expected

    @pytest.mark.parametrize("payload", [{"n": 1}, TOOL, BATCH])
    def test_it_needs_words(self, payload):
        with pytest.raises(InvalidAnswer):
            answer(payload, "changes", None, " ")

    @pytest.mark.parametrize(
        "fields",
        [
            {"verdict": {"enum": ["accept", "decline"]}, "comment": {"type": "string"}},
            {"verdict": {"enum": ["accept", "needs_changes"]}},
        ],
    )
    def test_a_form_without_a_place_for_it_does_not_take_it(self, fields):
        schema = {"type": "object", "properties": fields}
        assert "changes" not in recognise("?", schema).kinds

    def test_an_inbox_that_takes_no_words_does_not_take_it(self):
        assert "changes" not in recognise(INBOX).kinds


class TestClosedWithoutAnAnswer:
    def test_a_plain_question_has_a_word_for_it(self):
        given = answer({"n": 1}, "close", reason="moot")
        assert given == {"decision": "close", "value": None, "reason": "moot"}

    def test_so_has_a_form_that_lists_one(self):
        schema = {
            "type": "object",
            "properties": {"decision": {"enum": ["approve", "reject", "ignore"]}},
        }
        assert answer("?", "close", schema=schema) == {"decision": "ignore"}

    @pytest.mark.parametrize("payload", [TOOL, BATCH])
    def test_a_tool_call_has_none(self, payload):
        with pytest.raises(InvalidAnswer):
            answer(payload, "close")

    def test_nothing_but_an_inbox_offers_it_unasked(self):
        offered = [recognise(each).kinds for each in ("?", TOOL, BATCH, INBOX)]
        assert ["close" in kinds for kinds in offered] == [False, False, False, True]


class TestWordsOfASchema:
    """Which field the buttons fill in, and which they leave to the form."""

    def test_words_that_no_button_says_are_left_to_the_form(self):
        schema = {
            "type": "object",
            "properties": {"decision": {"enum": ["approve", "reject", "escalate"]}},
        }
        given = answer("?", "approve", {"decision": "escalate"}, schema=schema)
        assert given == {"decision": "escalate"}
        assert recognise("?", schema).kinds == ("approve", "edit")

    def test_an_answer_in_words_finds_its_field(self):
        schema = {
            "type": "object",
            "properties": {
                "action": {"enum": ["approve", "respond"]},
                "reply": {"type": ["string", "null"]},
            },
        }
        given = answer("?", "respond", "Ask Ann", schema=schema)
        assert given == {"action": "respond", "reply": "Ask Ann"}

    def test_a_reason_speaks_over_what_was_proposed(self):
        given = answer(
            {"text": "a", "reason": "old"}, "reject", None, "new", schema=REVIEW
        )
        assert given["reason"] == "new"
