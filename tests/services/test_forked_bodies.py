"""What a body does besides calling tasks, on a thread that was forked after one of its calls (RB.14)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.services.napping import config_of, every_sleep_is_long, status_of
from tests.services.posting import carried_out, values_of
from tests.services.pricing import (
    State,
    answered,
    begun,
    forked,
    nothing_ran,
    price,
    prices,
    put_back,
    ran,
    returned,
    undone,
)
from workflows.engine.func.entrypoint import entrypoint
from workflows.engine.func.task import task
from workflows.engine.graph.state import StateGraph
from workflows.engine.recorded import now, uuid4
from workflows.engine.runtime import get_runtime, interrupt
from workflows.engine.sagas import compensate
from workflows.engine.signals import wait_signal
from workflows.engine.sleeping import sleep
from workflows.engine.types import Command
from workflows.models import Child, Interrupt, Thread
from workflows.services import registry
from workflows.services.children import start_child
from workflows.services.signals import send_signal
from workflows.services.sleepers import wake
from workflows.services.start_run import start_thread
from workflows.storage.saver import DjangoSaver

assert every_sleep_is_long
assert nothing_ran

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.rule("RB.14")]


class TestWhatABodyDoesBesides:
    def test_an_answer_before_stands_and_a_question_after_is_asked_again(self):
        def flow(given: Any) -> Any:
            first = interrupt("First?")
            paid = price(first).result()
            return [first, paid, interrupt("Second?")]

        thread = begun(flow, "one", "two")

        fork = forked(thread, "price")

        assert ran == []
        question = Interrupt.objects.get(thread=fork)
        assert question.status == "pending"
        theirs = Interrupt.objects.filter(thread=thread)
        assert question.interrupt_id not in theirs.values_list(
            "interrupt_id", flat=True
        )
        assert answered(fork, "three")[0::2] == ["one", "three"]
        assert returned(thread)[0::2] == ["one", "two"]

    def test_keyed_questions_and_those_of_later_calls_are_asked_again(self):
        @task
        def check() -> Any:
            return interrupt("Checked?")

        def flow(given: Any) -> Any:
            return [
                price("a").result(),
                check().result(),
                interrupt("Buy?", key="buy"),
            ]

        thread = begun(flow, "checked", "bought")

        fork = forked(thread, "price")

        assert answered(fork, "no")["__interrupt__"][0].value == "Buy?"
        assert answered(fork, "never")[1:] == ["no", "never"]

    def test_sleeps_and_signals_after_it_are_waited_for_again(self):
        def flow(given: Any) -> Any:
            return [sleep(60), price("a").result(), wait_signal("paid"), sleep(60)]

        thread = begun(flow)
        wake(thread.pk)
        send_signal(thread.pk, "paid", 5)
        carried_out()
        wake(thread.pk)
        carried_out()
        assert status_of(thread) == ("idle", "success")

        fork = forked(thread, "price")

        assert status_of(fork) == ("waiting", "waiting")
        assert ran == []
        send_signal(fork.pk, "paid", 6)
        carried_out()
        assert status_of(fork) == ("waiting", "waiting")
        wake(fork.pk)
        carried_out()
        assert returned(fork)[2] == 6

    def test_recorded_values_before_are_the_same_and_those_after_are_not(self):
        def flow(given: Any) -> Any:
            before = [now().isoformat(), str(uuid4())]
            price("a").result()
            return [before, [now().isoformat(), str(uuid4())]]

        thread = begun(flow)

        fork = forked(thread, "price")

        (one, two), (three, four) = returned(thread), returned(fork)
        assert one == three
        assert two[0] != four[0]
        assert two[1] != four[1]

    def test_the_key_of_a_call_is_another_on_the_new_thread(self):
        keys = []

        @task
        def pay() -> str:
            keys.append(get_runtime().idempotency_key)
            return "paid"

        def flow(given: Any) -> Any:
            return [price("a").result(), pay().result()]

        forked(begun(flow), "price")

        assert len(set(keys)) == 2

    def test_children_before_are_shared_and_later_ones_are_others(self):
        registry.register(entrypoint()(prices), name="child")

        def flow(given: Any) -> Any:
            first = start_child("child", "x").thread_id
            price("a").result()
            return [first, start_child("child", "x").thread_id]

        thread = begun(flow)

        fork = forked(thread, "price#1")

        ours, theirs = returned(fork), returned(thread)
        assert ours[0] == theirs[0]
        assert ours[1] != theirs[1]
        ends = Child.objects.filter(thread_id=fork.pk, child_id=ours[0])
        assert ends.get().on_parent_end == "leave"
        assert Child.objects.filter(thread_id=fork.pk, child_id=ours[1]).exists()

    def test_only_what_the_fork_has_done_itself_is_undone_there(self):
        fails = False

        def flow(given: Any) -> Any:
            price("a").result()
            compensate(put_back, "a")
            price("b").result()
            compensate(put_back, "b")
            if fails:
                raise RuntimeError("no paper")

        thread = begun(flow)
        fails = True

        fork = forked(thread, "price#1")

        assert status_of(fork)[0] == "error"
        assert undone == ["b", "a"]

        undone.clear()
        forked(thread, "price#2")
        assert undone == ["b"]


def weigh(state: State) -> State:
    ran.append("weigh")
    return {"log": ["weighed"]}


def check(state: State) -> State:
    return {"log": [interrupt("Checked?")]}


@task
def inspect() -> Any:
    """Calls a graph that asks in its second node."""
    below = StateGraph(State).add_sequence([weigh, check]).set_entry_point("weigh")
    return below.compile().invoke({"log": []})["log"]


class TestWhatHasNotEnded:
    def test_a_call_from_before_goes_on_where_its_graph_asks(self):
        def flow(given: Any) -> Any:
            running = inspect()
            paid = price("a").result()
            return [running.result(), paid, price("b").result()]

        thread = begun(flow)
        assert thread.status == "interrupted"

        fork = forked(thread, "price")

        assert ran == []
        assert Interrupt.objects.filter(status="pending").count() == 2
        assert answered(fork, "ours")[0] == ["weighed", "ours"]
        assert answered(thread, "theirs")[0] == ["weighed", "theirs"]
        assert returned(fork)[1] == returned(thread)[1]

    def test_a_later_call_begins_with_its_graph(self):
        thread = begun(lambda given: [price("a").result(), inspect().result()])

        fork = forked(thread, "price")

        assert ran == ["weigh"]
        assert answered(fork, "ours")[1] == ["weighed", "ours"]
        assert answered(thread, "theirs")[1] == ["weighed", "theirs"]


class TestAfterwards:
    def test_an_edit_keeps_the_question_that_waits_on_the_fork(self):
        def work(state: State) -> State:
            price("a").result()
            return {"log": [interrupt("Buy?")]}

        graph = StateGraph(State).add_node("work", work).set_entry_point("work")
        registry.register(graph.compile(), name="flow")
        started = start_thread("flow", {"log": []})
        carried_out()
        thread = Thread.objects.get(pk=started.thread_id)
        answered(thread, "yes")
        fork = forked(thread, "price")
        question = Interrupt.objects.get(thread=fork)
        bound = graph.compile(checkpointer=DjangoSaver())

        bound.update_state(config_of(fork), {"log": ["edited"]})
        bound.invoke(None, config_of(fork))

        question.refresh_from_db()
        assert question.status == "pending"
        answered(fork, "no")
        assert values_of(fork)["log"] == ["edited", "no"]

    def test_who_goes_back_on_the_fork_is_asked_again_there(self):
        def flow(given: Any) -> Any:
            return [price("a").result(), interrupt("Buy?")]

        thread = begun(flow, "theirs")
        fork = forked(thread, "price")
        answered(fork, "ours")
        first = fork.checkpoints.filter(namespace="").order_by("id").first()
        assert first is not None
        config = {"configurable": {"thread_id": fork.pk, "checkpoint_id": first.id}}
        graph = registry.get("flow").graph.copy(update={"checkpointer": DjangoSaver()})

        asked = graph.invoke(Command(resume="again"), config)

        assert asked[1] == "again"
        assert Interrupt.objects.filter(thread=fork).count() == 1
