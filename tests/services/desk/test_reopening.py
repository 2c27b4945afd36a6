"""A decision that cannot be undone any more: its question is asked again on a fork."""

from __future__ import annotations

import json
import operator
from typing import Annotated, Any, TypedDict

import pytest

from tests.engine.support.shop import done, give_back, shop
from tests.support.deciding import decided
from workflows.engine.constants import START
from workflows.engine.graph.state import StateGraph
from workflows.engine.runtime import interrupt
from workflows.engine.sagas import compensate
from workflows.models import (
    AuditEntry,
    Decision,
    Event,
    Interrupt,
    Policy,
    Reopening,
    Run,
)
from workflows.services import registry
from workflows.services.action import (
    InvalidAnswer,
    NotAllowed,
    NotPending,
    NotVisible,
    ThreadBusy,
)
from workflows.services.desk.decision_list import DecisionFilter, decision_list
from workflows.services.desk.decision_page import decision_page
from workflows.services.desk.reopen_decision import ReopenDecision
from workflows.services.execute_run import execute_run
from workflows.services.resume_run import ResumeRun
from workflows.services.start_run import StartRun

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.rule("R6.12")]


assert shop


class State(TypedDict, total=False):
    log: Annotated[list[str], operator.add]


def first(state: State) -> State:
    answer = interrupt({"question": "Pay?", "proposed": {"amount": 5}})
    return {"log": [f"first {answer['decision']}"]}


def second(state: State) -> State:
    decision = interrupt("Archive?")["decision"]
    if decision == "reject":
        raise RuntimeError("there is no other way")
    return {"log": [f"second {decision}"]}


def buy(state: State) -> State:
    compensate(give_back, "a")
    return {"log": ["bought"]}


@pytest.fixture
def asked(people, queue):
    """A thread whose first question was approved; its second waits."""
    Policy.objects.create(body='{"undo": 0}')
    graph = StateGraph(State).add_sequence([("first", first), ("second", second)])
    registry.register(graph.add_edge(START, "first").compile(name="pay"), name="pay")
    run = StartRun(people.operator, "pay", {"log": []}).execute()
    execute_run(run.pk)
    question = Interrupt.objects.get()
    decide(people.reviewer, question, "approve")
    work(queue)
    return question


def decide(person: Any, row: Interrupt, kind: str) -> Decision:
    """Decide the question as it stands."""
    row.refresh_from_db()
    return decided(
        ResumeRun(person, row.pk, kind, version=row.version, round=row.round)
    )


def work(queue: Any) -> None:
    """Carry out what was queued, until nothing is."""
    while queue.runs:
        execute_run(queue.runs.pop(0))


def test_the_question_is_asked_again_and_both_are_linked(people, asked, queue):
    made = Decision.objects.get()
    ReopenDecision(people.operator, made.pk, "wrong payee").execute()

    (before,) = decision_page(people.operator, made.pk).line.reopened
    assert before.is_under_way
    assert before.question is None
    work(queue)

    again = Interrupt.objects.filter(status="pending").get()
    assert (again.node, again.pk > asked.pk) == ("first", True)
    (fork,) = decision_page(people.operator, made.pk).line.reopened
    assert (fork.question, fork.status, fork.who) == (again.pk, "pending", "Operator")
    # What the old line still asked is closed, and nothing of its work is on the new one.
    assert Interrupt.objects.get(node="second").status == "superseded"
    decide(people.reviewer, again, "reject")
    work(queue)
    newest = decision_list(people.reviewer, DecisionFilter("mine"))[0]
    assert (newest.question, newest.again_of) == (again.pk, made.pk)
    assert Interrupt.objects.filter(node="second", status="pending").count() == 1


