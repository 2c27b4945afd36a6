"""What can be edited in a question, by its schema, shape and types, and the answer it becomes."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from tests.web.conftest import Html, ask, decision_form, decisions
from tests.web.deciding import post
from workflows.engine import serde
from workflows.models import Decision
from workflows.services import strict_json

NOTES = {
    "type": "object",
    "properties": {
        "approved": {"type": "boolean"},
        "notes": {
            "type": "string",
            "title": "Notes",
            "minLength": 1,
            "format": "markdown",
        },
        "reason": {"type": "string"},
    },
    "required": ["approved", "notes"],
}


@pytest.fixture
def notes(thread):
    value = {
        "title": "Release notes",
        "question": "Edit *then* approve.",
        "notes": "# One",
    }
    return ask(thread, value, NOTES)


class TestWithAResponseSchema:
    def test_the_form_is_the_answer(self, as_, notes):
        page = Html(as_("reviewer").get(f"/review/{notes.pk}/"))

        assert page.one("textarea", name="v/notes").text.strip() == "# One"
        assert not page.all("input", name="v/approved")
        assert "edit" not in page.buttons()

    def test_approving_sends_the_form(self, as_, notes):
        post(as_("reviewer"), notes, **{"v/notes": "# Two"})

        assert serde.loads(Decision.objects.get().answer) == {
            "approved": True,
            "notes": "# Two",
        }

    def test_rejecting_says_no_in_the_words_of_the_schema(self, as_, notes):
        post(as_("reviewer"), notes, "reject", reject_reason="Empty", **{"v/notes": ""})

        answer = serde.loads(Decision.objects.get().answer)
        assert (answer["approved"], answer["reason"]) == (False, "Empty")

    def test_errors_stand_at_the_field_and_at_the_top(self, as_, notes):
        response = post(as_("reviewer"), notes, **{"v/notes": ""})
        page = Html(response)

        assert response.status_code == 400
        assert page.one("textarea", name="v/notes").attributes["aria-invalid"] == "true"
        summary = page.one("section", id="error-summary")
        assert summary.attributes["tabindex"] == "-1"
        assert "Notes" in summary.text
        assert decisions() == []


class TestLists:
    def test_an_entry_is_added_without_deciding(self, as_, thread):
        question = ask(thread, {"title": "T", "lines": ["a"]})

        response = as_("reviewer").post(
            f"/review/{question.pk}/decision",
            decision_form(
                question, "", **{"v/lines/~n": "1", "v/lines/0": "a", "_add": "v/lines"}
            ),
        )

        page = Html(response)
        assert response.status_code == 200
        assert page.one("input", name="v/lines/1")
        assert decisions() == []


class TestBatches:
    @pytest.fixture
    def batch(self, thread):
        return ask(
            thread,
            {
                "action_requests": [
                    {"name": "send", "args": {"to": "Ada"}},
                    {"name": "delete", "args": {"id": 7}},
                ],
                "review_configs": [
                    {
                        "action_name": "delete",
                        "allowed_decisions": ["approve", "reject"],
                    }
                ],
            },
        )

    def test_each_call_has_its_own_decision(self, as_, batch):
        post(
            as_("reviewer"),
            batch,
            c0_kind="edit",
            c1_kind="reject",
            c1_reject="Keep it",
            **{"c0/to": "Bob"},
        )

        assert serde.loads(Decision.objects.get().answer) == {
            "decisions": [
                {
                    "type": "edit",
                    "edited_action": {"name": "send", "args": {"to": "Bob"}},
                },
                {"type": "reject", "message": "Keep it"},
            ]
        }

    def test_a_call_without_decision_is_pointed_out(self, as_, batch):
        response = post(as_("reviewer"), batch, c0_kind="approve")

        assert response.status_code == 400
        summary = Html(response).one("section", id="error-summary")
        assert "2. delete: Choose one." in " ".join(summary.text.split())


class TestKnownShapes:
    def test_a_tool_call_is_edited_by_its_arguments(self, as_, thread):
        question = ask(
            thread,
            {
                "type": "tool_approval",
                "tool_call_id": "1",
                "name": "pay",
                "args": {"eur": 5},
            },
        )

        post(as_("reviewer"), question, "edit", **{"v/eur": "6"})

        assert serde.loads(Decision.objects.get().answer) == {
            "type": "edit",
            "edited_action": {"name": "pay", "args": {"eur": 6}},
        }

    def test_a_plain_question_has_nothing_to_edit(self, as_, thread):
        question = ask(thread, "Send it?")

        page = Html(as_("reviewer").get(f"/review/{question.pk}/"))
        assert "edit" not in page.buttons()
        post(as_("reviewer"), question)
        assert serde.loads(Decision.objects.get().answer)["decision"] == "approve"


class TestValuesThatJsonCannotSay:
    value = {
        "title": "Pay?",
        "total": Decimal("1234567890.10"),
        "due": datetime(2026, 3, 31, 14, 30, 0, 123456, tzinfo=UTC),
        "tags": ("a", "b"),
    }
    shown = {
        "v/total": "1234567890.10",
        "v/due": "2026-03-31T14:30:00.123",
        "v/tags": '{"$t": "tuple", "v": ["a", "b"]}',
    }

    def answer(self, as_, thread, **changes):
        question = ask(thread, self.value)
        return post(as_("reviewer"), question, "edit", **{**self.shown, **changes})

    def test_they_are_edited_as_text(self, as_, thread):
        page = Html(as_("reviewer").get(f"/review/{ask(thread, self.value).pk}/"))

        assert page.one("input", name="v/total").attributes["value"] == "1234567890.10"
        assert page.one("input", name="v/due").attributes["type"] == "datetime-local"

    def test_a_change_keeps_the_type_and_the_rest_stays_exact(self, as_, thread):
        self.answer(as_, thread, **{"v/total": "99.95"})

        value = serde.loads(Decision.objects.get().answer)["value"]
        assert value == {**self.value, "total": Decimal("99.95")}

    def test_nonsense_is_refused(self, as_, thread):
        response = self.answer(as_, thread, **{"v/total": "lots"})

        assert response.status_code == 400
        assert Html(response).has_text("This is not a Decimal; an example: 12.50")

    def test_nobody_has_a_type_built_by_writing_its_tag(self, as_, thread):
        text = '{"$t": "UUID", "v": "1544c54d-98cd-4830-92b2-989e88a3ae27"}'
        self.answer(as_, thread, **{"v/tags": text})

        value = serde.loads(Decision.objects.get().answer)["value"]
        assert value["tags"] == strict_json.parse(text)
