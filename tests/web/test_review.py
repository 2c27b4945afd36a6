"""The page of one question: what it shows, what a decision does, and what stands in its way."""

import pytest

from tests.web.conftest import Html, ask, decision_form, decisions
from tests.web.deciding import post
from workflows.engine import serde
from workflows.models import Decision, Interrupt


@pytest.fixture
def question(thread):
    return ask(thread, {"title": "Send the letter?", "to": "Ada", "copies": 2})


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
