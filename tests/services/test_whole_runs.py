"""Whole runs through the real engine: start, ask, answer, edit, fail, go on, be killed."""

from __future__ import annotations

import operator
import threading
from logging.config import dictConfig
from typing import Annotated, Any, TypedDict

import pytest
from django.db import connections
from pydantic import BaseModel, field_validator

from durableweb.func import task
from durableweb.graph import START, StateGraph
from durableweb.types import Send, interrupt
from tests.support.deciding import decided
from workflows.engine.drivers import faults
from workflows.models import Checkpoint, Decision, Event, Interrupt, Run
from workflows.services import registry
from workflows.services.action import (
    InvalidAnswer,
    NotAllowed,
    Refused,
    StaleCheckpoint,
    StaleQuestion,
    ThreadBusy,
)
from workflows.services.continue_run import ContinueRun
from workflows.services.edit_state import EditState
from workflows.services.execute_run import execute_run
from workflows.services.recover_runs import recover_runs
from workflows.services.resume_run import ResumeRun
from workflows.services.review_item import review_item
from workflows.services.start_run import StartRun
from workflows.services.thread_history import thread_detail
from workflows.storage.leases import keeper

pytestmark = pytest.mark.django_db(transaction=True)


class State(TypedDict, total=False):
    text: str
    names: list[str]
    said: Annotated[list[str], operator.add]


class Review(BaseModel):
    """What the schema cannot say: no shouting."""

    decision: str
    text: str

    @field_validator("text")
    @classmethod
    def is_calm(cls, text: str) -> str:
        if text.isupper():
            raise ValueError("do not shout")
        return text


@pytest.fixture
def noted() -> list[str]:
    """What the nodes have done."""
    return []


def register(name: str, **nodes: Any) -> None:
    graph = StateGraph(State)
    graph.add_sequence(list(nodes.items()))
    graph.add_edge(START, next(iter(nodes)))
    registry.register(graph.compile(name=name), name=name, editable=["text"])


def values(people: Any, thread_id: str) -> dict[str, Any]:
    state = thread_detail(people.admin, thread_id).state
    return {field.name: field.tree for field in state.fields}


def run_all() -> None:
    """Carry out what is due, as a worker does."""
    for _ in range(50):
        due = Run.objects.filter(status="pending").order_by("id").first()
        if due is None:
            return
        execute_run(due.pk)
    raise AssertionError("it does not end")


def answer(person: Any, row: Interrupt, kind: str = "approve", **more: Any) -> Decision:
    row.refresh_from_db()
    shown = {"version": row.version, "round": row.round}
    return decided(ResumeRun(person, row.pk, kind, **{**shown, **more}))


@pytest.fixture
def letter(noted):
    @task
    def draft(text: str) -> str:
        noted.append("draft")
        return text.upper()

    def write(state: State) -> State:
        noted.append("write")
        text = draft(state["text"]).result()
        given = interrupt({"question": "Send it?", "text": text})
        return {"said": [f"{given['decision']} {state['text']}"]}

    def post(state: State) -> State:
        noted.append("post")
        return {"said": ["posted"]}

    register("letter", write=write, post=post)


@pytest.fixture
def asked(people, letter):
    run = StartRun(people.operator, "letter", {"text": "hello"}).execute()
    run_all()
    return Interrupt.objects.get(thread=run.thread)


