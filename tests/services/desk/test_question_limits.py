"""Questions that the workflow gives a deadline: the desk keeps it, and tells the workflow (RB.4)."""

from __future__ import annotations

import json
from datetime import timedelta
from functools import partial
from typing import Any, TypedDict

import pytest
from django.db.models import F

from tests.services import letters
from tests.services.family import swept
from tests.services.posting import carried_out, values_of
from tests.storage.racing import together
from workflows.engine.graph.state import StateGraph
from workflows.engine.runtime import interrupt
from workflows.models import Decision, Event, Interrupt, Run, Thread
from workflows.services import registry
from workflows.services.desk.policies import rules_for
from workflows.services.desk.steps import take_due_steps
from workflows.services.desk.words import in_words
from workflows.services.review_item import review_item
from workflows.services.start_run import start_thread

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.rule("RB.4")]
HOUR = 3600


class State(TypedDict, total=False):
    said: list[Any]


class Desk:
    """A workflow whose node asks, and gives up as `more` says."""

    def __init__(self) -> None:
        self.more: dict[str, Any] = {"timeout": HOUR, "on_timeout": "late"}

    def ask(self, state: State) -> State:
        return {"said": [interrupt("Pay?", **self.more), interrupt("Well?")]}


@pytest.fixture
def desk() -> Desk:
    made = Desk()
    graph = StateGraph(State).add_node("ask", made.ask).set_entry_point("ask")
    registry.register(graph.compile(), name="desk")
    return made


def asked() -> Interrupt:
    """The question of a thread that has just come to it."""
    start_thread("desk", {}, thread_id="t")
    assert carried_out() == ["interrupted"]
    return Interrupt.objects.get(status="pending")


def passed(question: Interrupt, seconds: float) -> None:
    """Let it have been asked so much earlier."""
    back = timedelta(seconds=seconds)
    Interrupt.objects.filter(pk=question.pk).update(
        asked_at=F("asked_at") - back, next_step_at=F("next_step_at") - back
    )


def test_the_workflow_goes_on_when_its_time_has_come(people, desk):
    question = asked()
    assert question.next_step_at == question.asked_at + timedelta(hours=1)
    assert in_words(rules_for(question)) == (
        "the workflow goes on without an answer after 1 hour"
    )
    assert swept() == 0
    passed(question, HOUR + 1)

    assert take_due_steps() == 1

    assert carried_out() == ["interrupted"]
    question.refresh_from_db()
    assert question.status == "resolved"
    decision = Decision.objects.get()
    assert (decision.kind, decision.reason) == ("timeout", "Nobody answered in time.")
    letters.answer(
        people.admin, Interrupt.objects.get(status="pending"), "respond", value="x"
    )
    assert carried_out() == ["success"]
    said = values_of(Thread.objects.get())["said"]
    assert [said[0], said[1]["value"]] == ["late", "x"]


def test_it_is_due_by_then_and_never_overdue(people, desk):
    question = asked()
    end = question.asked_at + timedelta(hours=1)
    assert question.due_at == end
    item = review_item(people.admin, question.pk)
    assert (item.due_at, item.ends_at) == (end, end)
    passed(question, HOUR + 1)
    Interrupt.objects.update(due_at=F("due_at") - timedelta(seconds=HOUR + 1))

    assert take_due_steps() == 1

    done = Event.objects.filter(kind="desk").values_list("data", flat=True)
    assert [json.loads(each)["action"] for each in done] == ["timeout"]


def test_a_date_of_its_own_counts_before_that(people, desk):
    desk.more["policy"] = {"due": 60}
    question = asked()

    item = review_item(people.admin, question.pk)

    assert item.due_at == question.asked_at + timedelta(seconds=60)
    assert item.ends_at == question.asked_at + timedelta(hours=1)


def test_without_a_value_the_run_fails(desk):
    desk.more = {"timeout": 1.5}
    question = asked()
    passed(question, 3)

    take_due_steps()

    assert carried_out() == ["error"]
    run = Run.objects.latest("id")
    assert run.error.startswith("InterruptTimeout: nobody answered 'Pay?' in 1.5 sec")
    assert run.error_node == "ask"


def test_a_policy_of_the_site_may_give_more_time(people, desk):
    from workflows.services.desk.set_policy import SetPolicy

    question = asked()
    body = {"timeout": 2 * HOUR, "timeout_action": "workflow"}
    SetPolicy(people.admin, "desk", "ask", body).execute()
    passed(question, HOUR + 1)

    assert take_due_steps() == 0
    assert Interrupt.objects.get().status == "pending"
    passed(question, HOUR)
    assert take_due_steps() == 1


def test_a_resume_beside_it_leaves_the_end_to_the_desk(people, desk, monkeypatch):
    """A run of a worker does not end a question by itself, whatever time it is."""
    from workflows.engine import ids

    question = asked()
    later = ids.now() + timedelta(hours=2)
    monkeypatch.setattr(ids, "clock", later.timestamp)

    letters.answer(people.admin, question, "respond", value="in time")

    assert carried_out() == ["interrupted"]
    assert Interrupt.objects.get(pk=question.pk).status == "resolved"


def test_of_an_answer_and_the_end_one_wins(people, desk):
    for number in range(5):
        Thread.objects.all().delete()
        question = asked()
        passed(question, HOUR + 1)
        question.refresh_from_db()

        respond = partial(letters.answer, people.admin, question, "respond", value=1)
        answer, _ = together([respond, take_due_steps])

        carried_out()
        kinds = [*Decision.objects.values_list("kind", flat=True)]
        assert len(kinds) == 1, number
        assert isinstance(answer, Exception) == (kinds == ["timeout"])
