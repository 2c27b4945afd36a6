"""The split view: a question beside the queue, and what comes after a decision there."""

from datetime import timedelta

import pytest
from django.utils import timezone

from tests.web.conftest import Html, ask, decision_form, decisions
from workflows.models import Decision, Interrupt, Notice

PART = {"X-Queue-View": "sort=age"}


@pytest.fixture
def question(thread) -> Interrupt:
    return ask(thread, "Send the letter?")


class TestFirstView:
    def test_it_shows_mine_and_unassigned(self, as_, people, thread):
        mine, free = ask(thread, assignee=people["reviewer"]), ask(thread)
        other = ask(thread, assignee=people["admin"])

        page = Html(as_("reviewer").get("/queue/"))

        assert page.all("li", id=f"item-{mine.pk}")
        assert page.all("li", id=f"item-{free.pk}")
        assert not page.all("li", id=f"item-{other.pk}")
        assert page.one("a", href="/queue/?who=mine&sort=due").attributes[
            "aria-current"
        ]

    def test_what_is_due_first_stands_first(self, as_, thread):
        later = ask(thread)
        due = ask(thread, due_at=soon(5), due_order=soon(5))

        page = Html(as_("reviewer").get("/queue/"))

        rows = [e.attributes["id"] for e in page.all("li", **{"class": "q-row"})]
        assert rows == [f"item-{due.pk}", f"item-{later.pk}"]

    def test_every_view_can_be_asked_for_by_name(self, as_, people, thread):
        other = ask(thread, assignee=people["admin"])

        assert Html(as_("reviewer").get("/queue/?sort=age")).all(
            "li", id=f"item-{other.pk}"
        )
        assert Html(as_("reviewer").get("/queue/?who=")).all(
            "li", id=f"item-{other.pk}"
        )

    def test_it_says_how_the_day_goes(self, as_, people, thread):
        ask(thread, due_at=soon(59), due_order=soon(59))
        ask(thread, due_at=soon(61), due_order=soon(61))
        ask(thread, due_at=soon(5), due_order=soon(5), assignee=people["admin"])
        for person in ("reviewer", "reviewer", "admin"):
            decided(ask(thread, status="decided"), people[person])
        old = decided(ask(thread, status="decided"), people["reviewer"])
        Decision.objects.filter(pk=old.pk).update(
            created_at=timezone.now() - timedelta(days=1)
        )

        page = Html(as_("reviewer").get("/queue/"))

        assert "today: 2 done, 1 due in 1 h" in page.text()


def test_what_is_fetched_ahead_takes_no_news_with_it(as_, question):
    client = as_("reviewer")
    path = f"/review/{question.pk}/"
    client.post(f"{path}claim")

    ahead = client.get(path, headers=PART | {"X-Prefetch": "1"})
    opened = client.get(path, headers=PART)

    said = f"#{question.pk} is yours."
    assert said not in ahead.content.decode()
    assert said in opened.content.decode()


@pytest.mark.parametrize("path", ["/queue/", "/runs/"])
def test_a_page_that_looks_again_takes_no_news_with_it(as_, question, path):
    client = as_("reviewer")
    client.post(f"/review/{question.pk}/claim")

    again = client.get(path, headers={"X-Refresh": "1"})
    opened = client.get(path)

    said = f"#{question.pk} is yours."
    assert said not in again.content.decode()
    assert said in opened.content.decode()


def test_only_who_may_decide_can_choose_several(as_, question):
    assert Html(as_("reviewer").get("/queue/")).all("form", id="bulk-form")
    assert not Html(as_("viewer").get("/queue/")).all("form", id="bulk-form")