def test_it_is_in_the_audit_and_in_the_timeline(people, asked, queue):
    made = Decision.objects.get()
    ReopenDecision(people.operator, made.pk, "wrong payee").execute()

    entry = AuditEntry.objects.get(action="decision.reopened")
    told = json.loads(entry.data)
    assert (told["decision"], told["reason"]) == (made.pk, "wrong payee")
    assert told["from"] == made.checkpoint
    desk = [json.loads(each.data) for each in Event.objects.filter(kind="desk")]
    assert "reopened" in [each["action"] for each in desk]
    page = decision_page(people.operator, made.pk)
    assert [each.what for each in page.audit] == ["decided", "reopened on a fork"]


def test_only_whoever_may_start_the_workflow(people, asked):
    made = Decision.objects.get()

    for person in (people.reviewer, people.viewer):
        with pytest.raises(NotAllowed):
            ReopenDecision(person, made.pk, "because").execute()
    with pytest.raises(NotVisible):
        ReopenDecision(people.stranger, made.pk, "because").execute()
    with pytest.raises(NotVisible):
        ReopenDecision(people.operator, made.pk + 1000, "because").execute()
    assert not Reopening.objects.exists()


def test_it_needs_a_reason(people, asked):
    with pytest.raises(InvalidAnswer) as refused:
        ReopenDecision(people.operator, Decision.objects.get().pk, "  ").execute()

    assert "reason" in refused.value.errors


def test_a_second_time_only_when_the_first_is_decide(people, asked, queue):
    made = Decision.objects.get()
    ReopenDecision(people.operator, made.pk, "once").execute()
    with pytest.raises(NotPending, match="reopened already"):
        ReopenDecision(people.operator, made.pk, "twice").execute()
    work(queue)
    with pytest.raises(NotPending, match="as question #"):
        ReopenDecision(people.operator, made.pk, "twice").execute()

    decide(people.reviewer, Interrupt.objects.get(status="pending"), "approve")
    work(queue)
    ReopenDecision(people.operator, made.pk, "twice").execute()
    work(queue)

    forks = decision_page(people.operator, made.pk).line.reopened
    assert [each.status for each in forks] == ["resolved", "pending"]
    assert len({each.question for each in forks}) == 2


def test_not_while_it_can_be_taken_back(people, asked, queue):
    Policy.objects.create(version=2, body='{"undo": 3600}')
    made = decide(people.reviewer, Interrupt.objects.get(status="pending"), "approve")

    with pytest.raises(NotPending, match="take it back instead"):
        ReopenDecision(people.operator, made.pk, "too soon").execute()
    # Nor another one of the thread: its work has not ended.
    with pytest.raises(ThreadBusy):
        ReopenDecision(people.operator, asked.decisions.get().pk, "now").execute()


def test_four_eyes_keep_whoever_reopened_from_deciding(people, asked, queue):
    people.operator.groups.add(*people.reviewer.groups.all())
    made = Decision.objects.get()
    Policy.objects.create(version=3, body='{"undo": 0, "four_eyes": true}')
    ReopenDecision(people.operator, made.pk, "again").execute()
    work(queue)

    with pytest.raises(NotAllowed, match="second pair of eyes"):
        decide(people.operator, Interrupt.objects.get(status="pending"), "approve")


@pytest.mark.rule("RB.8")
def test_what_was_done_before_it_and_is_undone_stands_not_again(people, queue):
    """A question that came before all that is asked again."""
    Policy.objects.create(body='{"undo": 0}')
    steps = [("first", first), ("buy", buy), ("second", second)]
    graph = StateGraph(State).add_sequence(steps).add_edge(START, "first")
    registry.register(graph.compile(name="pay"), name="pay")
    StartRun(people.operator, "pay", {"log": []}).execute()
    work(queue)
    early = decide(people.reviewer, Interrupt.objects.get(), "approve")
    work(queue)
    late = decide(people.reviewer, Interrupt.objects.get(status="pending"), "reject")
    work(queue)
    assert Run.objects.latest("id").status == "error"
    assert done == ["gave back a"]

    with pytest.raises(NotPending, match="is undone since"):
        ReopenDecision(people.operator, late.pk, "wrong").execute()

    assert not Reopening.objects.exists()
    ReopenDecision(people.operator, early.pk, "wrong payee").execute()
