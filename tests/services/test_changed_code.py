"""A deploy between the question and its answer: what the dashboard says, and how it goes on."""

from __future__ import annotations

from typing import Any

import pytest

from durableweb.func import task
from durableweb.types import interrupt
from tests.services.letters import answer, register, run_all, values
from workflows.models import Decision, Interrupt, Run
from workflows.services import registry
from workflows.services.continue_run import ContinueRun
from workflows.services.start_run import StartRun
from workflows.services.thread_history import thread_detail

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.rule("R4.20", "RA.14", "RB.12"),
]


class Deploys:
    """The workflow `letter` as it is, and as another deploy has it."""

    def __init__(self) -> None:
        self.drafts = 0

    def put(self, **nodes: Any) -> None:
        registry._graphs.pop("letter", None)
        register("letter", **nodes)

    def first(self) -> None:
        self.put(write=self.write, post=lambda state: {"said": ["posted"]})

    def without_write(self) -> None:
        self.put(other=lambda state: {"said": ["other"]})

    def write(self, state: Any) -> Any:
        @task
        def draft(text: str) -> str:
            self.drafts += 1
            return text.upper()

        text = draft(state["text"]).result()
        given = interrupt({"question": "Send it?", "text": text})
        return {"said": [f"{given['decision']} {state['text']}"]}


@pytest.fixture
def deploys() -> Deploys:
    return Deploys()


@pytest.fixture
def refused(people: Any, deploys: Deploys) -> Interrupt:
    """A question whose answer came after a deploy that has its node no more."""
    deploys.first()
    run = StartRun(people.operator, "letter", {"text": "hello"}).execute()
    run_all()
    question = Interrupt.objects.get(thread=run.thread)
    deploys.without_write()
    answer(people.reviewer, question)
    run_all()
    return question


def test_the_thread_says_why_and_still_shows_its_state(
    people: Any, refused: Interrupt
) -> None:
    shown = thread_detail(people.admin, refused.thread_id)
    run = shown.runs[0]

    assert (shown.status, run.status, run.reason) == ("error", "error", "graph_changed")
    assert "missing node: 'write'" in run.error
    assert (shown.state.next, shown.state.problem) == (("write",), "")
    assert shown.may_continue


def test_the_answer_counts_when_the_code_is_back(
    people: Any, deploys: Deploys, refused: Interrupt
) -> None:
    ContinueRun(people.operator, refused.thread_id).execute()
    run_all()
    assert Run.objects.latest("id").reason == "graph_changed"

    deploys.first()
    ContinueRun(people.operator, refused.thread_id).execute()
    run_all()

    refused.refresh_from_db()
    assert Run.objects.latest("id").status == "success"
    assert values(people, refused.thread_id)["said"] == ["approve hello", "posted"]
    assert (refused.status, refused.round) == ("resolved", 1)
    assert Decision.objects.count() == 1
    assert deploys.drafts == 1


def test_an_answer_that_was_taken_is_not_given_twice(
    people: Any, deploys: Deploys
) -> None:
    broken = [True]

    def write(state: Any) -> Any:
        given = interrupt("Send it?")
        if broken:
            raise ConnectionResetError("line is down")
        return {"said": [given["decision"]]}

    deploys.put(write=write)
    run = StartRun(people.operator, "letter", {"text": "hello"}).execute()
    run_all()
    answer(people.reviewer, Interrupt.objects.get(thread=run.thread))
    run_all()
    Run.objects.filter(kind="resume").update(reason="graph_changed")  # as if inside

    broken.clear()
    ContinueRun(people.operator, run.thread_id).execute()
    run_all()

    assert Run.objects.latest("id").status == "success"
    assert values(people, run.thread_id)["said"] == ["approve"]
