"""Many people answer on one thread while workers carry its runs out."""

from __future__ import annotations

import operator
import threading
import time
from typing import Annotated, Any, TypedDict

import pytest
from django.contrib.auth.models import User
from django.db import connections

from durableweb.graph import START, StateGraph
from durableweb.types import Send, interrupt
from workflows.models import Event, Interrupt, Run
from workflows.services import registry
from workflows.services.resume_run import ResumeRun
from workflows.services.start_run import StartRun
from workflows.worker.embedded import EmbeddedWorker

pytestmark = pytest.mark.django_db(transaction=True)

GUESTS = [f"guest {number}" for number in range(8)]


class Party(TypedDict, total=False):
    """Who was asked, and what was said."""

    names: list[str]
    said: Annotated[list[str], operator.add]


def ask(state: Any) -> Party:
    given = interrupt(f"Invite {state['name']}?")
    return {"said": [f"{state['name']} {given['decision']}"]}


def fan_out(state: Party) -> list[Send]:
    return [Send("ask", {"name": name}) for name in state["names"]]


@pytest.fixture
def party():
    graph = StateGraph(Party)
    graph.add_node("ask", ask)
    graph.add_conditional_edges(START, fan_out, ["ask"])
    registry.register(graph.compile(name="party"), name="party")
    yield
    registry.unregister("party")


@pytest.fixture
def worker():
    working = EmbeddedWorker(2, poll_seconds=0.05)
    working.start()
    yield working
    assert working.stop(60)


def wait(ready, seconds=120):
    end = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < end, list(
            Run.objects.values_list("id", "kind", "status", "reason", "error")
        )
        time.sleep(0.05)


def test_every_answer_counts_once_whoever_comes_first(party, worker):
    person = User.objects.create_superuser("host")
    run = StartRun(person, "party", {"names": GUESTS}).execute()
    wait(lambda: Interrupt.objects.count() == len(GUESTS))
    rows = list(Interrupt.objects.all())
    faults: list[BaseException] = []

    def decide(row: Interrupt) -> None:
        try:
            ResumeRun(person, row.pk, "approve", version=1, round=1).execute()
        except Exception as error:  # noqa: BLE001
            faults.append(error)
        finally:
            connections.close_all()

    people = [threading.Thread(target=decide, args=(row,)) for row in rows]
    for each in people:
        each.start()
    for each in people:
        each.join()

    assert faults == []
    wait(lambda: not Run.objects.filter(status__in=["pending", "running"]).exists())
    run.thread.refresh_from_db()
    assert run.thread.status == "idle"
    statuses = set(Interrupt.objects.values_list("status", flat=True))
    assert statuses == {"resolved"}
    ends = Run.objects.filter(kind="resume").values_list("status", flat=True)
    assert sorted(set(ends)) == ["interrupted", "success"]
    seqs = list(Event.objects.order_by("seq").values_list("seq", flat=True))
    assert seqs == list(range(1, len(seqs) + 1))
