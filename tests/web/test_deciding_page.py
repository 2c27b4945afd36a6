"""The page around a decision: what is offered, several questions, states, sending twice."""

import pytest

from tests.web.conftest import Html, ask, decision_form
from tests.web.shape_samples import TOOL
from tests.web.test_shapes import page_of, reviewer, send
from workflows.models import Decision, Interrupt, Policy, Run

__all__ = ["reviewer"]


class TestTheBar:
    def test_only_what_the_policy_leaves_is_offered(self, reviewer, thread):
        question = ask(thread, TOOL, policy='{"decisions": ["reject", "respond"]}')

        page = page_of(reviewer, question)

        assert set(page.buttons()) == {"reject", "respond"}
        assert not page.all("input", name="v/eur")
        main = [
            e.attributes["data-key"]
            for e in page.all("summary")
            if "btn-primary" in e.attributes.get("class", "")
        ]
        assert main == ["t"]

    def test_each_decision_shows_its_key(self, reviewer, thread):
        question = ask(thread, TOOL, policy='{"close": "cancel"}')

        page = page_of(reviewer, question)

        keys = {
            e.attributes["data-key"]: " ".join(e.text.split())
            for e in page.elements
            if e.tag in {"summary", "button", "a"}
            and "data-key" in e.attributes
            and any("data-decision-bar" in p.attributes for p in e.parents)
        }
        assert set("rbtiea") <= keys.keys()
        assert all(words.endswith(key) for key, words in keys.items())

    def test_closing_says_that_it_ends_the_run_and_does(self, reviewer, thread):
        question = ask(thread, TOOL, policy='{"close": "cancel"}')
        other = ask(thread, "And this?")
        assert page_of(reviewer, question).has_text("The run ends as cancelled")

        assert send(reviewer, question, "close", close_reason="moot").status_code == 303

        page = page_of(reviewer, question)
        assert page.has_text("closed without an answer by reviewer")
        assert page.has_text("its run was cancelled")
        assert page_of(reviewer, other).has_text("no longer needs an answer")

    def test_words_that_are_needed_are_asked_for_in_their_box(self, reviewer, thread):
        question = ask(thread, TOOL)

        response = send(reviewer, question, "changes", changes_needed=" ")
        page = Html(response)

        assert response.status_code == 400
        box = page.one("textarea", id="changes-text")
        assert box.attributes["aria-invalid"] == "true"
        assert "open" in page.one("details", id="changes-panel").attributes
        summary = page.one("section", id="error-summary")
        assert [
            a.attributes["href"] for a in page.all("a") if summary in a.parents
        ] == ["#changes-text"]

    def test_usual_reasons_have_the_keys_one_to_nine(self, reviewer, thread):
        Policy.objects.create(
            body=f'{{"reasons": {list(map(str, range(12)))}}}'.replace("'", '"')
        )
        question = ask(thread, TOOL)

        page = page_of(reviewer, question)

        canned = [e for e in page.all("button") if "data-canned" in e.attributes]
        assert [e.attributes["data-key"] for e in canned] == list("123456789")

    def test_the_policy_stands_under_the_title(self, reviewer, thread):
        question = ask(
            thread,
            TOOL,
            policy='{"quorum": 2, "decide_groups": ["reviewer"], "four_eyes": true}',
        )

        (line,) = page_of(reviewer, question).all("p", **{"class": "policy-line"})

        assert " ".join(line.text.split()) == (
            "Needs 2 people of reviewer to approve; "
            "you may not have started it or edited it last. 0 of 2 so far."
        )


class TestSeveralQuestions:
    @pytest.fixture
    def three(self, thread):
        return [ask(thread, {"title": f"Question {n}", "n": n}) for n in (1, 2, 3)]

    def test_each_is_answered_alone_and_by_different_people(self, as_, three):
        for who, question in zip(("reviewer", "admin"), three, strict=False):
            send(
                as_(who), question, "approve", **{"v/n": str(three.index(question) + 1)}
            )

        made = Decision.objects.values_list("person_name", "interrupt")
        assert set(made) == {("reviewer", three[0].pk), ("admin", three[1].pk)}
        page = page_of(as_("reviewer"), three[2])
        assert set(page.buttons()) >= {"approve"}

    def test_the_stepper_says_which_of_how_many(self, reviewer, three):
        page = page_of(reviewer, three[1])

        assert page.has_text("2 of 3")
        assert page.one("a", rel="prev").attributes["href"] == f"/review/{three[0].pk}/"
        assert page.one("a", rel="next").attributes["href"] == f"/review/{three[2].pk}/"

    def test_an_answer_is_held_until_all_are_there(self, as_, three):
        reviewer = as_("reviewer")
        page = page_of(reviewer, three[0])
        assert page.one("input", name="hold").attributes["form"] == "decide"

        send(reviewer, three[0], "approve", hold="1", **{"v/n": "1"})

        page = page_of(reviewer, three[0])
        assert page.has_text("It is held until the other open questions")
        assert page.form(f"/decisions/{Decision.objects.get().pk}/undo")
        send(reviewer, three[1], "approve", hold="1", **{"v/n": "2"})
        assert not [run for run in Run.objects.filter(kind="resume") if is_due(run)]
        send(as_("admin"), three[2], "reject", hold="1")
        runs = Run.objects.filter(kind="resume")
        assert [is_due(run) for run in runs] == [True] * 3

    def test_it_is_not_offered_for_a_single_question(self, reviewer, thread):
        assert not page_of(reviewer, ask(thread)).all("input", name="hold")


