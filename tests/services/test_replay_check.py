"""Whether a deploy fits what waits: the command that operators run before it (RA.4)."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from durableweb.durable import replay_check
from durableweb.errors import NonDeterminismError
from durableweb.func import entrypoint, task
from durableweb.types import interrupt, sleep
from tests.services.letters import answer, register, run_all
from tests.storage.test_replay_check import all_rows
from workflows.models import Interrupt
from workflows.services import registry
from workflows.services.start_run import StartRun

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.rule("RA.4", "RB.13"),
]


class Deploys:
    """The workflow `letter` as different deploys have it."""

    def __init__(self) -> None:
        self.drafts: list[str] = []

    def put(self, text: str = "", question: str = "Send it?") -> None:
        """What is drafted is `text`, or what the state says."""

        @task
        def draft(text: str) -> str:
            self.drafts.append(text)
            return text.upper()

        def write(state: Any) -> Any:
            found = draft(text or state["text"]).result()
            given = interrupt({"question": question, "text": found})
            return {"said": [f"{given['decision']} {found}"]}

        registry._graphs.pop("letter", None)
        register("letter", write=write)


@pytest.fixture
def deploys() -> Deploys:
    return Deploys()


@pytest.fixture
def waiting(people: Any, deploys: Deploys) -> list[str]:
    """Two threads that wait for an answer, and one that is finished."""
    deploys.put()
    started = []
    for text in ("one", "two", "three"):
        run = StartRun(people.operator, "letter", {"text": text}).execute()
        started.append(run.thread_id)
        run_all()
    answer(people.reviewer, Interrupt.objects.get(thread=started.pop()))
    run_all()
    deploys.drafts.clear()
    return started


def told(*args: str, **options: Any) -> str:
    out = StringIO()
    call_command("replay_check", *args, stdout=out, **options)
    return out.getvalue()


def test_all_that_wait_are_checked(deploys: Deploys, waiting: list[str]) -> None:
    deploys.put()
    before = all_rows()

    said = told(verbosity=2)

    assert said.splitlines()[-1] == "threads checked: 2, none differs"
    assert all(f"{each}: fits, bodies checked: 1" in said for each in waiting)
    assert deploys.drafts == []
    assert all_rows() == before


@pytest.mark.rule("RB.1")
def test_those_that_sleep_are_checked_too(people: Any) -> None:
    def nap(state: Any) -> Any:
        sleep(3600)
        return {"said": ["slept"]}

    register("letter", nap=nap)
    run = StartRun(people.operator, "letter", {"text": "one"}).execute()
    run_all()

    assert f"{run.thread_id}: fits, bodies checked: 1" in told(verbosity=2)


def test_a_thread_that_differs_has_its_line_and_ends_with_1(
    deploys: Deploys, waiting: list[str]
) -> None:
    deploys.put("one")
    out = StringIO()

    with pytest.raises(CommandError, match="differ: 1 of 2") as raised:
        call_command("replay_check", "--graph", "letter", stdout=out)

    assert raised.value.returncode == 1
    (line,) = out.getvalue().splitlines()
    assert line.startswith(f"{waiting[1]}: NonDeterminismError: ")
    assert "task 'draft'" in line


def test_another_question_than_the_one_that_waits_differs(
    deploys: Deploys, waiting: list[str]
) -> None:
    deploys.put(question="Burn it?")

    with pytest.raises(CommandError, match="differ: 2 of 2"):
        told()


def test_threads_may_be_named_and_finished_ones_take_the_history(
    deploys: Deploys, waiting: list[str], people: Any
) -> None:
    finished = Interrupt.objects.exclude(thread__in=waiting).get().thread_id
    deploys.put("other")

    assert "threads checked: 1, none differs" in told(finished)
    with pytest.raises(CommandError, match="differ: 1 of 1"):
        told(finished, "--history")


def test_a_workflow_that_is_gone_or_needs_its_node_is_told(
    deploys: Deploys, waiting: list[str]
) -> None:
    registry._graphs.pop("letter")
    register("letter", other=lambda state: {"said": ["other"]})
    out = StringIO()
    with pytest.raises(CommandError, match="2 of 2"):
        call_command("replay_check", stdout=out)
    assert "GraphChangedError" in out.getvalue()
    registry._graphs.pop("letter")

    out = StringIO()
    with pytest.raises(CommandError, match="2 of 2"):
        call_command("replay_check", stdout=out)
    assert "no workflow named 'letter' is registered" in out.getvalue()


def test_a_name_that_nobody_has_is_refused(deploys: Deploys) -> None:
    deploys.put()
    with pytest.raises(CommandError, match="there is no workflow 'lettre'"):
        told("--graph", "lettre")
    with pytest.raises(CommandError, match="there is no thread nowhere"):
        told("nowhere")


def test_a_test_names_the_workflow_and_fails_by_itself(
    deploys: Deploys, waiting: list[str]
) -> None:
    assert replay_check("letter", waiting[0]).bodies[0].node == "write"
    deploys.put("other")

    with pytest.raises(NonDeterminismError, match="Found by a replay check of 'write'"):
        replay_check("letter", waiting[0])


def test_coroutines_are_checked_by_the_command_too(people: Any) -> None:
    @task
    async def draft(text: str) -> str:
        return text.upper()

    def built(prefix: str) -> None:
        async def notes(given: str) -> str:
            return f"{await draft(prefix + given)} {interrupt('Send it?')}"

        registry._graphs.pop("notes", None)
        registry.register(entrypoint()(notes), name="notes")

    built("")
    StartRun(people.operator, "notes", "hello").execute()
    run_all()

    assert "threads checked: 1" in told("--graph", "notes")
    built("oh, ")
    with pytest.raises(CommandError, match="differ: 1 of 1"):
        told("--graph", "notes")