class TestNothingWaits:
    def test_the_last_decision_can_be_taken_back_from_there(
        self, as_, question, settings
    ):
        settings.UNDO_SECONDS = 60
        client = as_("reviewer")
        client.post(f"/review/{question.pk}/decision", decision_form(question))
        decision = Decision.objects.get()

        page = Html(client.get("/queue/"))

        assert page.has_text("Nothing waits for you")
        assert page.one("div", **{"class": "empty-last"})
        assert page.all("form", action=f"/decisions/{decision.pk}/undo")

    @pytest.mark.parametrize(
        ("query", "says", "leads_to"),
        [
            ("q=elephant", "leave out all 2 open questions", "Clear the filters"),
            ("due=overdue&sort=due", "2 questions wait in all", "Show the queue of"),
            ("snoozed=1", "Nothing is put off", "Show the queue of"),
            ("who=me&q=x", "leave out all 2 open questions", "Clear the filters"),
        ],
    )
    def test_a_view_that_hides_all_leads_to_what_it_hides(
        self, as_, question, query, says, leads_to
    ):
        ask(question.thread)

        page = Html(as_("admin").get(f"/queue/?{query}"))

        shown = page.one("div", id="queue-empty")
        [way] = [e for e in page.all("a") if shown in e.parents]
        assert says in shown.text
        assert way.text.startswith(leads_to)
        assert way.attributes["href"] == "/queue/?sort=age"

    def test_what_is_for_others_or_put_off_is_told(self, as_, people, question):
        Interrupt.objects.update(assignee=people["admin"])
        page = Html(as_("reviewer").get("/queue/"))
        assert page.has_text("1 open question is for other people, or put off.")

        Interrupt.objects.update(assignee=None, snoozed_until=soon(60))
        shown = Html(as_("admin").get("/queue/?sort=age")).one(id="queue-empty")
        assert "1 open question is put off." in shown.text
        assert "Start a workflow" not in shown.text

    def test_where_nothing_waits_a_workflow_can_be_started(self, as_, letter):
        assert Html(as_("admin").get("/queue/")).has_text("Start a workflow")
        filtered = Html(as_("admin").get("/queue/?q=elephant"))
        assert filtered.has_text("No question is open, with these filters or without")

    def test_whoever_has_no_role_is_told_so(self, as_, letter):
        page = Html(as_("stranger").get("/queue/"))

        assert page.has_text("You have no role here yet")
        assert not page.all(**{"data-live": "/ws/queue/"})

    def test_what_was_taken_back_is_neither_done_nor_the_last(
        self, as_, people, question, settings
    ):
        settings.UNDO_SECONDS = 60
        client = as_("reviewer")
        stands = decided(ask(question.thread, status="decided"), people["reviewer"])
        client.post(f"/review/{question.pk}/decision", decision_form(question))
        made = Decision.objects.latest("pk")
        client.post(f"/decisions/{made.pk}/undo", {})

        page = Html(client.get("/queue/?due=overdue&sort=due"))

        last = page.one("div", **{"class": "empty-last"})
        assert f"#{stands.interrupt_id}" in last.text
        assert "today: 1 done" in page.text()

    def test_it_leads_to_the_queue_of_the_team(self, as_, db):
        page = Html(as_("reviewer").get("/queue/"))

        assert "The queue of the whole team" in [e.text for e in page.all("a")]

    def test_an_admin_reads_how_a_question_comes_to_be(self, as_, db):
        assert Html(as_("admin").get("/queue/")).has_text('interrupt("Send it?")')
        assert not Html(as_("viewer").get("/queue/")).has_text("interrupt(")


class TestAddress:
    def test_it_names_the_question_in_the_pane(self, as_, question):
        page = Html(as_("reviewer").get(f"/queue/?sort=age&item={question.pk}"))

        form = page.form(f"/review/{question.pk}/decision")
        assert form.attributes["id"] == "decide"
        assert page.one("input", name="view").attributes["value"] == "sort=age"
        assert page.all("li", id=f"item-{question.pk}")

    @pytest.mark.parametrize("item", ["999999", "x", "9" * 30, "-1"])
    def test_a_question_that_is_not_there_is_said_beside_the_list(
        self, as_, question, item
    ):
        answer = as_("reviewer").get(f"/queue/?item={item}")

        assert answer.status_code == 200
        assert Html(answer).has_text(f"There is no question “{item}” for you")

    def test_what_one_may_not_see_looks_the_same(self, as_, other_thread):
        hidden = ask(other_thread)

        page = Html(as_("reviewer").get(f"/queue/?item={hidden.pk}"))

        assert page.has_text(f"There is no question “{hidden.pk}” for you")