class TestAnswering:
    def test_a_run_asks_is_answered_and_ends(self, people, asked, noted):
        item = review_item(people.reviewer, asked.pk)
        assert (item.question, item.node) == ("Send it?", "write")

        answer(people.reviewer, asked)
        run_all()

        assert values(people, asked.thread_id)["said"] == ["approve hello", "posted"]
        assert noted == ["write", "draft", "write", "post"]
        asked.refresh_from_db()
        asked.thread.refresh_from_db()
        assert (asked.status, asked.thread.status) == ("resolved", "idle")
        statuses = Run.objects.order_by("id").values_list("kind", "status")
        assert list(statuses) == [("start", "interrupted"), ("resume", "success")]

    def test_an_edit_goes_in_with_the_answer(self, people, asked):
        answer(
            people.reviewer,
            asked,
            checkpoint=asked.thread.head,
            edits={"text": "changed"},
        )
        run_all()

        assert values(people, asked.thread_id)["said"] == ["approve changed", "posted"]
        # The draft was made for the text before the edit, and is kept: that is said.
        resumed = Run.objects.get(kind="resume")
        assert "'draft'" in resumed.warnings
        assert Event.objects.filter(kind="warning", run=resumed).count() == 1

    def test_warnings_are_kept_after_the_logging_was_configured_again(
        self, people, asked, settings
    ):
        dictConfig(settings.LOGGING)

        answer(
            people.reviewer,
            asked,
            checkpoint=asked.thread.head,
            edits={"text": "changed"},
        )
        run_all()

        assert "'draft'" in Run.objects.get(kind="resume").warnings

    def test_events_are_numbered_without_gaps(self, people, asked):
        answer(people.reviewer, asked)
        run_all()

        seqs = list(Event.objects.order_by("seq").values_list("seq", flat=True))
        assert seqs == list(range(1, len(seqs) + 1))
        kinds = set(Event.objects.values_list("kind", flat=True))
        assert {"run", "step", "task", "interrupt", "decision"} <= kinds

    def test_several_questions_are_answered_in_any_order(self, people):
        def ask_each(state: Any) -> State:
            given = interrupt(f"Invite {state['name']}?")
            return {"said": [f"{state['name']} {given['decision']}"]}

        def fan_out(state: State) -> list[Send]:
            return [Send("ask_each", {"name": name}) for name in state["names"]]

        graph = StateGraph(State)
        graph.add_node("ask_each", ask_each)
        graph.add_conditional_edges(START, fan_out, ["ask_each"])
        registry.register(graph.compile(name="guests"), name="guests")
        run = StartRun(
            people.operator, "guests", {"names": ["Ann", "Bob", "Cid"]}
        ).execute()
        run_all()
        rows = {row.title: row for row in Interrupt.objects.all()}
        assert len(rows) == 3

        answer(people.reviewer, rows["Invite Cid?"])
        answer(people.admin, rows["Invite Ann?"], "reject")
        run_all()
        assert Interrupt.objects.filter(status="pending").count() == 1
        run.thread.refresh_from_db()
        assert run.thread.status == "interrupted"
        answer(people.reviewer, rows["Invite Bob?"])
        run_all()

        said = values(people, run.thread_id)["said"]
        assert said == ["Ann reject", "Bob approve", "Cid approve"]
        assert not Run.objects.filter(status="error").exists()

    def test_an_answer_that_does_not_fit_comes_back(self, people):
        def ask(state: State) -> State:
            given = interrupt("Which text?", response_schema=Review)
            return {"said": [given.text]}

        register("typed", ask=ask)
        run = StartRun(people.operator, "typed", {"text": "x"}).execute()
        run_all()
        row = Interrupt.objects.get()

        with pytest.raises(InvalidAnswer):
            answer(people.reviewer, row, value={"decision": "approve", "text": 3})
        answer(people.reviewer, row, value={"decision": "approve", "text": "NOW"})
        run_all()

        row.refresh_from_db()
        assert (row.status, row.round) == ("pending", 2)
        assert "do not shout" in row.reason
        run.thread.refresh_from_db()
        assert run.thread.status == "interrupted"
        answer(people.reviewer, row, value={"decision": "approve", "text": "three"})
        run_all()
        assert values(people, run.thread_id)["said"] == ["three"]


