"""An edit of a thread that the real engine has brought to its question: what is asked then, and who may."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.db import connections

from durableweb.func import task
from durableweb.graph import START, StateGraph
from durableweb.types import interrupt
from tests.services.letters import (
    State,
    answer,
    asked,
    letter,
    noted,
    run_all,
    values,
)
from tests.support.deciding import decided
from workflows.models import Decision, Event, Interrupt, Run
from workflows.services import registry
from workflows.services.action import (
    InvalidAnswer,
    NotAllowed,
    Refused,
    StaleCheckpoint,
    StaleQuestion,
    ThreadBusy,
)
from workflows.services.edit_state import EditState
from workflows.services.resume_run import ResumeRun
from workflows.services.start_run import StartRun

__all__ = ["asked", "letter", "noted"]

pytestmark = pytest.mark.django_db(transaction=True)


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


def asked_again_after_an_edit(people: Any, below: Any) -> str:
    """Answer both questions of a graph below, with an edit between that has the first asked anew.

    Returns the thread. The second one was on record by then, and closed in the queue.
    """
    graph = StateGraph(State).add_node("below", below)
    compiled = graph.add_edge(START, "below").compile(name="signed")
    registry.register(compiled, name="signed", editable=["text"])
    thread = StartRun(people.operator, "signed", {"text": "x"}).execute().thread
    run_all()

    def queued() -> list[str]:
        rows = Interrupt.objects.filter(status="pending")
        return [*rows.values_list("title", flat=True)]

    def answer_it() -> None:
        answer(people.reviewer, Interrupt.objects.get(status="pending"))
        run_all()

    answer_it()
    assert queued() == ["Sign it?"]
    thread.refresh_from_db()
    EditState(people.operator, thread.pk, {"text": "y"}, thread.head, "why").execute()
    run_all()
    assert queued() == ["Send it?"]

    answer_it()
    assert queued() == ["Sign it?"]

    answer_it()
    assert queued() == []
    return str(thread.pk)


@pytest.mark.rule("R6.10", "R7.5")
def test_a_question_of_a_task_is_queued_again_once_the_one_before_it_is_answered(
    people,
):
    """The edit has a kept graph ask its first question anew; its second one was on record."""

    @task
    def sign(text: str) -> str:
        return str(interrupt(text)["decision"])

    def node(state: State) -> State:
        first = interrupt("Send it?")["decision"]
        return {"said": [first, sign("Sign it?").result()]}

    below = StateGraph(State).add_node("node", node).add_edge(START, "node")
    thread_id = asked_again_after_an_edit(people, below.compile(checkpointer=True))

    assert values(people, thread_id)["said"] == ["approve", "approve"]


@pytest.mark.rule("R6.10", "R7.5")
@pytest.mark.parametrize("deeper", [False, True])
def test_a_question_of_a_kept_graph_is_queued_again_once_the_one_before_it_is_answered(
    people, deeper
):
    """The edit has the graph above ask anew what came before; the kept one's is on record."""

    def sign(state: State) -> State:
        return {"said": [interrupt("Sign it?")["decision"]]}

    def send(state: State) -> State:
        return {"said": [interrupt("Send it?")["decision"]]}

    lowest = StateGraph(State).add_node("sign", sign).add_edge(START, "sign")
    if deeper:
        between = StateGraph(State).add_node("lowest", lowest.compile())
        lowest = between.add_edge(START, "lowest")
    below = StateGraph(State).add_node("send", send).add_edge(START, "send")
    below.add_node("kept", lowest.compile(checkpointer=True)).add_edge("send", "kept")
    thread_id = asked_again_after_an_edit(people, below.compile())

    assert Run.objects.filter(thread=thread_id).latest("id").status == "success"
