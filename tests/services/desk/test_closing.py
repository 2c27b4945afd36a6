"""Closed without an answer, narrowed decisions, held answers: what the rules of a question allow."""

import pytest

from tests.services.conftest import ask
from workflows.engine import serde
from workflows.models import AuditEntry, Decision, Interrupt, Run
from workflows.services.action import AlreadyDecided, InvalidAnswer
from workflows.services.desk.holding import is_held, release_forgotten
from workflows.services.desk.rules import InvalidPolicy, read_part
from workflows.services.desk.undo_decision import UndoDecision
from workflows.services.resume_run import ResumeRun
from workflows.services.review_item import review_item

TOOL = {"type": "tool_approval", "name": "pay", "args": {"sum": 5}}


def decide(person, question, kind="approve", *args, **more):
    question.refresh_from_db()
    return ResumeRun(
        person,
        question.pk,
        kind,
        *args,
        version=question.version,
        round=question.round,
        **more,
    ).execute()


class TestClosing:
    def test_it_ends_the_run_where_the_policy_says_so(self, people, thread):
        question = ask(thread, TOOL, policy='{"close": "cancel"}')
        other = ask(thread, "And this?")

        made = decide(people.reviewer, question, "close", None, "moot")

        assert (made.kind, made.run, made.reason) == ("close", None, "moot")
        question.refresh_from_db()
        other.refresh_from_db()
        assert (question.status, other.status) == ("withdrawn", "withdrawn")
        run = Run.objects.get(pk=other.run_id)
        assert (run.status, run.cancel_reason) == ("cancelled", "moot")
        thread.refresh_from_db()
        assert thread.status == "idle"
        entry = AuditEntry.objects.get(action="question.decided")
        assert '"close"' in entry.data
        assert entry.person_name == "Reviewer"

    def test_whoever_comes_later_hears_who_closed_it(self, people, thread):
        question = ask(thread, TOOL, policy='{"close": "cancel"}')
        decide(people.reviewer, question, "close")

        with pytest.raises(AlreadyDecided) as refused:
            decide(people.admin, question)

        assert (refused.value.who, refused.value.kind) == ("Reviewer", "close")

    def test_with_ignore_the_workflow_goes_on_with_the_word_of_the_shape(
        self, people, thread
    ):
        question = ask(thread, {"n": 1}, policy='{"close": "ignore"}')

        made = decide(people.reviewer, question, "close", None, "moot")

        assert serde.loads(made.answer) == {
            "decision": "close",
            "value": None,
            "reason": "moot",
        }
        assert made.run.kind == Run.Kind.RESUME

    @pytest.mark.parametrize(
        ("value", "policy"),
        [({"n": 1}, ""), (TOOL, '{"close": "ignore"}'), (TOOL, "")],
    )
    def test_it_is_refused_where_nothing_allows_it(self, people, thread, value, policy):
        question = ask(thread, value, policy=policy)

        assert "close" not in review_item(people.reviewer, question.pk).kinds
        with pytest.raises(InvalidAnswer):
            decide(people.reviewer, question, "close")
        assert not Decision.objects.exists()

    def test_an_inbox_that_may_be_ignored_never_ends_its_run(self, people, thread):
        request = {"action_request": {"action": "mail", "args": {}}}
        question = ask(thread, [request, request])

        made = decide(people.reviewer, question, "close")

        assert serde.loads(made.answer) == [{"type": "ignore", "args": None}] * 2
        assert made.run is not None

    def test_a_thread_without_work_is_closed_too(self, people, thread):
        question = ask(thread, TOOL, policy='{"close": "cancel"}')
        Run.objects.update(status="success")

        decide(people.reviewer, question, "close")

        question.refresh_from_db()
        assert question.status == "withdrawn"
        assert question.closed_at is not None


class TestNarrowedDecisions:
    def test_only_those_named_are_taken(self, people, thread):
        policy = '{"decisions": ["approve", "reject"]}'
        question = ask(thread, {"n": 1}, policy=policy)

        assert review_item(people.reviewer, question.pk).kinds == ("approve", "reject")
        with pytest.raises(InvalidAnswer):
            decide(people.reviewer, question, "edit", {"n": 2})

    def test_each_call_of_a_batch_is_narrowed(self, people, thread):
        value = {"action_requests": [{"name": "a", "args": {}}]}
        question = ask(thread, value, policy='{"decisions": ["approve"]}')

        with pytest.raises(InvalidAnswer):
            decide(people.reviewer, question, "approve", [{"kind": "reject"}])

    def test_none_left_leaves_those_of_the_question(self, people, thread):
        question = ask(thread, {"n": 1}, policy='{"decisions": ["close"]}')
        assert "approve" in review_item(people.reviewer, question.pk).kinds

    @pytest.mark.parametrize(
        "part", [{"close": "maybe"}, {"decisions": ["explode"]}, {"decisions": []}]
    )
    def test_nonsense_is_refused(self, part):
        with pytest.raises(InvalidPolicy):
            read_part(part)


class TestHeldAnswers:
    @pytest.fixture
    def two(self, thread):
        return ask(thread, "One?"), ask(thread, "Two?")

    def test_they_wait_for_the_last_one(self, people, two, queue, settings):
        settings.UNDO_SECONDS = 10
        first, second = two

        held = decide(people.reviewer, first, hold=True)
        assert is_held(held.start_at)
        assert queue.runs == []

        last = decide(people.admin, second)
        held.refresh_from_db()
        assert held.start_at == last.start_at
        assert {run.due_at for run in Run.objects.filter(kind="resume")} == {
            Run.objects.get(pk=last.run_id).due_at
        }
        assert set(queue.runs) == {held.run_id, last.run_id}

    def test_the_last_one_is_not_held(self, people, question):
        assert not is_held(decide(people.reviewer, question, hold=True).start_at)

    def test_a_held_one_can_be_taken_back_and_frees_its_question(self, people, two):
        first, _ = two
        held = decide(people.reviewer, first, hold=True)

        UndoDecision(people.reviewer, held.pk).execute()

        first.refresh_from_db()
        assert first.status == "pending"

    def test_nobody_else_answers_what_is_held(self, people, two):
        first, _ = two
        decide(people.reviewer, first, hold=True)
        with pytest.raises(AlreadyDecided):
            decide(people.admin, first)

    def test_the_sweep_lets_go_where_the_other_question_went_away(
        self, people, two, queue
    ):
        first, second = two
        held = decide(people.reviewer, first, hold=True)
        assert release_forgotten() == 0

        Interrupt.objects.filter(pk=second.pk).update(status="withdrawn")

        assert release_forgotten() == 1
        assert queue.runs == [held.run_id]


def test_the_same_approval_sent_twice_is_one_vote(people, thread):
    question = ask(thread, {"n": 1}, policy='{"quorum": 2}')

    first = decide(people.reviewer, question, idempotency_key="k")
    again = decide(people.reviewer, question, idempotency_key="k")

    assert first.pk == again.pk
    assert question.votes.count() == 1
    assert AuditEntry.objects.filter(action="question.voted").count() == 1
    with pytest.raises(AlreadyDecided):
        decide(people.reviewer, question, "edit", {"n": 2}, idempotency_key="other")