def is_due(run):
    return run.due_at.year < 9999


class TestStates:
    @pytest.mark.parametrize(
        ("status", "words"),
        [
            ("expired", "Its time ran out before anybody answered."),
            ("withdrawn", "The workflow no longer needs an answer."),
            ("superseded", "The workflow went another way"),
        ],
    )
    def test_a_question_that_is_gone_is_explained(
        self, reviewer, thread, status, words
    ):
        question = ask(thread)
        Interrupt.objects.filter(pk=question.pk).update(status=status)

        response = reviewer.get(f"/review/{question.pk}/")

        assert response.status_code == 200
        page = Html(response)
        assert page.has_text(words)
        assert page.buttons() == {}

    def test_one_whose_thread_was_deleted_is_not_found(self, reviewer, thread):
        question = ask(thread)
        thread.delete()

        assert reviewer.get(f"/review/{question.pk}/").status_code == 404
        assert send(reviewer, question, "approve").status_code == 404

    @pytest.mark.parametrize(
        ("kind", "typed"),
        [
            ("changes", {"changes_needed": "my own words"}),
            ("respond", {"response": "my own words"}),
            ("reject", {"reject_reason": "my own words"}),
        ],
    )
    def test_words_are_not_lost_to_a_decision_of_another(
        self, as_, thread, kind, typed
    ):
        question = ask(thread, TOOL)
        send(as_("admin"), question, "approve", **{"v/eur": "5"})

        response = send(as_("reviewer"), question, kind, **typed)

        assert response.status_code == 409
        page = Html(response)
        conflict = page.one("section", id="conflict")
        for words in ("Already decided by admin", "approved"):
            assert words in conflict.text
        assert page.one("p", id="words-1").text == "my own words"


class TestSendingTwice:
    @pytest.mark.parametrize(
        ("kind", "typed"),
        [("approve", {"v/eur": "5"}), ("changes", {"changes_needed": "x"})],
    )
    def test_the_first_answer_stands(self, reviewer, thread, kind, typed):
        question = ask(thread, TOOL)
        form = decision_form(question, kind, **typed)
        path = f"/review/{question.pk}/decision"

        answers = [reviewer.post(path, form) for _ in "ab"]

        assert [each.status_code for each in answers] == [303, 303]
        assert Decision.objects.count() == 1

    def test_the_key_decides_not_what_comes_with_it(self, reviewer, thread):
        question = ask(thread, TOOL)
        form = decision_form(question, "approve", **{"v/eur": "5"})
        path = f"/review/{question.pk}/decision"
        reviewer.post(path, form)

        again = reviewer.post(path, form | {"kind": "reject"})

        assert again.status_code == 303
        assert Decision.objects.get().kind == "approve"

    def test_closing_twice_is_closing_once(self, reviewer, thread):
        question = ask(thread, TOOL, policy='{"close": "cancel"}')
        form = decision_form(question, "close")

        path = f"/review/{question.pk}/decision"
        assert [reviewer.post(path, form).status_code for _ in "ab"] == [303, 303]

    def test_a_vote_counts_once(self, reviewer, thread):
        question = ask(thread, TOOL, policy='{"quorum": 2}')
        form = decision_form(question, "approve", **{"v/eur": "5"})

        path = f"/review/{question.pk}/decision"
        assert [reviewer.post(path, form).status_code for _ in "ab"] == [303, 303]
        assert question.votes.count() == 1

    def test_the_key_of_another_decision_is_refused(self, reviewer, thread):
        first, second = ask(thread, TOOL), ask(thread, TOOL)
        form = decision_form(first, "approve", **{"v/eur": "5"})
        reviewer.post(f"/review/{first.pk}/decision", form)

        answer = reviewer.post(f"/review/{second.pk}/decision", form)

        assert answer.status_code == 409
        second.refresh_from_db()
        assert second.status == "pending"
