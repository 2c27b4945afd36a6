"""Whoever comes late: who decided what, all that was typed given back, and a way on."""

import pytest

from tests.web.conftest import Html, ask, decision_form
from tests.web.test_deciding_page import TOOL
from workflows.models import Decision, Draft, Interrupt

NOTE = {"title": "Send it?", "to": "Ann", "copies": 2}
PART = {"X-Queue-View": "sort=age"}


@pytest.fixture
def question(thread) -> Interrupt:
    return ask(thread, NOTE)


@pytest.fixture
def decided(question, as_) -> Interrupt:
    """Rejected by the admin."""
    send(as_("admin"), question, "reject", reject_reason="Too late", **fields())
    return question


def fields(to: str = "Ann", copies: str = "2") -> dict[str, str]:
    return {"v/to": to, "v/copies": copies}


def send(client, question, kind="approve", headers=None, **more):
    form = decision_form(question, kind, **more)
    address = f"/review/{question.pk}/decision"
    return client.post(address, form, headers=headers or {})


def given_back(page: Html) -> list[str]:
    """The fields that the page gives back."""
    return [each.text for each in page.all("dd", **{"class": "typed"})]


def test_it_says_who_decided_what_and_when(decided, as_):
    answer = send(as_("reviewer"), decided, **fields())

    assert answer.status_code == 409
    conflict = Html(answer).one("section", id="conflict")
    for words in ("Already decided by admin", "rejected", "Too late"):
        assert words in conflict.text
    assert any(conflict in each.parents for each in Html(answer).all("time"))


def test_own_words_of_every_box_are_given_back_the_sent_one_first(decided, as_):
    typed = {"reject_reason": "  two\nlines ", "response": "other words"}
    page = Html(send(as_("reviewer"), decided, "respond", **typed, **fields()))

    assert page.one("p", id="words-1").text == "other words"
    assert page.one("p", id="words-2").text == "  two\nlines "
    copies = [
        e.attributes["data-copy"]
        for e in page.all("button", type="button")
        if "data-copy" in e.attributes
    ]
    assert copies == ["words-1", "words-2"]


def test_edits_are_given_back_and_what_was_left_alone_is_not_repeated(decided, as_):
    page = Html(send(as_("reviewer"), decided, "edit", **fields(copies="5")))

    assert given_back(page) == ["5"]
    assert (page.text("del"), page.text("ins")) == ("before: 2", "after: 5")


def test_what_cannot_be_read_is_given_back_as_it_was_typed(decided, as_):
    page = Html(send(as_("reviewer"), decided, "edit", **fields(copies="five")))

    assert given_back(page) == ["five"]


def test_a_field_that_the_form_does_not_know_is_given_back_too(decided, as_):
    page = Html(send(as_("reviewer"), decided, **{"v/old": "typed before"}))

    assert "typed before" in given_back(page)


def test_choices_are_told_in_words(thread, as_):
    question = ask(
        thread,
        {"title": "Send?", "calls": []},
        schema={
            "type": "object",
            "properties": {
                "size": {"enum": ["small", "large"]},
                "gift": {"type": "boolean"},
            },
            "required": ["size", "gift"],
        },
    )
    Interrupt.objects.filter(pk=question.pk).update(status="withdrawn")

    page = Html(send(as_("reviewer"), question, **{"v/size": "1", "v/gift": "1"}))

    assert given_back(page) == ["large", "yes"]


def test_a_press_that_only_changes_the_form_hears_it_too(decided, as_):
    answer = send(as_("reviewer"), decided, _add="v/to", **fields(to="Bob"))

    assert answer.status_code == 409
    assert "Bob" in given_back(Html(answer))


def test_nothing_beside_the_question_is_drawn_but_it_is_a_link_away(decided, as_):
    page = Html(send(as_("reviewer"), decided, **fields()))

    assert not page.all("aside")
    links = {each.attributes.get("href") for each in page.all("a")}
    assert {f"/review/{decided.pk}/", f"/review/{decided.pk}/next"} <= links


def test_a_script_of_the_queue_gets_a_part_of_a_page(decided, as_):
    answer = send(as_("reviewer"), decided, "reject", PART, reject_reason="mine")

    assert answer.status_code == 409
    assert answer["X-Part"] == "question"
    assert b"<html" not in answer.content
    assert Html(answer).one("p", id="words-1").text == "mine"
    assert b"next?view=sort%3Dage" in answer.content