class TestEditing:
    def edit(self, person, asked, **more):
        asked.thread.refresh_from_db()
        given = {
            "values": {"text": "edited"},
            "checkpoint": asked.thread.head,
            "reason": "typo",
            **more,
        }
        return EditState(person, asked.thread_id, **given)

    def test_the_question_is_asked_again_under_its_number(self, people, asked, noted):
        before = asked.version

        checkpoint = self.edit(people.operator, asked).execute()

        asked.thread.refresh_from_db()
        assert asked.thread.head == checkpoint
        with pytest.raises(StaleQuestion):
            decided(
                ResumeRun(people.reviewer, asked.pk, "approve", version=before, round=1)
            )
        run_all()
        assert list(Interrupt.objects.values_list("pk", "status")) == [
            (asked.pk, "pending")
        ]
        answer(people.reviewer, asked)
        run_all()
        assert values(people, asked.thread_id)["said"] == ["approve edited", "posted"]

    def test_it_is_told(self, people, asked):
        self.edit(people.operator, asked).execute()

        [event] = Event.objects.filter(kind="edit")
        assert '"channels":["text"]' in event.data
        assert '"by":"Operator"' in event.data

    def test_it_needs_the_head(self, people, asked):
        with pytest.raises(StaleCheckpoint):
            self.edit(people.operator, asked, checkpoint="old").execute()

    def test_it_needs_the_right_and_a_reason(self, people, asked):
        with pytest.raises(NotAllowed):
            self.edit(people.viewer, asked).execute()
        with pytest.raises(InvalidAnswer):
            self.edit(people.operator, asked, reason=" ").execute()

    def test_a_reviewer_may_while_a_question_is_theirs(self, people, asked):
        assert self.edit(people.reviewer, asked).check()

        asked.assignee = people.admin
        asked.save()
        with pytest.raises(NotAllowed):
            self.edit(people.reviewer, asked).check()

        asked.assignee, asked.status = None, "resolved"
        asked.save()
        with pytest.raises(NotAllowed):
            self.edit(people.reviewer, asked).check()

    def test_only_editable_channels(self, people, asked):
        with pytest.raises(NotAllowed):
            self.edit(people.operator, asked, values={"said": ["x"]}).execute()

    def test_a_thread_at_work_is_left_alone(self, people, asked):
        answer(people.reviewer, asked)

        with pytest.raises(ThreadBusy):
            self.edit(people.operator, asked).execute()

    def test_an_edit_and_a_decision_never_both_hold(self, people, asked):
        start = threading.Barrier(2)
        outcomes: list[object] = []

        def race(action: Any) -> None:
            try:
                start.wait(60)
                outcomes.append(action.execute())
            except Refused as refused:
                outcomes.append(refused)
            finally:
                connections.close_all()

        actions = [
            self.edit(people.operator, asked),
            ResumeRun(people.reviewer, asked.pk, "approve", version=1, round=1),
        ]
        racers = [threading.Thread(target=race, args=(each,)) for each in actions]
        for racer in racers:
            racer.start()
        for racer in racers:
            racer.join()

        refusals = [each for each in outcomes if isinstance(each, Refused)]
        assert len(refusals) == 1, outcomes
        edited = Event.objects.filter(kind="edit").exists()
        assert edited != Decision.objects.exists()

    def test_a_refused_edit_leaves_nothing(self, people, asked):
        with pytest.raises(InvalidAnswer):
            self.edit(people.operator, asked, values={"text": object()}).execute()

        assert not Run.objects.filter(kind="edit").exists()
        assert not Event.objects.filter(kind="edit").exists()


def test_a_new_start_on_a_thread_ends_its_open_questions(people, asked):
    again = StartRun(
        people.operator, "letter", {"text": "again"}, thread_id=asked.thread_id
    ).execute()
    run_all()

    assert again.thread_id == asked.thread_id
    statuses = Interrupt.objects.order_by("id").values_list("status", flat=True)
    assert list(statuses) == ["superseded", "pending"]


