"""Stopping a run and going on with a thread."""

from typing import Any

import pytest

from tests.services.conftest import ask
from tests.support.deciding import decided
from workflows.models import Run
from workflows.services.action import NotAllowed, NotPending, NotVisible, ThreadBusy
from workflows.services.cancel_run import CancelRun, cancel_thread
from workflows.services.continue_run import ContinueRun
from workflows.services.resume_run import ResumeRun

pytestmark = pytest.mark.django_db


@pytest.fixture
def failed(thread):
    return Run.objects.create(thread=thread, kind="start", status="error")


class TestContinue:
    def test_it_queues_a_run_without_input(self, people, failed, queue):
        run = ContinueRun(people.operator, "t1").execute()

        assert (run.kind, run.status, run.payload) == ("continue", "pending", "")
        assert queue.runs == [run.pk]

    def test_it_needs_an_operator(self, people, failed):
        with pytest.raises(NotAllowed):
            ContinueRun(people.reviewer, "t1").execute()
        with pytest.raises(NotVisible):
            ContinueRun(people.stranger, "t1").execute()

    def test_a_thread_at_work_is_left_alone(self, people, failed):
        ContinueRun(people.operator, "t1").execute()

        with pytest.raises(ThreadBusy):
            ContinueRun(people.operator, "t1").execute()

    def test_a_finished_thread_has_nothing_to_go_on_with(self, people, thread):
        Run.objects.create(thread=thread, kind="start", status="success")

        with pytest.raises(NotPending):
            ContinueRun(people.operator, "t1").execute()

    def test_a_question_is_answered_instead(self, people, question):
        with pytest.raises(NotPending):
            ContinueRun(people.operator, "t1").execute()


class TestCancel:
    def test_a_waiting_run_is_cancelled_at_once(self, people, failed):
        run = ContinueRun(people.operator, "t1").execute()

        cancelled = CancelRun(people.operator, run.pk, "not now").execute()

        assert (cancelled.status, cancelled.cancel_reason) == ("cancelled", "not now")

    def test_its_answer_is_asked_for_again(self, people, question):
        shown: Any = {"version": 1, "round": 1}
        decision = decided(ResumeRun(people.reviewer, question.pk, "approve", **shown))

        CancelRun(people.operator, decision.run_id).execute()

        question.refresh_from_db()
        assert (question.status, question.round) == ("pending", 2)
        assert "cancelled" in question.reason

    def test_the_next_run_of_the_thread_is_woken(self, people, thread, queue):
        first, second = ask(thread), ask(thread)
        shown: Any = {"version": 1, "round": 1}
        runs = [
            decided(ResumeRun(people.reviewer, each.pk, "approve", **shown)).run_id
            for each in (first, second)
        ]
        queue.runs.clear()

        CancelRun(people.operator, runs[0]).execute()

        assert queue.runs == [runs[1]]

    def test_a_running_one_is_asked_to_stop(self, people, thread):
        run = Run.objects.create(thread=thread, kind="start", status="running")

        assert CancelRun(people.operator, run.pk).execute().cancel_requested_at

    def test_one_that_has_ended_is_not_cancelled(self, people, failed):
        with pytest.raises(NotPending):
            CancelRun(people.operator, failed.pk).execute()

    @pytest.mark.parametrize("status", ["error", "timeout"])
    @pytest.mark.rule("RA.17")
    def test_one_that_failed_beside_a_question_asks_no_more(
        self, people, question, thread, status
    ):
        run = thread.runs.get()
        run.status, run.error = status, "ValueError: no"
        run.save()
        shown: Any = {"version": 1, "round": 1}
        decision = decided(ResumeRun(people.reviewer, question.pk, "approve", **shown))

        cancelled = CancelRun(people.operator, run.pk, "enough").execute()

        question.refresh_from_db()
        thread.refresh_from_db()
        assert (cancelled.status, cancelled.error) == ("cancelled", "ValueError: no")
        assert (question.status, thread.status) == ("withdrawn", "idle")
        assert Run.objects.get(pk=decision.run_id).status == "cancelled"
        with pytest.raises(NotPending):
            CancelRun(people.operator, run.pk).execute()

    @pytest.mark.rule("RA.17")
    def test_a_thread_that_failed_beside_a_question_asks_no_more(
        self, people, question, thread
    ):
        run = thread.runs.get()
        run.status = "error"
        run.save()

        assert cancel_thread(thread.pk) == [run.pk]

        question.refresh_from_db()
        assert question.status == "withdrawn"
        assert cancel_thread(thread.pk) == []

    def test_one_that_failed_before_another_ran_is_not_cancelled(
        self, people, question, failed
    ):
        last = Run.objects.create(
            thread=failed.thread, kind="continue", status="interrupted"
        )

        with pytest.raises(NotPending):
            CancelRun(people.operator, failed.pk).execute()

        assert cancel_thread(failed.thread_id) == [last.pk]

    def test_it_needs_an_operator(self, people, failed):
        with pytest.raises(NotAllowed):
            CancelRun(people.reviewer, failed.pk).execute()
