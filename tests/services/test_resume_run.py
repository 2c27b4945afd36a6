"""Answering a question: who may, when, what is kept, and who wins."""

import threading

import pytest
from django.db import connections

from tests.services.conftest import ask
from workflows.engine import serde
from workflows.engine.types import Command
from workflows.models import Decision, Event, Interrupt, Run
from workflows.services import registry
from workflows.services.action import (
    AlreadyDecided,
    InvalidAnswer,
    KeyReused,
    NotAllowed,
    NotPending,
    NotVisible,
    StaleCheckpoint,
    StaleQuestion,
)
from workflows.services.resume_run import ResumeRun


def decide(person, question, kind="approve", **more):
    shown = {"version": question.version, "round": question.round}
    return ResumeRun(person, question.pk, kind, **{**shown, **more})


@pytest.mark.django_db
class TestDeciding:
    def test_it_records_the_decision_and_queues_the_run(self, people, question, queue):
        decision = decide(people.reviewer, question, reason="fine").execute()

        question.refresh_from_db()
        assert question.status == "decided"
        assert question.version == 2
        assert (decision.kind, decision.person_name) == ("approve", "Reviewer")
        run = decision.run
        assert (run.kind, run.status) == ("resume", "pending")
        answer = {"decision": "approve", "value": "Send it?", "reason": "fine"}
        assert serde.loads(decision.answer) == answer
        assert serde.loads(run.payload) == Command(
            resume={question.interrupt_id: answer}
        )
        assert queue.runs == [run.pk]

    def test_it_tells_the_thread(self, people, question):
        decide(people.reviewer, question).execute()

        kinds = list(Event.objects.order_by("seq").values_list("seq", "kind"))
        assert kinds == [(1, "interrupt"), (2, "decision"), (3, "run")]

    @pytest.mark.parametrize("who", ["viewer", "operator"])
    def test_it_needs_the_right_to_decide(self, people, question, who):
        with pytest.raises(NotAllowed):
            decide(getattr(people, who), question).execute()
        assert not Decision.objects.exists()

    def test_a_stranger_sees_no_question(self, people, question):
        with pytest.raises(NotVisible):
            decide(people.stranger, question).execute()

    def test_an_admins_decision_is_marked_as_override(self, people, question):
        decide(people.admin, question).execute()

        assert '"override":true' in Event.objects.get(kind="decision").data

    def test_the_second_hears_who_was_first(self, people, question):
        decide(people.reviewer, question, "reject", reason="too long").execute()

        with pytest.raises(AlreadyDecided) as refused:
            decide(people.admin, question).execute()
        error = refused.value
        assert (error.who, error.kind, error.reason) == (
            "Reviewer",
            "reject",
            "too long",
        )
        assert error.when is not None

    @pytest.mark.parametrize("shown", [{"version": 9}, {"round": 2}])
    def test_what_was_shown_must_still_hold(self, people, question, shown):
        with pytest.raises(StaleQuestion):
            decide(people.reviewer, question, **shown).execute()

    @pytest.mark.parametrize("status", ["superseded", "withdrawn", "resolved"])
    def test_a_closed_question_takes_no_answer(self, people, question, status):
        Interrupt.objects.update(status=status)

        with pytest.raises(NotPending) as refused:
            decide(people.reviewer, question).execute()
        assert not isinstance(refused.value, AlreadyDecided)

    def test_decisions_on_a_busy_thread_queue_behind_each_other(self, people, thread):
        first, second = ask(thread, "A?"), ask(thread, "B?")

        decide(people.reviewer, first).execute()
        decide(people.reviewer, second).execute()

        assert Run.objects.filter(kind="resume", status="pending").count() == 2

    def test_a_question_that_is_being_asked_again_waits(self, people, question, thread):
        Run.objects.create(thread=thread, kind="continue", status="pending")

        with pytest.raises(StaleQuestion):
            decide(people.reviewer, question).execute()

    def test_a_repeated_key_gives_the_first_decision(self, people, question):
        first = decide(people.reviewer, question, idempotency_key="k").execute()
        again = decide(
            people.reviewer, question, "reject", idempotency_key="k"
        ).execute()

        assert again == first
        assert Run.objects.filter(kind="resume").count() == 1

    def test_a_key_belongs_to_one_question_and_person(self, people, thread):
        one, two = ask(thread), ask(thread)
        decide(people.reviewer, one, idempotency_key="k").execute()

        with pytest.raises(KeyReused):
            decide(people.reviewer, two, idempotency_key="k").execute()
        with pytest.raises(KeyReused):
            decide(people.admin, one, idempotency_key="k").execute()

    def test_an_unstorable_value_is_named(self, people, question):
        with pytest.raises(InvalidAnswer) as refused:
            decide(people.reviewer, question, "edit", value={"a": object()}).execute()
        assert any("a" in path for path in refused.value.errors)

    def test_an_unknown_kind_is_refused(self, people, question):
        with pytest.raises(InvalidAnswer):
            decide(people.reviewer, question, "shrug").execute()