class TestFailing:
    def test_a_failed_run_goes_on_without_repeating_what_ended(self, people, noted):
        broken = [True]

        def first(state: State) -> State:
            noted.append("first")
            return {"said": ["first"]}

        def second(state: State) -> State:
            noted.append("second")
            if broken:
                raise ConnectionResetError("line is down")
            return {"said": ["second"]}

        register("fragile", first=first, second=second)
        run = StartRun(people.operator, "fragile", {"text": "x"}).execute()
        run_all()
        run.refresh_from_db()
        assert (run.status, run.error_node) == ("error", "second")
        assert "line is down" in run.error
        assert "line is down" in run.traceback
        assert run.error_attempt == 1

        broken.clear()
        ContinueRun(people.operator, run.thread_id).execute()
        run_all()

        assert values(people, run.thread_id)["said"] == ["first", "second"]
        assert noted.count("first") == 1

    def test_a_value_that_cannot_be_stored_names_its_place(self, people):
        register("unstorable", node=lambda state: {"text": object()})
        run = StartRun(people.operator, "unstorable", {"text": "x"}).execute()
        run_all()

        run.refresh_from_db()
        assert (run.status, run.reason) == ("error", "not_storable")
        assert "at $.text" in run.error


def kill_and_recover(k: int, run_id: int) -> bool:
    """Carry the run out, dying before its k-th request; then let a sweep take it up."""
    died = False
    with faults.kill_before(k):
        try:
            execute_run(run_id)
        except faults.Killed:
            died = True
    Run.objects.filter(status="running").update(lease_until="2020-01-01T00:00Z")
    recover_runs()
    run_all()
    return died


def test_a_run_killed_before_any_request_ends_as_if_nothing_had_been(
    people, letter, noted, monkeypatch
):
    # A killed process renews no lease.
    monkeypatch.setattr(keeper, "hold", lambda *_: None)
    ends = set()
    for k in range(1, 60):
        noted.clear()
        run = StartRun(people.operator, "letter", {"text": "hello"}).execute()
        died_at_start = kill_and_recover(k, run.pk)
        row = Interrupt.objects.get(thread=run.thread)
        assert row.status == "pending", k
        decision = answer(
            people.reviewer, row, checkpoint=_head(run), edits={"text": "new"}
        )
        died_in_resume = kill_and_recover(k, decision.run_id)

        assert not Run.objects.filter(status="error").exists(), (
            k,
            Run.objects.filter(status="error").values_list("error", "traceback"),
        )
        shown = values(people, run.thread_id)
        ends.add((tuple(shown["said"]), shown["text"]))
        assert len(ends) == 1, (k, ends)
        assert noted.count("draft") <= 2, k
        assert noted.count("post") <= 2, k
        steps = Checkpoint.objects.filter(thread=run.thread, namespace="")
        assert sorted(steps.values_list("step", flat=True)) == [-1, 0, 1, 2], k
        row.refresh_from_db()
        assert row.status == "resolved", k
        if not (died_at_start or died_in_resume):
            break
    assert ends == {(("approve new", "posted"), "new")}
    assert k > 5


def _head(run: Run) -> str:
    run.thread.refresh_from_db()
    return run.thread.head


def test_a_workflow_of_coroutines_is_carried_out_too(people):
    class Letter(TypedDict, total=False):
        text: str

    async def write(state: Letter) -> Letter:
        answer = interrupt("What shall it say?")
        return {"text": answer["value"] if isinstance(answer, dict) else answer}

    graph = StateGraph(Letter).add_node("write", write).add_edge(START, "write")
    registry.register(graph.compile(name="by_mail"), name="by_mail")
    run = StartRun(people.operator, "by_mail", {}).execute()

    assert execute_run(run.pk) == "interrupted"
    row = Interrupt.objects.get()
    answer = decided(
        ResumeRun(people.reviewer, row.pk, "respond", "Dear Ann", version=1, round=1)
    )

    assert execute_run(answer.run_id) == "success"
    row.refresh_from_db()
    assert row.status == "resolved"
