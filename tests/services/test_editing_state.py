"""Editing the state: an edit alone, an edit with its answer."""

from __future__ import annotations

import json
import threading
from collections import Counter
from typing import Any

import pytest
from django.db import connections

from tests.services.payments import (
    ask,
    asked,
    edit,
    everything,
    noted,
    pay,
    resume,
    run_all,
    state,
)
from tests.support.deciding import decided
from workflows.models import AuditEntry, Checkpoint, Comment, Event, Interrupt
from workflows.services.action import (
    InvalidAnswer,
    NotAllowed,
    Refused,
    StaleCheckpoint,
)
from workflows.services.desk.claim_question import ClaimQuestion
from workflows.services.desk.comment_on import CommentOn
from workflows.services.desk.deciding import Decider
from workflows.services.desk.drafts import SaveDraft, draft_of
from workflows.services.desk.hands import last_editor
from workflows.services.desk.undo_decision import UndoDecision
from workflows.services.edit_state import EditState
from workflows.services.resume_run import ResumeRun
from workflows.services.save_and_resume import SaveAndResume

__all__ = ["ask", "asked", "noted", "pay"]

pytestmark = pytest.mark.django_db(transaction=True)


class TestAnEditAlone:
    @pytest.mark.rule("R6.10")
    def test_the_question_stays_with_all_that_hangs_on_it(self, people, asked):
        ClaimQuestion(people.reviewer, asked.pk).execute()
        CommentOn(people.reviewer, asked.pk, "Too much?").execute()
        Interrupt.objects.filter(pk=asked.pk).update(assignee=people.reviewer)
        SaveDraft(people.reviewer, asked.pk, {"reason": ["hm"]}, 1, 1).execute()

        edit(people.operator, asked).execute()
        run_all()

        row = Interrupt.objects.get()
        assert (row.pk, row.status, row.assignee) == (
            asked.pk,
            "pending",
            people.reviewer,
        )
        assert '"amount":300' in row.value
        assert Comment.objects.get().interrupt_id == row.pk
        assert draft_of(people.reviewer, row.pk) is not None

    def test_the_timeline_says_why_it_is_asked_again(self, people, asked):
        edit(people.operator, asked).execute()

        told = json.loads(Event.objects.get(kind="edit").data)
        assert told["asked_again"] == [asked.pk]
        assert (told["reason"], told["channels"]) == ("typo", ["amount"])

    def test_it_is_in_the_audit(self, people, asked):
        before = asked.thread.head

        after = edit(people.operator, asked, updates={"tags": ["x"]}).execute()

        entry = AuditEntry.objects.get(action="state.edited")
        assert entry.person == str(people.operator.pk)
        assert json.loads(entry.data) == {
            "channels": ["amount", "tags"],
            "reason": "typo",
            "from": before,
            "to": after,
        }

    def test_values_and_updates(self, people, asked):
        edit(people.admin, asked, {"tags": ["only"]}).execute()
        run_all()
        assert state(people, asked)["tags"] == ["only"]

        edit(people.admin, asked, {"amount": 500}, updates={"tags": ["x"]}).execute()
        assert state(people, asked)["tags"] == ["only", "x"]

    def test_where_it_leads_past_the_question_the_thread_goes_on(
        self, people, asked, noted
    ):
        edit(people.reviewer, asked, {"amount": 50}).execute()
        run_all()

        asked.refresh_from_db()
        asked.thread.refresh_from_db()
        assert (asked.status, asked.thread.status) == ("superseded", "idle")
        assert noted == ["small"]

    def test_who_edited_may_not_decide_where_four_eyes_are_asked(self, people, ask):
        row = ask(policy={"four_eyes": True})
        edit(people.reviewer, row).execute()
        run_all()

        assert last_editor(row.thread_id) == people.reviewer.pk
        assert "second pair" in Decider(people.reviewer).why_not(row)
        edit(people.reviewer, row, {"amount": 400}).check()

    def test_a_fault_of_a_reducer_leaves_nothing(self, people, asked):
        before = everything()

        with pytest.raises(InvalidAnswer) as refused:
            edit(people.admin, asked, updates={"tags": 5}).execute()

        assert list(refused.value.errors) == ["tags"]
        assert everything() == before

    @pytest.mark.rule("R6.5")
    def test_racing_edits_have_one_winner_a_round(self, people, asked):
        """P7: versions = number of edits that were taken; every loser is told of the head."""
        rounds, racers = 5, 4
        outcomes: list[str] = []
        saved = Checkpoint.objects.filter(thread=asked.thread, namespace="").count()
        for number in range(rounds):
            asked.thread.refresh_from_db()
            start = threading.Barrier(racers)

            def race(value: int, start: Any = start, head: str = asked.thread.head):
                action = EditState(
                    people.admin, asked.thread_id, {"amount": value}, head, "race"
                )
                try:
                    start.wait(60)
                    action.execute()
                    outcomes.append("saved")
                except Refused as refused:
                    outcomes.append(type(refused).__name__)
                finally:
                    connections.close_all()

            threads = [
                threading.Thread(target=race, args=(1000 * number + each + 101,))
                for each in range(racers)
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            run_all()

        assert Counter(outcomes) == {
            "saved": rounds,
            "StaleCheckpoint": rounds * (racers - 1),
        }
        now = Checkpoint.objects.filter(thread=asked.thread, namespace="").count()
        assert now - saved == rounds
        assert Event.objects.filter(kind="edit").count() == rounds
        assert AuditEntry.objects.filter(action="state.edited").count() == rounds


class TestAnEditWithItsAnswer:
    @pytest.mark.rule("R5.21")
    def test_the_node_goes_on_with_the_edited_state(self, people, asked, noted):
        decided(resume(people.reviewer, asked, updates={"tags": ["x"]}))
        run_all()

        assert state(people, asked)["tags"] == ["begun", "x", "approve 300", "logged"]
        assert noted == ["ask"]  # look_up is answered from the record

    def test_both_are_told(self, people, asked):
        decision = decided(resume(people.reviewer, asked))

        told = [json.loads(e.data) for e in Event.objects.filter(kind="decision")]
        assert told[-1]["edited"] == ["amount"]
        entry = AuditEntry.objects.get(action="state.edited")
        data = json.loads(entry.data)
        assert (data["reason"], data["question"]) == ("typo", asked.pk)
        assert data["decision"] == decision.pk
        assert last_editor(asked.thread_id) == people.reviewer.pk

    def test_undo_takes_both_back(self, people, asked, settings):
        settings.UNDO_SECONDS = 60
        decision = resume(people.reviewer, asked).execute()

        UndoDecision(people.reviewer, decision.pk).execute()
        run_all()

        assert state(people, asked)["amount"] == 200
        asked.refresh_from_db()
        assert asked.status == "pending"

    def test_it_needs_the_head(self, people, asked):
        late = resume(people.reviewer, asked)
        edit(people.operator, asked).execute()
        run_all()
        before = everything()

        with pytest.raises(Refused):
            late.execute()
        fresh = resume(people.reviewer, asked)
        stale = SaveAndResume(
            ResumeRun(
                people.reviewer,
                asked.pk,
                "approve",
                reason="typo",
                version=fresh.decision.version,
                round=fresh.decision.round,
                checkpoint=late.decision.checkpoint,
            ),
            {"amount": 1},
        )
        with pytest.raises(StaleCheckpoint):
            stale.execute()
        assert everything() == before

    def test_four_eyes_and_quorum_ask_for_two_steps(self, people, ask):
        row = ask(policy={"four_eyes": True})
        with pytest.raises(NotAllowed, match="second pair"):
            resume(people.reviewer, row).execute()

    def test_with_a_quorum_all_see_the_same_state(self, people, ask):
        row = ask(policy={"quorum": 2})
        with pytest.raises(NotAllowed, match="2 approvals"):
            resume(people.reviewer, row).execute()

    def test_a_repeated_key_gives_the_first_decision_again(self, people, asked):
        action = resume(people.reviewer, asked, idempotency_key="k")

        first = action.execute()

        assert action.execute().pk == first.pk
        assert AuditEntry.objects.filter(action="state.edited").count() == 1

    def test_a_fault_of_a_reducer_leaves_nothing(self, people, asked):
        before = everything()

        with pytest.raises(InvalidAnswer) as refused:
            resume(people.reviewer, asked, updates={"tags": 5}).execute()

        assert list(refused.value.errors) == ["tags"]
        assert everything() == before
