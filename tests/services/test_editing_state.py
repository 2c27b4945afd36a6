"""Editing the state: who may, what a preview tells, an edit alone, an edit with its answer."""

from __future__ import annotations

import json
import operator
import threading
from collections import Counter
from typing import Annotated, Any, TypedDict

import pytest
from django.contrib.auth.models import User
from django.db import connections

from tests.support.deciding import decided
from workflows.engine.constants import END, START
from workflows.engine.func.task import task
from workflows.engine.graph.state import StateGraph
from workflows.engine.runtime import interrupt
from workflows.models import (
    AuditEntry,
    Checkpoint,
    Comment,
    Decision,
    Event,
    Interrupt,
    Run,
)
from workflows.services import registry
from workflows.services.action import (
    InvalidAnswer,
    NotAllowed,
    NotVisible,
    Refused,
    StaleCheckpoint,
)
from workflows.services.desk.claim_question import ClaimQuestion
from workflows.services.desk.comment_on import CommentOn
from workflows.services.desk.deciding import ClaimedByOther, Decider, last_editor
from workflows.services.desk.drafts import SaveDraft, draft_of
from workflows.services.desk.undo_decision import UndoDecision
from workflows.services.edit_state import EditState
from workflows.services.execute_run import execute_run
from workflows.services.preview_edit import PreviewEdit
from workflows.services.resume_run import ResumeRun
from workflows.services.save_and_resume import SaveAndResume
from workflows.services.start_run import StartRun
from workflows.services.state_to_edit import state_to_edit
from workflows.services.thread_history import thread_detail

pytestmark = pytest.mark.django_db(transaction=True)


class State(TypedDict, total=False):
    amount: int
    tags: Annotated[list[str], operator.add]
    key: str
    internal: str


@pytest.fixture
def noted() -> list[str]:
    return []


@pytest.fixture
def pay(noted: list[str]) -> Any:
    """Registers the workflow: pays what is small, asks about what is big, logs meanwhile."""

    @task
    def look_up(amount: int) -> int:
        noted.append("look_up")
        return amount

    def begin(state: State) -> State:
        return {"tags": ["begun"], "key": "s3cret"}

    def ask(state: State) -> State:
        noted.append("ask")
        look_up(state["amount"]).result()
        given = interrupt({"question": "Pay it?", "amount": state["amount"]})
        return {"tags": [f"{given['decision']} {state['amount']}"]}

    def small(state: State) -> State:
        noted.append("small")
        return {"tags": ["paid at once"]}

    def log(state: State) -> State:
        noted.append("log")
        return {"tags": ["logged"]}

    def choose(state: State) -> list[str]:
        # It would pass on nothing that cannot be undone: a branch runs in previews, too.
        return ["ask" if state["amount"] > 100 else "small", "log"]

    def build(**more: Any) -> None:
        builder = StateGraph(State)
        builder.add_node("begin", begin)
        builder.add_node("ask", ask)
        builder.add_node("small", small)
        builder.add_node("log", log)
        builder.add_edge(START, "begin")
        builder.add_conditional_edges("begin", choose, ["ask", "small", "log"])
        for name in ("ask", "small", "log"):
            builder.add_edge(name, END)
        given = {"editable": ["amount", "tags", "key"], "secret": ["key"], **more}
        registry.register(builder.compile(name="pay"), name="pay", **given)

    return build


@pytest.fixture
def ask(pay: Any, people: Any, noted: list[str]) -> Any:
    """Starts the workflow and brings it to its question."""

    def start(**more: Any) -> Interrupt:
        pay(**more)
        StartRun(people.operator, "pay", {"amount": 200}).execute()
        run_all()
        noted.clear()
        return Interrupt.objects.select_related("thread").get()

    return start


@pytest.fixture
def asked(ask: Any) -> Interrupt:
    return ask()


def run_all() -> None:
    """Carry out what is due, as a worker does."""
    while due := Run.objects.filter(status="pending").order_by("id").first():
        execute_run(due.pk)


