"""Whole runs through the real engine: start, ask, answer, end."""

from __future__ import annotations

from logging.config import dictConfig
from typing import Any, TypedDict

import pytest
from pydantic import BaseModel, field_validator

from durableweb.graph import START, StateGraph
from durableweb.types import Send, interrupt
from tests.services.letters import (
    State,
    answer,
    asked,
    letter,
    noted,
    register,
    run_all,
    values,
)
from tests.support.deciding import decided
from workflows.models import Event, Interrupt, Run
from workflows.services import registry
from workflows.services.action import InvalidAnswer
from workflows.services.desk.reopen_decision import ReopenDecision
from workflows.services.execute_run import execute_run
from workflows.services.resume_run import ResumeRun
from workflows.services.review_item import review_item
from workflows.services.start_run import StartRun

__all__ = ["asked", "letter", "noted"]

pytestmark = pytest.mark.django_db(transaction=True)


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


def test_a_new_start_on_a_thread_ends_its_open_questions(people, asked):
    again = StartRun(
        people.operator, "letter", {"text": "again"}, thread_id=asked.thread_id
    ).execute()
    run_all()

    assert again.thread_id == asked.thread_id
    statuses = Interrupt.objects.order_by("id").values_list("status", flat=True)
    assert list(statuses) == ["superseded", "pending"]


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


@pytest.mark.rule("R5.17", "RA.15")
def test_a_recovered_answer_starts_nothing_that_waits_for_another(people):
    """Its worker is lost behind the answered task; beside it somebody has answered meanwhile."""
    begun: list[str] = []

    def pay(state: State) -> State:
        begun.append("pay")
        return {"said": [interrupt(f"Pay {len(begun)}?")["decision"]]}

    def post(state: State) -> State:
        return {
            "said": [interrupt("Post?")["decision"], interrupt("Really?")["decision"]]
        }

    graph = StateGraph(State).add_node("pay", pay).add_node("post", post)
    graph.add_edge(START, "pay").add_edge(START, "post")
    registry.register(graph.compile(name="both"), name="both")
    StartRun(people.operator, "both", {"text": "x"}).execute()
    run_all()
    first, last = Interrupt.objects.get(node="post"), Interrupt.objects.get(node="pay")
    lost = answer(people.reviewer, first).run
    execute_run(lost.pk)
    assert Interrupt.objects.get(node="post", status="pending").title == "Really?"
    begun.append("later")
    waiting = answer(people.reviewer, last).run
    Run.objects.filter(pk=lost.pk).update(status="pending", fence=1, recoveries=1)

    execute_run(lost.pk)
    assert begun == ["pay", "later"]
    execute_run(waiting.pk)

    waiting.refresh_from_db()
    last.refresh_from_db()
    assert (waiting.reason, last.status, last.round) == ("", "resolved", 1)


@pytest.mark.rule("R6.12")
def test_a_question_answered_in_a_node_that_failed_is_left_behind_with_its_branch(
    people,
):
    tries: list[str] = []

    def first(state: State) -> State:
        return {"said": [interrupt("First?")["decision"]]}

    def second(state: State) -> State:
        said = interrupt("Second?")["decision"]
        tries.append(said)
        if len(tries) == 1:
            raise ValueError("no")
        return {"said": [said]}

    register("two", first=first, second=second)
    thread = StartRun(people.operator, "two", {"text": "x"}).execute().thread
    run_all()
    decision = answer(people.reviewer, Interrupt.objects.get(status="pending"))
    run_all()
    answer(people.reviewer, Interrupt.objects.get(status="pending"))
    run_all()
    assert Run.objects.filter(thread=thread).latest("id").status == "error"

    ReopenDecision(people.operator, decision.pk, "again").execute()
    for _ in range(2):
        run_all()
        answer(people.reviewer, Interrupt.objects.get(status="pending"))
    run_all()

    assert not Interrupt.objects.filter(status__in=("pending", "decided")).exists()
    assert Run.objects.filter(thread=thread).latest("id").status == "success"