@pytest.mark.django_db
class TestEditing:
    def test_edits_travel_with_the_answer(self, people, question):
        decision = decide(
            people.reviewer, question, checkpoint="c1", edits={"text": "new"}
        ).execute()

        command = serde.loads(decision.run.payload)
        assert command.update == {"text": "new"}
        assert serde.loads(decision.edits) == {"text": "new"}

    @pytest.mark.parametrize("channel", ["key", "owner", "__resume__"])
    def test_only_editable_channels_are_edited(self, people, question, channel):
        with pytest.raises(NotAllowed, match=channel):
            decide(
                people.reviewer, question, checkpoint="c1", edits={channel: 1}
            ).execute()

    @pytest.mark.parametrize("checkpoint", ["", "c0"])
    def test_an_edit_needs_the_head(self, people, question, checkpoint):
        with pytest.raises(StaleCheckpoint):
            decide(
                people.reviewer, question, checkpoint=checkpoint, edits={"text": "x"}
            ).execute()
        question.refresh_from_db()
        assert question.status == "pending"

    def test_an_edit_needs_a_thread_without_waiting_work(self, people, thread):
        one, two = ask(thread), ask(thread)
        decide(people.reviewer, one).execute()

        with pytest.raises(StaleCheckpoint):
            decide(people.reviewer, two, checkpoint="c1", edits={"text": "x"}).execute()


@pytest.mark.django_db(transaction=True)
def test_of_twenty_reviewers_exactly_one_wins(people, question):
    people.reviewer.pk  # noqa: B018
    start = threading.Barrier(20)
    outcomes: list[object] = []

    def race(number):
        try:
            action = decide(people.reviewer, question, reason=f"reviewer {number}")
            start.wait(60)
            outcomes.append(action.execute())
        except Exception as error:  # noqa: BLE001
            outcomes.append(error)
        finally:
            connections.close_all()

    racers = [threading.Thread(target=race, args=(n,)) for n in range(20)]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join()

    [winner] = [o for o in outcomes if isinstance(o, Decision)]
    losers = [o for o in outcomes if isinstance(o, AlreadyDecided)]
    assert len(losers) == 19, outcomes
    assert {loser.reason for loser in losers} == {winner.reason}
    assert Decision.objects.count() == 1
    assert Run.objects.filter(kind="resume").count() == 1
    seqs = list(Event.objects.order_by("seq").values_list("seq", flat=True))
    assert seqs == [1, 2, 3]


@pytest.mark.django_db
def test_the_groups_of_a_workflow_decide(people, thread, question):
    registry.unregister("letter")
    registry.register(object(), name="letter", decide_groups=["viewer"])

    with pytest.raises(NotVisible):
        decide(people.reviewer, question).execute()
    assert decide(people.viewer, question).execute()
