"""The page of one question: what it shows, and what a decision does."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from tests.web.conftest import Html, ask, decision_form, decisions
from workflows.engine import serde
from workflows.models import Decision, Interrupt
from workflows.web import strict_json

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
def question(thread):
    return ask(thread, {"title": "Send the letter?", "to": "Ada", "copies": 2})


@pytest.fixture
def notes(thread):
    value = {
        "title": "Release notes",
        "question": "Edit *then* approve.",
        "notes": "# One",
    }
    return ask(thread, value, NOTES)


def post(client, question, kind="approve", **more):
    path = f"/review/{question.pk}/decision"
    return client.post(path, decision_form(question, kind, **more))


def fields(to="Ada", copies="2"):
    return {"v/to": to, "v/copies": copies}


class TestThePage:
    def test_it_shows_the_question_and_the_proposal(self, as_, question):
        page = Html(as_("reviewer").get(f"/review/{question.pk}/"))

        assert "Send the letter?" in page.text("h1")
        assert page.has_text("Ada")
        assert page.buttons() == {
            "reject": "Reject",
            "changes": "Send back",
            "respond": "Send answer",
            "edit": "Approve with changes a",
            "approve": "Approve a",
        }

    def test_it_carries_what_was_seen(self, as_, question):
        page = Html(as_("reviewer").get(f"/review/{question.pk}/"))

        assert page.one("input", name="version").attributes["value"] == "1"
        assert page.one("input", name="round").attributes["value"] == "1"
        assert page.one("input", name="key").attributes["value"]

    def test_it_watches_its_thread_for_other_decisions(self, as_, thread, question):
        thread.seq = 7
        thread.save()

        page = Html(as_("reviewer").get(f"/review/{question.pk}/"))

        root = next(e for e in page.elements if "data-live" in e.attributes)
        assert root.attributes["data-live"] == "/ws/threads/t-1/"
        assert root.attributes["data-after"] == "7"
        note = next(e for e in page.elements if "data-decided-note" in e.attributes)
        assert note.attributes["role"] == "alert"
        assert "hidden" in note.attributes

    def test_the_edit_form_has_a_field_for_each_value(self, as_, question):
        page = Html(as_("reviewer").get(f"/review/{question.pk}/"))

        assert page.one("input", name="v/to").attributes["value"] == "Ada"
        assert page.one("input", name="v/copies").attributes["inputmode"] == "numeric"
        assert not page.all("input", name="v/title")

    def test_enter_in_a_text_field_sends_nothing(self, as_, question):
        page = Html(as_("reviewer").get(f"/review/{question.pk}/"))

        first = next(
            e
            for e in page.all("button", type="submit")
            if any(p.attributes.get("id") == "decide" for p in e.parents)
        )
        assert "disabled" in first.attributes

    def test_a_viewer_reads_and_is_offered_no_decision(self, as_, question):
        page = Html(as_("viewer").get(f"/review/{question.pk}/"))

        assert page.has_text("Ada")
        assert page.buttons() == {}

    def test_a_decided_question_tells_who_decided(self, as_, question):
        post(as_("admin"), question, "reject", reject_reason="Too late")

        page = Html(as_("reviewer").get(f"/review/{question.pk}/"))

        assert page.buttons() == {}
        assert page.has_text("rejected")
        assert page.has_text("admin")
        assert page.has_text("Too late")

    def test_other_questions_of_the_thread_are_one_step_away(
        self, as_, thread, question
    ):
        other = ask(thread, "And the invoice?")

        page = Html(as_("reviewer").get(f"/review/{question.pk}/"))

        assert page.has_text("1 of 2")
        assert page.one("a", rel="next").attributes["href"] == f"/review/{other.pk}/"

    def test_markdown_of_a_question_is_harmless(self, as_, thread):
        bad = ask(
            thread,
            {
                "title": "T",
                "question": '**Go** <img src=x> <form hx-post="/x"> [y](javascript:a) ![z](//e)',
            },
        )

        response = as_("reviewer").get(f"/review/{bad.pk}/")

        assert b"<strong>Go</strong>" in response.content
        for part in (b"<img src=x", b'<form hx-post="/x"', b'href="javascript'):
            assert part not in response.content

    def test_numbers_are_shown_with_every_digit(self, as_, thread):
        big = ask(thread, {"title": "T", "total": 9007199254740993})

        page = Html(as_("reviewer").get(f"/review/{big.pk}/"))

        assert page.has_text("9007199254740993")


class TestDeciding:
    def test_approving_records_the_proposal_and_goes_on(self, as_, thread, question):
        other = ask(thread, "And the invoice?")

        response = post(as_("reviewer"), question, **fields())

        assert (response.status_code, response["Location"]) == (
            303,
            f"/review/{other.pk}/",
        )
        decision = Decision.objects.get()
        assert decision.kind == "approve"
        assert serde.loads(decision.answer) == {
            "decision": "approve",
            "value": {"title": "Send the letter?", "to": "Ada", "copies": 2},
            "reason": "",
        }

    def test_the_next_page_says_what_was_done(self, as_, question):
        client = as_("reviewer")

        response = client.post(
            f"/review/{question.pk}/decision",
            decision_form(question, **fields()),
            follow=True,
        )

        assert response.redirect_chain == [("/queue/", 303)]
        strip = Html(response).one("div", role="status", **{"class": "strips"})
        assert f"Approved #{question.pk}" in strip.text

    def test_editing_and_approving_is_one_step(self, as_, question):
        post(as_("reviewer"), question, "edit", **fields(copies="3"))

        answer = serde.loads(Decision.objects.get().answer)
        assert answer["decision"] == "approve"
        assert answer["value"] == {
            "title": "Send the letter?",
            "to": "Ada",
            "copies": 3,
        }

    def test_approve_does_not_drop_an_edit_in_silence(self, as_, question):
        response = post(as_("reviewer"), question, **fields(copies="3"))

        assert response.status_code == 400
        assert Html(response).has_text("You changed the proposal")
        assert decisions() == []

    def test_rejecting_carries_the_reason(self, as_, question):
        post(as_("reviewer"), question, "reject", reject_reason="Wrong person")

        assert decisions() == [("reject", "Wrong person")]

    def test_rejecting_does_not_mind_a_broken_edit(self, as_, question):
        more = {"reject_reason": "no", **fields(copies="x")}

        assert post(as_("reviewer"), question, "reject", **more).status_code == 303

    def test_an_answer_in_words(self, as_, question):
        post(as_("reviewer"), question, "respond", response="Ask Bob first")

        assert serde.loads(Decision.objects.get().answer)["value"] == "Ask Bob first"

    def test_an_empty_answer_is_refused(self, as_, question):
        response = post(as_("reviewer"), question, "respond", response=" ")

        assert response.status_code == 400
        assert Html(response).has_text("Write your answer")

    def test_pressing_twice_decides_once(self, as_, question):
        client = as_("reviewer")
        form = decision_form(question, **fields())

        answers = [client.post(f"/review/{question.pk}/decision", form) for _ in "ab"]

        assert [a.status_code for a in answers] == [303, 303]
        assert len(decisions()) == 1

    def test_it_goes_on_within_the_chosen_workflow(self, as_, question):
        response = post(as_("reviewer"), question, **fields(), workflow="letter")

        assert response["Location"] == "/queue/?workflow=letter"


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


class TestConflicts:
    def test_the_other_decision_stands_beside_the_own_draft(self, as_, question):
        post(as_("admin"), question, "reject", reject_reason="Too late")

        response = post(as_("reviewer"), question, "edit", **fields(to="Bob"))
        page = Html(response)

        assert response.status_code == 409
        conflict = page.one("section", id="conflict")
        for words in ("Already decided by admin", "rejected", "Too late"):
            assert words in conflict.text
        assert "Bob" in page.text("ins")
        assert [each.text for each in page.all("dd", **{"class": "typed"})] == ["Bob"]
        assert len(decisions()) == 1

    def test_a_question_that_was_asked_again_is_to_be_read_again(self, as_, question):
        Interrupt.objects.filter(pk=question.pk).update(version=2, round=2)

        response = post(as_("reviewer"), question, "edit", **fields(to="Bob"))
        page = Html(response)

        assert response.status_code == 409
        assert page.has_text("The question has changed since you opened it")
        assert page.one("input", name="version").attributes["value"] == "2"
        assert page.one("input", name="v/to").attributes["value"] == "Bob"
        assert decisions() == []

    def test_a_withdrawn_question_explains_itself(self, as_, question):
        Interrupt.objects.filter(pk=question.pk).update(status="withdrawn")

        page = Html(as_("reviewer").get(f"/review/{question.pk}/"))
        assert page.has_text("no longer needs an answer")
        assert post(as_("reviewer"), question).status_code == 409


class TestTheDiff:
    def test_it_is_a_fragment_for_htmx(self, as_, question):
        response = as_("reviewer").post(
            f"/review/{question.pk}/diff",
            decision_form(question, **fields(copies="5")),
            headers={"HX-Request": "true"},
        )

        assert b"<html" not in response.content
        page = Html(response)
        assert "1 change" in page.text("h3")
        assert (page.text("del"), page.text("ins")) == ("before: 2", "after: 5")

    def test_it_is_a_whole_page_without_scripts(self, as_, question):
        response = as_("reviewer").post(
            f"/review/{question.pk}/diff", decision_form(question, **fields(to="Bob"))
        )

        page = Html(response)
        assert page.one("input", name="v/to").attributes["value"] == "Bob"
        assert page.text("ins") == "after: Bob"

    def test_it_decides_nothing(self, as_, question):
        as_("reviewer").post(
            f"/review/{question.pk}/diff", decision_form(question, **fields(to="Bob"))
        )

        assert decisions() == []
        question.refresh_from_db()
        assert question.status == "pending"


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