def test_the_draft_is_kept_and_stands_in_the_form_when_it_is_asked_again(
    question, as_, settings
):
    settings.UNDO_SECONDS = 60
    send(as_("admin"), question, **fields())
    send(as_("reviewer"), question, "reject", reject_reason="mine", **fields())

    as_("admin").post(f"/decisions/{Decision.objects.get().pk}/undo")

    page = Html(as_("reviewer").get(f"/review/{question.pk}/"))
    assert page.one("textarea", name="reject_reason").text.strip() == "mine"


def test_who_may_not_decide_hears_that(decided, as_):
    assert send(as_("viewer"), decided, **fields()).status_code == 403
    assert not Draft.objects.filter(person__username="viewer").exists()


def test_one_that_was_withdrawn_while_somebody_was_at_it(question, people, as_):
    Interrupt.objects.filter(pk=question.pk).update(
        status="withdrawn",
        claimed_by=people["admin"],
        claimed_until="2100-01-01T00:00Z",
    )

    answer = send(as_("reviewer"), question, "edit", **fields(to="Bob"))

    assert answer.status_code == 409
    assert Html(answer).has_text("This question takes no answer any more")
    assert "Bob" in given_back(Html(answer))


def test_the_own_decision_sent_again_is_no_conflict(question, as_):
    form = decision_form(question, **fields())
    address = f"/review/{question.pk}/decision"

    answers = [as_("reviewer").post(address, form) for _ in "ab"]

    assert [each.status_code for each in answers] == [303, 303]


class TestOpenQuestions:
    def test_one_that_somebody_has_claimed_can_be_taken_over(
        self, question, people, as_
    ):
        Interrupt.objects.update(
            claimed_by=people["admin"], claimed_until="2100-01-01T00:00Z"
        )

        answer = send(as_("reviewer"), question, "edit", **fields(to="Bob"))
        page = Html(answer)

        assert answer.status_code == 409
        assert page.has_text("admin is at work on this question")
        assert not page.has_text("takes no answer any more")
        assert page.one("input", name="v/to").attributes["value"] == "Bob"

    def test_who_has_voted_is_told_that(self, thread, as_):
        question = ask(thread, TOOL, policy='{"quorum": 2}')
        send(as_("reviewer"), question, **{"v/eur": "5"})

        answer = send(as_("reviewer"), question, "edit", **{"v/eur": "6"})

        assert answer.status_code == 409
        assert Html(answer).has_text("You have approved it already")

    def test_who_approves_something_else_is_told_who_was_first(self, thread, as_):
        question = ask(thread, TOOL, policy='{"quorum": 2}')
        send(as_("admin"), question, **{"v/eur": "5"})

        answer = send(as_("reviewer"), question, "edit", **{"v/eur": "6"})

        assert answer.status_code == 409
        assert Html(answer).has_text("admin has approved another answer")


class TestTheNextQuestion:
    def test_it_is_that_of_the_thread(self, decided, thread, as_):
        other = ask(thread)

        answer = as_("reviewer").get(f"/review/{decided.pk}/next")

        assert answer["Location"] == f"/review/{other.pk}/"

    def test_it_is_the_one_after_the_closed_one_and_after_the_last_the_first(
        self, thread, as_
    ):
        first, middle, last = (ask(thread, NOTE) for _ in range(3))
        client = as_("reviewer")

        send(as_("admin"), middle, **fields())
        assert client.get(f"/review/{middle.pk}/next").url == f"/review/{last.pk}/"
        send(as_("admin"), last, **fields())
        assert client.get(f"/review/{last.pk}/next").url == f"/review/{first.pk}/"

    def test_beside_a_view_it_is_shown_there(self, decided, thread, as_):
        other = ask(thread)

        answer = as_("reviewer").get(f"/review/{decided.pk}/next?view=sort%3Dage")

        assert answer["Location"] == f"/queue/?sort=age&item={other.pk}"

    def test_without_one_it_is_the_queue(self, decided, as_):
        answer = as_("reviewer").get(f"/review/{decided.pk}/next?workflow=letter")

        assert answer["Location"] == "/queue/?workflow=letter"
