"""Claims, comments, drafts and undo through the pages."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from tests.web.conftest import Html, ask, decision_form
from workflows.models import Comment, Decision, Draft, Interrupt, Policy
from workflows.services.desk.deciding import Decider, holder_of

# The form as it stands on the page.
SHOWN = {"v/to": "Ada", "v/copies": "2"}


@pytest.fixture
def question(thread):
    return ask(thread, {"title": "Send the letter?", "to": "Ada", "copies": 2})


@pytest.fixture
def undoable(db):
    Policy.objects.create(body='{"undo": 60}')


def post(client, question, act, **fields):
    return client.post(f"/review/{question.pk}/{act}", fields, follow=True)


def holder(answer):
    return Html(answer).one("div", id="bar-holder")


class TestItsEnd:
    @pytest.mark.rule("RB.4")
    def test_it_says_until_when_it_can_be_answered(self, as_, question):
        asked = datetime(2031, 5, 4, 10, 0, tzinfo=UTC)
        Interrupt.objects.filter(pk=question.pk).update(asked_at=asked, due_at=None)
        Policy.objects.create(
            body='{"timeout": 7200, "timeout_action": "workflow"}', graph="letter"
        )

        page = Html(as_("reviewer").get(f"/review/{question.pk}/"))

        facts = page.one("div", id="work-now").text
        assert "Answer by" in facts
        assert "4 May 12:00" in facts
        assert page.has_text("The workflow goes on without an answer after 2 hours")


class TestClaim:
    def test_it_is_taken_and_given_back(self, as_, people, question):
        page = Html(post(as_("reviewer"), question, "claim"))
        question.refresh_from_db()
        assert holder_of(question) == people["reviewer"].pk
        assert page.has_text("Give back")

        page = Html(post(as_("reviewer"), question, "release"))
        question.refresh_from_db()
        assert holder_of(question) is None
        assert page.has_text("Claim")

    def test_another_is_told_and_may_take_over(self, as_, people, question):
        post(as_("reviewer"), question, "claim")

        page = Html(post(as_("admin"), question, "claim"))
        assert page.has_text(f"Question #{question.pk} is claimed by reviewer.")
        assert page.has_text("Take over")

        post(as_("admin"), question, "claim", take_over="1")
        question.refresh_from_db()
        assert holder_of(question) == people["admin"].pk

    def test_who_has_it_is_told_where_it_is_decided(self, as_, question):
        address = f"/review/{question.pk}/"
        assert "hidden" in holder(as_("admin").get(address)).attributes
        post(as_("reviewer"), question, "claim")

        assert "hidden" in holder(as_("reviewer").get(address)).attributes
        told = holder(as_("admin").get(address))
        assert "hidden" not in told.attributes
        assert "reviewer has this question until" in told.text

    def test_a_claim_that_lasts_until_another_day_says_which(self, as_, question):
        late = datetime(2099, 3, 4, 5, 6, tzinfo=UTC)
        post(as_("reviewer"), question, "claim")
        Interrupt.objects.update(claimed_until=late)

        page = Html(as_("admin").get(f"/review/{question.pk}/"))

        assert page.has_text("until 4 Mar 05:06")

    def test_a_decision_meets_the_claim_of_another(self, as_, question):
        post(as_("admin"), question, "claim")

        answer = as_("reviewer").post(
            f"/review/{question.pk}/decision",
            decision_form(question, "approve") | SHOWN,
        )

        assert answer.status_code == 409
        assert Html(answer).has_text("take the question over and send your decision")
        assert not Decision.objects.exists()

    @pytest.mark.parametrize("act", ["claim", "release", "arrange", "comment", "draft"])
    def test_who_may_not_see_it_meets_404(self, as_, question, act):
        answer = post(as_("stranger"), question, act, text="x", drop="1")
        assert answer.status_code == 404

    @pytest.mark.parametrize("act", ["claim", "release", "arrange", "comment", "draft"])
    def test_nothing_happens_on_get(self, as_, question, act):
        assert as_("reviewer").get(f"/review/{question.pk}/{act}").status_code == 405


class TestArrange:
    def test_it_is_saved_and_shown(self, as_, question):
        page = Html(
            post(
                as_("reviewer"),
                question,
                "arrange",
                assignee="reviewer",
                due_at="2030-01-02T09:00",
                priority="7",
            )
        )
        question.refresh_from_db()
        assert (question.assignee.username, question.priority) == ("reviewer", 7)
        assert question.due_at.year == 2030
        assert page.has_text("is arranged")

    @pytest.mark.parametrize(
        ("name", "text"),
        [("due_at", "soon"), ("due_at", "2030-13-45T99:00"), ("priority", "1e9")],
    )
    def test_nonsense_is_named_and_changes_nothing(self, as_, question, name, text):
        page = Html(post(as_("reviewer"), question, "arrange", **{name: text}))

        assert page.has_text(name)
        question.refresh_from_db()
        assert (question.due_at, question.priority) == (None, 0)


class TestComments:
    def test_markup_stays_text(self, as_, question):
        page = Html(post(as_("viewer"), question, "comment", text="<b>No</b>\nreally"))

        assert page.has_text("<b>No</b>")
        assert Comment.objects.get().person_name == "viewer"

    def test_a_nul_is_refused(self, as_, question):
        post(as_("viewer"), question, "comment", text="a\0b")

        assert not Comment.objects.exists()


class TestDrafts:
    def test_what_was_typed_comes_back(self, as_, question):
        form = decision_form(question, "") | {"v/to": "Grace", "reject_reason": "hm"}
        saved = as_("reviewer").post(f"/review/{question.pk}/draft", form)
        assert saved.status_code == 200

        page = Html(as_("reviewer").get(f"/review/{question.pk}/"))

        assert page.has_text("Your draft from")
        assert page.one("input", name="v/to").attributes["value"] == "Grace"
        assert not Html(as_("admin").get(f"/review/{question.pk}/")).has_text("draft")

    def test_it_is_thrown_away(self, as_, question):
        form = decision_form(question, "") | {"v/to": "Grace"}
        as_("reviewer").post(f"/review/{question.pk}/draft", form)

        post(as_("reviewer"), question, "draft", drop="1")

        assert not Draft.objects.exists()

    def test_a_changed_question_is_told(self, as_, question):
        form = decision_form(question, "") | {"v/to": "Grace"}
        as_("reviewer").post(f"/review/{question.pk}/draft", form)
        Interrupt.objects.filter(pk=question.pk).update(version=5)

        page = Html(as_("reviewer").get(f"/review/{question.pk}/"))

        assert page.has_text("The question has changed since you typed this")


class TestUndo:
    def test_the_strip_takes_the_decision_back_with_the_draft(
        self, as_, question, undoable
    ):
        browser = as_("reviewer")
        form = decision_form(question, "edit") | {"v/to": "Grace", "v/copies": "2"}
        page = Html(browser.post(f"/review/{question.pk}/decision", form, follow=True))
        assert page.has_text("Undo")
        decision = Decision.objects.get()

        page = Html(browser.post(f"/decisions/{decision.pk}/undo", follow=True))

        assert page.has_text("waits again")
        assert page.one("input", name="v/to").attributes["value"] == "Grace"
        question.refresh_from_db()
        assert (question.status, question.round) == ("pending", 2)

    def test_of_an_approval_without_a_word_no_draft_is_told(
        self, as_, question, undoable
    ):
        browser = as_("reviewer")
        form = decision_form(question, "approve") | SHOWN
        browser.post(f"/review/{question.pk}/decision", form)

        path = f"/decisions/{Decision.objects.get().pk}/undo"
        page = Html(browser.post(path, follow=True))

        assert page.has_text("waits again")
        assert not page.has_text("Your draft")

    def test_it_is_not_offered_where_it_is_final(self, as_, question):
        form = decision_form(question, "approve") | SHOWN
        page = Html(
            as_("reviewer").post(f"/review/{question.pk}/decision", form, follow=True)
        )
        assert not page.has_text("Undo")
        assert not Draft.objects.exists()

    def test_not_anothers_and_not_on_get(self, as_, question, undoable):
        form = decision_form(question, "approve") | SHOWN
        as_("reviewer").post(f"/review/{question.pk}/decision", form)
        path = f"/decisions/{Decision.objects.get().pk}/undo"

        assert as_("viewer").post(path).status_code == 403
        assert as_("stranger").post(path).status_code == 404
        assert as_("reviewer").get(path).status_code == 405
        question.refresh_from_db()
        assert question.status == "decided"


def test_a_first_approval_says_that_it_waits_for_more(as_, question):
    Policy.objects.create(body='{"quorum": 2}')
    form = decision_form(question, "approve") | SHOWN
    page = Html(
        as_("reviewer").post(f"/review/{question.pk}/decision", form, follow=True)
    )

    assert page.has_text("waits for more people")
    page = Html(as_("admin").get(f"/review/{question.pk}/"))
    assert page.has_text("1 of 2")
    assert page.has_text("Needs 2 people to approve")


class TestPreferences:
    def test_more_time_to_undo_is_kept_and_shown(self, as_, people, question, undoable):
        as_("reviewer").post("/preferences/", {"undo_seconds": "120"})

        page = Html(as_("reviewer").get("/preferences/"))
        assert page.one("input", id="undo-seconds").attributes["value"] == "120"
        assert Decider(people["reviewer"]).undo_seconds(question) == 120

        as_("reviewer").post("/preferences/", {"undo_seconds": ""})
        assert Decider(people["reviewer"]).undo_seconds(question) == 60

    @pytest.mark.parametrize("text", ["x", "-1", "1e9", "999999"])
    def test_nonsense_is_refused(self, as_, people, text):
        answer = as_("reviewer").post("/preferences/", {"undo_seconds": text})

        assert answer.status_code == 400


def test_usual_reasons_are_offered(as_, question):
    Policy.objects.create(body='{"reasons": ["wrong price", "<b>x</b>"]}')

    page = Html(as_("reviewer").get(f"/review/{question.pk}/"))

    assert page.has_text("wrong price")
    assert page.has_text("<b>x</b>")


def test_the_next_question_is_none_that_was_put_off(as_, other_thread, thread):
    first, later, wanted = (ask(thread if n < 1 else other_thread) for n in range(3))
    later.snoozed_until = timezone.now() + timedelta(hours=1)
    later.save()

    form = decision_form(first, "approve")
    answer = as_("admin").post(f"/review/{first.pk}/decision", form)

    assert answer["Location"] == f"/review/{wanted.pk}/"