class TestParts:
    def test_a_question_is_a_part_of_a_page(self, as_, question):
        answer = as_("reviewer").get(f"/review/{question.pk}/", headers=PART)

        assert answer["X-Part"] == "question"
        assert "X-Queue-View" in answer["Vary"]
        assert not Html(answer).all("html")
        assert Html(answer).form(f"/review/{question.pk}/decision")

    def test_without_the_header_it_is_a_page(self, as_, question):
        answer = as_("reviewer").get(f"/review/{question.pk}/")

        assert "X-Part" not in answer
        assert Html(answer).all("html")

    def test_fetching_ahead_leaves_a_notice_unread(self, as_, people, question):
        Notice.objects.create(
            person=people["reviewer"], interrupt=question, kind="mention", text="@"
        )
        client, ahead = as_("reviewer"), PART | {"X-Prefetch": "1"}

        page = Html(client.get(f"/review/{question.pk}/", headers=ahead))

        assert (
            page.one("div", **{"data-item": str(question.pk)}).attributes["data-unread"]
            == ""
        )
        assert Notice.objects.filter(read_at=None).exists()
        client.get(f"/review/{question.pk}/", headers=PART)
        assert not Notice.objects.filter(read_at=None).exists()


class TestDeciding:
    def test_it_is_answered_by_a_strip_and_the_next_question(
        self, as_, thread, other_thread, settings
    ):
        settings.UNDO_SECONDS = 60
        first, second = ask(thread), ask(other_thread)
        form = decision_form(first)

        answer = as_("admin").post(f"/review/{first.pk}/decision", form, headers=PART)

        said = answer.json()
        assert answer["X-Part"] == "done"
        assert said["done"] == f"Approved #{first.pk}"
        assert said["next"] == second.pk
        assert f"/decisions/{Decision.objects.get().pk}/undo" in said["html"]

    def test_the_thread_goes_on_before_the_list(self, as_, thread, other_thread):
        first, _, sibling = ask(thread), ask(other_thread), ask(thread)

        said = decide(as_("admin"), first).json()

        assert said["next"] == sibling.pk

    def test_next_follows_the_order_of_the_view(self, as_, thread, other_thread):
        question = ask(thread, priority=9)
        ask(other_thread)
        urgent = ask(other_thread, priority=5)
        view = {"X-Queue-View": "sort=priority"}

        said = decide(as_("admin"), question, view).json()

        assert said["next"] == urgent.pk

    def test_after_the_last_one_it_begins_at_the_top(self, as_, thread, other_thread):
        first, last = ask(other_thread), ask(thread)

        assert decide(as_("admin"), last).json()["next"] == first.pk

    def test_what_somebody_else_works_at_is_passed_over(
        self, as_, people, question, other_thread
    ):
        ask(other_thread, claimed_by=people["operator"], claimed_until=soon(5))

        assert decide(as_("admin"), question).json()["next"] == 0

    def test_who_comes_second_gets_the_question_with_their_draft(
        self, as_, people, question
    ):
        form = decision_form(question, "reject", reject_reason="too dear")
        decide(as_("admin"), question)

        answer = as_("reviewer").post(
            f"/review/{question.pk}/decision", form, headers=PART
        )

        assert answer.status_code == 409
        assert answer["X-Part"] == "question"
        assert (
            Html(answer).has_text("too dear") or "too dear" in answer.content.decode()
        )
        assert len(decisions()) == 1

    def test_without_scripts_the_view_stays(self, as_, thread, other_thread):
        first, second = ask(thread), ask(other_thread)
        form = decision_form(first, view="who=nobody&sort=age")

        answer = as_("admin").post(f"/review/{first.pk}/decision", form)

        assert answer.status_code == 303
        assert answer["Location"] == f"/queue/?who=nobody&sort=age&item={second.pk}"

    def test_taking_back_shows_the_question_again(self, as_, question, settings):
        settings.UNDO_SECONDS = 60
        client = as_("reviewer")
        decide(client, question)

        answer = client.post(
            f"/decisions/{Decision.objects.get().pk}/undo", headers=PART, follow=True
        )

        assert answer["X-Part"] == "question"
        assert f"Taken back: #{question.pk} waits again." in answer.content.decode()


def decide(client, question, view=PART):
    path = f"/review/{question.pk}/decision"
    return client.post(path, decision_form(question), headers=view)


def decided(question, person) -> Decision:
    return Decision.objects.create(
        interrupt=question, round=1, kind="approve", person=person, answer="null"
    )


def soon(minutes: int):
    return timezone.now() + timedelta(minutes=minutes)
