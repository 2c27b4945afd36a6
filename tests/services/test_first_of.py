"""The first of several: a question that a signal takes back, a signal that comes too late, a time that nobody needs (RB.4)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any, TypedDict

import pytest

from tests.services import letters
from tests.services.family import swept
from tests.services.napping import status_of
from tests.services.posting import carried_out, values_of
from tests.storage.racing import together
from workflows.engine.first import (
    Candidate,
    ask,
    ending,
    event,
    first_of,
    signal,
    timer,
)
from workflows.engine.graph.state import StateGraph
from workflows.engine.runtime import interrupt
from workflows.models import Awaited, Interrupt, Run, Signal, Thread
from workflows.services import registry
from workflows.services.action import NotPending
from workflows.services.cancel_run import cancel_thread
from workflows.services.children import start_child
from workflows.services.emitting import emit
from workflows.services.signals import send_signal
from workflows.services.sleepers import wake
from workflows.services.start_run import start_thread

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.rule("RB.4")]
HOUR = 3600


class State(TypedDict, total=False):
    said: list[Any]


def several() -> list[Candidate]:
    return [ask("Pay?"), signal("cancelled"), event("closed"), timer(HOUR)]


class Desk:
    """A workflow whose node waits for the first of `waits`, and asks something else then."""

    def __init__(self) -> None:
        self.asks_on = False
        self.waits: Callable[[], list[Candidate]] = several

    def node(self, state: State) -> State:
        found = [first_of(*self.waits())]
        if self.asks_on:
            found.append(interrupt("Well?")["value"])
        return {"said": found}


@pytest.fixture
def desk() -> Desk:
    made = Desk()
    graph = StateGraph(State).add_node("node", made.node).set_entry_point("node")
    registry.register(graph.compile(), name="desk")
    return made


def begun() -> Thread:
    start_thread("desk", {}, thread_id="t")
    assert carried_out() == ["interrupted"]
    return Thread.objects.get(pk="t")


def respond(people: Any, value: Any) -> Any:
    question = Interrupt.objects.order_by("id").last()
    assert question is not None
    return letters.answer(people.admin, question, "respond", value=value)


def test_an_answer(people, desk):
    thread = begun()
    assert status_of(thread) == ("interrupted", "interrupted")
    assert thread.wake_at is not None
    assert {row.topic for row in Awaited.objects.all()} == {"cancelled", "closed"}
    question = Interrupt.objects.get()
    assert question.due_at == question.asked_at + timedelta(seconds=HOUR)

    respond(people, "yes")

    assert carried_out() == ["success"]
    number, found = values_of(thread)["said"][0]
    assert (number, found["value"]) == (0, "yes")
    thread.refresh_from_db()
    assert (thread.status, thread.wake_at) == ("idle", None)
    assert not Awaited.objects.exists()


def test_a_signal_takes_the_question_back(people, desk):
    thread = begun()

    send_signal("t", "cancelled", {"by": "Ann"})

    assert carried_out() == ["success"]
    assert values_of(thread) == {"said": [(1, {"by": "Ann"})]}
    assert Interrupt.objects.get().status == "withdrawn"
    with pytest.raises(NotPending):
        respond(people, "too late")
    assert Signal.objects.get().handed


def test_an_event_and_a_time(desk):
    thread = begun()
    emit("closed", 7)
    assert carried_out() == ["success"]
    assert values_of(thread) == {"said": [(2, 7)]}

    start_thread("desk", {}, thread_id="u")
    carried_out()
    assert wake("u")
    assert carried_out() == ["success"]
    assert values_of(Thread.objects.get(pk="u")) == {"said": [(3, False)]}


def test_what_was_withdrawn_is_waited_for_no_more(people, desk):
    desk.asks_on = True
    thread = begun()
    respond(people, "yes")
    assert carried_out() == ["interrupted"]

    thread.refresh_from_db()
    assert thread.wake_at is None
    assert not Awaited.objects.exists()
    send_signal("t", "cancelled", "too late")
    assert swept() == 0
    assert not Run.objects.filter(kind="wake").exists()
    assert Signal.objects.get().handed is False
    respond(people, "well")
    assert carried_out() == ["success"]
    assert values_of(thread)["said"][1] == "well"


def test_what_new_work_has_taken_the_place_of_is_waited_for_no_more(people, desk):
    desk.waits = lambda: [signal("cancelled"), timer(HOUR)]
    start_thread("desk", {}, thread_id="t")
    assert carried_out() == ["waiting"]
    desk.waits = lambda: [ask("Pay?"), signal("paid")]

    start_thread("desk", {}, thread_id="t")

    assert carried_out() == ["interrupted"]
    assert [row.topic for row in Awaited.objects.all()] == ["paid"]
    assert Thread.objects.get().wake_at is None


def test_a_signal_that_lost_stays_for_who_waits_for_it_next(people, desk):
    desk.waits = lambda: [event("closed"), signal("cancelled")]
    start_thread("desk", {}, thread_id="t")
    assert carried_out() == ["waiting"]
    Thread.objects.filter(pk="t").update(status="busy")  # nobody wakes it meanwhile
    emit("closed", 7)
    send_signal("t", "cancelled", "kept")
    Thread.objects.filter(pk="t").update(status="waiting")
    swept()

    assert carried_out() == ["success"]
    assert values_of(Thread.objects.get()) == {"said": [(0, 7)]}
    assert Signal.objects.get().handed is False


def test_the_end_of_a_child(desk):
    def work(state: State) -> State:
        return {"said": ["done"]}

    graph = StateGraph(State).add_node("work", work).set_entry_point("work")
    registry.register(graph.compile(), name="work")
    desk.waits = lambda: [ending(start_child("work", {})), timer(HOUR)]
    start_thread("desk", {}, thread_id="t")

    assert carried_out() == ["waiting", "success", "success"]

    found = values_of(Thread.objects.get(pk="t"))
    assert found == {"said": [(0, {"said": ["done"]})]}


def test_a_cancelled_thread_waits_for_none_of_them(desk):
    thread = begun()

    cancel_thread("t")

    assert status_of(thread)[0] == "idle"
    send_signal("t", "cancelled", 1)
    emit("closed")
    assert swept() == 0
    assert not Run.objects.filter(status="pending").exists()


def test_of_an_answer_and_a_signal_one_wins(people, desk):
    for number in range(8):
        Thread.objects.all().delete()
        Signal.objects.all().delete()
        thread = begun()

        together(
            [partial(respond, people, "yes"), partial(send_signal, "t", "cancelled")]
        )
        carried_out()

        won = values_of(thread)["said"][0][0]
        assert won in (0, 1)
        assert Signal.objects.get().handed is (won == 1), number
        status = "resolved" if won == 0 else "withdrawn"
        assert Interrupt.objects.get().status == status
        assert status_of(thread)[0] == "idle"