def edit(person: User, row: Interrupt, values: Any = None, **more: Any) -> EditState:
    row.thread.refresh_from_db()
    given = {"checkpoint": row.thread.head, "reason": "typo", **more}
    return EditState(person, row.thread_id, values or {"amount": 300}, **given)


def resume(person: User, row: Interrupt, values: Any = None, **more: Any) -> Any:
    row.refresh_from_db()
    row.thread.refresh_from_db()
    updates = more.pop("updates", {})
    decision = ResumeRun(
        person,
        row.pk,
        more.pop("kind", "approve"),
        reason=more.pop("reason", "typo"),
        version=row.version,
        round=row.round,
        checkpoint=row.thread.head,
        **more,
    )
    return SaveAndResume(decision, values or {"amount": 300}, updates)


def state(people: Any, row: Interrupt) -> dict[str, Any]:
    shown = thread_detail(people.admin, row.thread_id).state
    return {field.name: field.tree for field in shown.fields}


def everything() -> dict[str, Any]:
    """How many rows there are, and where each sequence stands."""
    models = (Run, Event, Interrupt, Decision, Checkpoint, AuditEntry)
    counts = {model.__name__: model.objects.count() for model in models}
    rows = Interrupt.objects.values_list("pk", "version", "round", "status")
    return {**counts, "questions": list(rows)}


class TestWhoMay:
    def test_reviewers_while_they_are_asked(self, people, asked):
        edit(people.reviewer, asked).check()
        decided(resume(people.admin, asked))
        run_all()

        with pytest.raises(NotAllowed, match="waits for an answer"):
            edit(people.reviewer, asked).check()
        edit(people.operator, asked).check()

    def test_not_viewers_and_not_strangers(self, people, asked):
        with pytest.raises(NotAllowed):
            edit(people.viewer, asked).check()
        with pytest.raises(NotAllowed):
            PreviewEdit(people.viewer, asked.thread_id, {"amount": 1}).check()
        for action in (edit, resume):
            with pytest.raises(NotVisible):
                action(people.stranger, asked).check()
        with pytest.raises(NotVisible):
            state_to_edit(people.stranger, asked.thread_id)

    def test_not_beside_the_claim_of_somebody_else(self, people, asked):
        ClaimQuestion(people.admin, asked.pk).execute()

        with pytest.raises(ClaimedByOther, match="Take it over"):
            edit(people.reviewer, asked).check()
        with pytest.raises(ClaimedByOther):
            resume(people.reviewer, asked).execute()
        edit(people.operator, asked).check()

    @pytest.mark.parametrize(
        "name",
        ["internal", "__resume__", "__pregel_tasks", "__start__", "owner", "as_node"],
    )
    def test_no_channel_that_is_not_editable(self, people, asked, name):
        before = everything()

        for action in (edit, resume):
            with pytest.raises(NotAllowed, match=name):
                action(people.admin, asked, {name: 1}).execute()
        with pytest.raises(NotAllowed, match=name):
            edit(people.admin, asked, updates={name: [1]}).execute()
        with pytest.raises(NotAllowed, match=name):
            PreviewEdit(people.admin, asked.thread_id, {name: 1}).execute()
        assert everything() == before

    def test_a_secret_is_not_written_by_who_may_not_read_it(self, people, asked):
        shown = state_to_edit(people.reviewer, asked.thread_id, asked.pk)

        [key] = [each for each in shown.channels if each.name == "key"]
        assert (key.is_masked, key.is_editable, key.tree) == (True, False, None)
        for action in (edit, resume):
            with pytest.raises(NotAllowed, match="key"):
                action(people.reviewer, asked, {"key": "mine"}).execute()
        edit(people.admin, asked, {"key": "new"}).execute()

    def test_a_question_of_another_thread_opens_no_editor(self, people, asked):
        StartRun(people.operator, "pay", {"amount": 500}).execute()
        run_all()
        other = Interrupt.objects.latest("pk")

        with pytest.raises(NotVisible):
            state_to_edit(people.admin, asked.thread_id, other.pk)

    @pytest.mark.parametrize("reason", ["", "  ", "x" * 10_001])
    def test_an_edit_says_why(self, people, asked, reason):
        for action in (edit, resume):
            with pytest.raises(InvalidAnswer) as refused:
                action(people.admin, asked, reason=reason).execute()
            assert list(refused.value.errors) == ["reason"]


