"""What pages are given: the queue, the review item, threads, runs and events."""

import dataclasses
from typing import Any

import pytest

from tests.services.conftest import ask
from workflows.engine import serde
from workflows.engine.checkpoint.base import Commit
from workflows.models import Interrupt, Run, Thread
from workflows.services import registry, thread_history
from workflows.services.action import NotVisible
from workflows.services.resume_run import ResumeRun
from workflows.services.review_item import last_decision, review_item
from workflows.services.review_queue import count, pending, queue_item
from workflows.services.start_run import StartRun
from workflows.services.thread_history import (
    events_after,
    run_detail,
    run_list,
    thread_detail,
)
from workflows.services.thread_list import thread_list
from workflows.storage.events import append_events
from workflows.storage.saver import DjangoSaver

pytestmark = pytest.mark.django_db


def save_state(thread, values):
    """One checkpoint with these channels, as the engine saves it."""
    saver = DjangoSaver(graph=thread.graph)
    place = saver.open(thread.pk, None)
    checkpoint: Any = {
        "v": 1,
        "id": "00000001-0000-7000-8000-000000000001",
        "channel_values": values,
        "channel_versions": dict.fromkeys(values, 1),
        "due": [{"node": "ask", "by": ["start"]}],
    }
    metadata = {"source": "loop", "step": 3}
    changed = dict.fromkeys(values, 1)
    saver.commit(
        Commit(
            thread.pk,
            "",
            None,
            checkpoint=checkpoint,
            metadata=metadata,
            changed=changed,
        )
    )
    saver.close(place)
    thread.refresh_from_db()


@pytest.fixture
def empty(letter, db):
    return Thread.objects.create(id="t1", graph="letter", title="First letter")


class TestQueue:
    def test_the_oldest_question_comes_first_page_by_page(self, people, thread):
        numbers = [ask(thread, f"Q{n}").pk for n in range(5)]

        first = pending(people.viewer, limit=2)
        rest = pending(people.viewer, after=first[-1].cursor)

        assert [item.number for item in (*first, *rest)] == numbers
        assert count(people.viewer) == 5

    def test_only_open_questions_are_listed(self, people, thread):
        ask(thread, status="decided")

        assert pending(people.viewer) == []

    def test_a_stranger_sees_none(self, people, question):
        assert pending(people.stranger) == []
        assert count(people.stranger) == 0
        assert queue_item(people.stranger, question.pk) is None

    def test_an_item_says_who_may_decide(self, people, question):
        assert queue_item(people.reviewer, question.pk).may_decide
        assert not queue_item(people.viewer, question.pk).may_decide

    def test_one_workflow_can_be_asked_for(self, people, question):
        assert pending(people.viewer, graph="letter")
        assert pending(people.viewer, graph="other") == []

    @pytest.mark.parametrize("after", ["x", ",", "2026-01-01,3", "1,99999999999999"])
    def test_a_nonsense_cursor_starts_over(self, people, question, after):
        assert len(pending(people.viewer, after=after)) == 1

    def test_a_page_takes_few_statements(
        self, people, thread, django_assert_max_num_queries
    ):
        for n in range(10):
            ask(thread, f"Q{n}")

        # The person's groups, the questions, the policies: however many rows.
        with django_assert_max_num_queries(3):
            pending(people.viewer)


class TestReviewItem:
    def test_it_holds_what_a_decision_needs(self, people, thread, question):
        other = ask(thread, "And this?")

        item = review_item(people.reviewer, question.pk)

        assert (item.question, item.shape) == ("Send it?", "plain")
        assert (item.version, item.round, item.checkpoint) == (1, 1, "c1")
        assert [each.number for each in item.siblings] == [other.pk]
        assert (item.position, item.of) == (1, 2)
        assert item.may_decide

    def test_after_the_decision_it_tells_it(self, people, question):
        ResumeRun(
            people.reviewer, question.pk, "reject", None, "no", version=1, round=1
        ).execute()

        item = review_item(people.viewer, question.pk)

        assert (item.decision.kind, item.decision.reason) == ("reject", "no")
        assert item.decision.answer["decision"] == "reject"
        assert not item.may_decide
        assert last_decision(people.viewer, question.pk).who == "Reviewer"

    def test_a_stranger_sees_none(self, people, question):
        with pytest.raises(NotVisible):
            review_item(people.stranger, question.pk)

    def test_a_damaged_payload_does_not_hide_the_item(self, people, question):
        Interrupt.objects.update(value='{"broken')

        assert review_item(people.viewer, question.pk).is_cut