class TestPreview:
    def preview(self, person, row, values=None, **more):
        given = {"amount": 300} if values is None else values
        return PreviewEdit(person, row.thread_id, given, **more).execute()

    def test_it_tells_both_ways(self, people, asked):
        effect = self.preview(people.reviewer, asked, question=asked.pk)

        assert [(f.name, f.before, f.after) for f in effect.alone.fields] == [
            ("amount", 200, 300)
        ]
        assert [each.node for each in effect.alone.again] == ["ask"]
        assert [each.node for each in effect.alone.finished] == ["log"]
        assert [each.node for each in effect.alone.calls_lost] == ["look_up"]
        assert effect.alone.questions == (asked.pk,)
        assert [each.node for each in effect.resumed.again] == ["ask"]
        assert [each.node for each in effect.resumed.calls_kept] == ["look_up"]
        assert effect.resumed.calls_lost == ()

    def test_it_tells_of_questions_that_end(self, people, asked):
        effect = self.preview(people.reviewer, asked, {"amount": 50})

        assert effect.alone.over == (asked.pk,)
        assert [each.node for each in effect.alone.fresh] == ["small"]
        assert [each.node for each in effect.alone.dropped] == ["ask"]
        assert effect.resumed is None

    def test_values_take_the_place_and_updates_are_folded_in(self, people, asked):
        replaced = self.preview(people.reviewer, asked, {"tags": ["x"]})
        folded = self.preview(people.reviewer, asked, {}, updates={"tags": ["x"]})

        [field] = replaced.alone.fields
        assert (field.before, field.after) == (["begun", "logged"], ["x"])
        [field] = folded.alone.fields
        assert field.after == ["begun", "logged", "x"]

    def test_a_fault_of_a_reducer_is_told_with_its_channel(self, people, asked):
        effect = self.preview(people.reviewer, asked, {}, updates={"tags": 5})

        assert list(effect.faults) == ["tags"]
        assert "TypeError" in effect.faults["tags"]

    def test_a_fault_of_a_branch_is_told(self, people, asked):
        effect = self.preview(people.reviewer, asked, {"amount": "many"})

        assert "TypeError" in effect.alone.problem

    def test_nothing_is_written_and_nobody_is_told(self, people, asked, queue, noted):
        before = everything()
        woken = list(queue.runs)

        self.preview(people.reviewer, asked, question=asked.pk)
        self.preview(people.reviewer, asked, {"amount": 50})

        assert everything() == before
        assert (noted, queue.runs) == ([], woken)

    def test_what_a_branch_writes_is_taken_back(self, people, ask, monkeypatch):
        row = ask()
        graph = registry.get("pay").graph
        [branch] = graph.program.nodes["begin"].branches

        def careless(state):
            User.objects.create_user("careless")
            return ["small"]

        monkeypatch.setattr(branch, "path", careless, raising=False)
        effect = self.preview(people.reviewer, row)

        assert [each.node for each in effect.alone.fresh] == ["small"]
        assert not User.objects.filter(username="careless").exists()

    def test_secrets_stay_masked(self, people, asked):
        shown = self.preview(people.admin, asked, {"key": "new"}).alone.fields
        assert [(f.name, f.after) for f in shown] == [("key", "new")]
        # A branch or a finished task may change what this person may not read.
        found = self.preview(people.reviewer, asked).alone.fields
        assert "s3cret" not in repr(found)


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