class TestState:
    def test_secrets_are_masked_and_types_are_shown(self, people, empty):
        save_state(empty, {"text": "Dear Ann", "key": "s3cret", "when": (1, 2)})

        shown = {
            field.name: field
            for field in thread_detail(people.viewer, "t1").state.fields
        }

        assert shown["text"].tree == "Dear Ann"
        assert shown["text"].is_editable
        assert shown["when"].tree == {"$t": "tuple", "v": [1, 2]}
        assert shown["key"].is_masked
        assert "s3cret" not in str(
            dataclasses.asdict(thread_detail(people.viewer, "t1"))
        )

    def test_an_admin_reads_secrets(self, people, empty):
        save_state(empty, {"key": "s3cret"})

        assert thread_detail(people.admin, "t1").state.fields[0].tree == "s3cret"

    def test_a_type_that_is_gone_is_still_shown(self, people, empty):
        save_state(empty, {"text": {"$t": "x", "n": 1}, "n": 2})

        assert len(thread_detail(people.viewer, "t1").state.fields) == 2

    def test_long_values_are_cut_with_a_flag(self, people, empty):
        save_state(empty, {"text": "x" * 50_000, "many": list(range(1_000))})

        for field in thread_detail(people.viewer, "t1").state.fields:
            assert field.is_cut
            assert len(field.tree) <= 20_001

    def test_it_says_what_is_due(self, people, empty):
        save_state(empty, {"text": "a"})

        state = thread_detail(people.viewer, "t1").state
        assert (state.next, state.step) == (("ask",), 3)


class TestHistory:
    def test_runs_are_listed_newest_first(self, people, letter):
        first = StartRun(people.operator, "letter", {"key": "k"}).execute()
        second = StartRun(people.operator, "letter", {}).execute()

        assert [run.id for run in run_list(people.viewer)] == [second.pk, first.pk]
        assert run_list(people.viewer, before=second.pk)[0].id == first.pk
        assert run_list(people.viewer, status="error") == []
        assert run_list(people.stranger) == []
        assert len(thread_list(people.viewer)) == 2

    def test_a_secret_input_is_masked(self, people, letter):
        run = StartRun(people.operator, "letter", {"key": "k", "to": "Ann"}).execute()

        assert run_detail(people.viewer, run.pk).run.input == {
            "key": "•••",
            "to": "Ann",
        }
        assert run_detail(people.admin, run.pk).run.input["key"] == "k"

    def test_the_traceback_is_for_operators(self, people, thread):
        run = Run.objects.create(
            thread=thread,
            kind="start",
            status="error",
            error="E: x",
            traceback="line 1",
        )

        assert run_detail(people.operator, run.pk).run.traceback == "line 1"
        assert run_detail(people.viewer, run.pk).run.traceback == ""
        assert run_detail(people.viewer, run.pk).run.error == "E: x"

    def test_what_needs_attention_is_a_filter_of_its_own(self, people, thread):
        Run.objects.create(thread=thread, kind="start", status="error")
        parked = Run.objects.create(
            thread=thread, kind="start", status="error", reason="graph_changed"
        )

        found = run_list(people.viewer, status="attention")
        assert [run.id for run in found] == [parked.pk]

    def test_events_come_after_a_number(self, people, letter):
        thread_id = StartRun(people.operator, "letter", {}).execute().thread_id

        [event] = events_after(thread_id, 0)
        assert (event.seq, event.kind) == (1, "run")
        assert event.data["by"] == "Operator"
        assert events_after(thread_id, 1) == []

    def test_a_thread_says_what_may_be_done(self, people, thread):
        Run.objects.create(thread=thread, kind="start", status="error")

        shown = thread_detail(people.operator, "t1")
        assert (shown.may_continue, shown.may_edit, shown.may_cancel) == (
            True,
            True,
            False,
        )
        assert not thread_detail(people.reviewer, "t1").may_continue

    def test_of_a_workflow_that_is_gone_everything_is_masked(self, people, empty):
        save_state(empty, {"text": "a"})
        registry.unregister("letter")

        assert thread_detail(people.admin, "t1").state.fields[0].tree == "a"

    def test_stored_inputs_keep_their_types(self, people, letter):
        run = StartRun(people.operator, "letter", {"pair": (1, 2)}).execute()

        assert serde.loads(run.payload) == {"pair": (1, 2)}


@pytest.mark.parametrize("of", ["run", "thread"])
def test_a_page_never_holds_later_numbers_than_its_status(
    people, thread, monkeypatch, of
):
    """The run goes on while the page is made: what it misses must still be told to it."""
    run = Run.objects.create(thread=thread, graph=thread.graph, kind="start")
    append_events("default", thread.pk, run.pk, [("run", {"status": "running"})])
    original = thread_history.open_questions

    def meanwhile(row, rights):
        told = [("run", {"status": "interrupted"})]
        append_events("default", thread.pk, run.pk, told, thread_status="idle")
        return original(row, rights)

    monkeypatch.setattr(thread_history, "open_questions", meanwhile)
    if of == "run":
        found = thread_history.run_detail(people.viewer, run.pk)
        shown, events = found.thread, found.events
    else:
        shown = thread_history.thread_detail(people.viewer, thread.pk)
        events = shown.events

    assert shown.status == "interrupted"
    assert events[-1].seq == shown.seq
