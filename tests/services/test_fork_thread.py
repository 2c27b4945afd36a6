"""A new thread with the history of another one up to a step: what it shares, and that the other stays (RB.14)."""

from __future__ import annotations

import json
import operator
from typing import Annotated, Any, TypedDict

import pytest

from tests.services.napping import config_of, status_of
from tests.services.posting import carried_out, values_of
from workflows.engine.func.entrypoint import entrypoint
from workflows.engine.func.task import task
from workflows.engine.graph.state import StateGraph
from workflows.engine.recorded import uuid4
from workflows.engine.runtime import interrupt
from workflows.engine.signals import wait_signal
from workflows.engine.types import Command
from workflows.models import (
    AuditEntry,
    Awaited,
    Child,
    Event,
    Interrupt,
    Run,
    Thread,
)
from workflows.services import registry
from workflows.services.action import NotAllowed, NotPending, NotVisible
from workflows.services.children import start_child
from workflows.services.fork_thread import ForkThread, fork_thread
from workflows.services.registry import UnknownGraphError
from workflows.services.start_run import start_thread
from workflows.services.step import StepGone
from workflows.services.thread_history import event_record
from workflows.storage.saver import DjangoSaver

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.rule("RB.14")]


class State(TypedDict, total=False):
    """What was done, in order."""

    log: Annotated[list[str], operator.add]
    price: int


class Shop:
    """Three nodes one after the other, which count how often they ran; the last one asks where it is told to."""

    def __init__(self) -> None:
        self.ran: list[str] = []
        self.asks = False

    def note(self, name: str) -> State:
        self.ran.append(name)
        return {"log": [name]}

    def pick(self, state: State) -> State:
        return self.note("pick")

    def weigh(self, state: State) -> State:
        return self.note(f"weigh {state.get('price', 0)}")

    def send(self, state: State) -> State:
        answer = interrupt("Send it?") if self.asks else "sent"
        return self.note(str(answer))

    def graph(self, **compiled: Any) -> Any:
        graph = StateGraph(State).add_sequence(
            [("pick", self.pick), ("weigh", self.weigh), ("send", self.send)]
        )
        return graph.set_entry_point("pick").compile(**compiled)


@pytest.fixture
def shop() -> Shop:
    made = Shop()
    registry.register(made.graph(), name="shop")
    return made


def begun(graph: str = "shop", given: Any = None) -> Thread:
    """A thread whose first run has ended or waits."""
    started = start_thread(graph, {} if given is None else given)
    carried_out()
    return Thread.objects.get(pk=started.thread_id)


def steps_of(thread: Thread) -> dict[int, str]:
    """The checkpoints of the thread itself, by step."""
    found = thread.checkpoints.filter(namespace="").order_by("-id")
    return dict(found.values_list("step", "id"))


def history_of(thread: Thread) -> list[Any]:
    item = registry.get(thread.graph)
    graph = item.graph.copy(update={"checkpointer": DjangoSaver()})
    return [
        (each.config["configurable"]["checkpoint_id"], each.values, each.next)
        for each in graph.get_state_history(config_of(thread))
    ]


def forked(thread: Thread, step: int, **more: Any) -> Thread:
    """A fork of the thread after that step, carried out."""
    made = fork_thread(thread.pk, checkpoint_id=steps_of(thread)[step], **more)
    carried_out()
    return Thread.objects.get(pk=made.thread_id)


class TestWhatItShares:
    def test_what_was_due_runs_anew_on_a_thread_of_its_own(self, shop):
        thread = begun()
        before = history_of(thread)
        shop.ran.clear()

        fork = forked(thread, 1)

        assert shop.ran == ["weigh 0", "sent"]
        assert values_of(fork) == {"log": ["pick", "weigh 0", "sent"]}
        assert status_of(fork) == ("idle", "success")
        assert history_of(thread) == before
        assert fork.pk != thread.pk
        assert (fork.graph, fork.title) == (thread.graph, thread.title)

    def test_the_history_up_to_the_step_is_the_same_and_nothing_after_it(self, shop):
        thread = begun()
        made = fork_thread(thread.pk, checkpoint_id=steps_of(thread)[1])

        fork = Thread.objects.get(pk=made.thread_id)

        assert history_of(fork) == history_of(thread)[2:]
        assert fork.head == steps_of(thread)[1]
        assert not fork.checkpoints.filter(id__gt=fork.head).exists()

    def test_from_the_input_on_all_of_it_runs(self, shop):
        thread = begun()
        shop.ran.clear()

        fork = forked(thread, -1)

        assert shop.ran == ["pick", "weigh 0", "sent"]
        assert values_of(fork) == values_of(thread)

    def test_values_are_put_in_before(self, shop):
        fork = forked(begun(), 1, values={"price": 7})

        assert values_of(fork) == {"log": ["pick", "weigh 7", "sent"], "price": 7}

    def test_values_before_the_first_step_are_there_when_it_begins(self, shop):
        fork = forked(begun(given={"price": 1}), -1, values={"price": 2})

        assert values_of(fork)["log"] == ["pick", "weigh 2", "sent"]

    def test_a_thread_that_has_ended_is_copied_and_takes_new_input(self, shop):
        thread = begun()

        made = fork_thread(thread.pk, new_thread_id="again")

        assert (made.thread_id, made.run_id) == ("again", None)
        assert Thread.objects.get(pk="again").status == "idle"
        start_thread("shop", {}, thread_id="again")
        assert carried_out() == ["success"]
        assert len(values_of(Thread.objects.get(pk="again"))["log"]) == 6
        assert len(values_of(thread)["log"]) == 3

    def test_a_fork_of_a_fork(self, shop):
        fork = forked(forked(begun(), 2), 1, values={"price": 3})

        assert values_of(fork) == {"log": ["pick", "weigh 3", "sent"], "price": 3}

    def test_what_was_said_from_outside_at_the_step_counts(self, shop):
        shop.asks = True
        thread = begun()
        graph = shop.graph(checkpointer=DjangoSaver())
        graph.invoke(Command(update={"price": 9}), config_of(thread))
        made = fork_thread(thread.pk, checkpoint_id=steps_of(thread)[2])
        carried_out()

        assert values_of(Thread.objects.get(pk=made.thread_id))["price"] == 9


class TestWhatWaits:
    def test_a_question_is_asked_again_and_each_thread_has_its_own(self, shop):
        shop.asks = True
        thread = begun()
        first = Interrupt.objects.get()

        fork = forked(thread, 2)

        second = Interrupt.objects.get(thread=fork)
        assert (second.status, second.round) == ("pending", 1)
        assert second.interrupt_id != first.interrupt_id or second.pk != first.pk
        assert status_of(fork)[0] == status_of(thread)[0] == "interrupted"
        graph = shop.graph(checkpointer=DjangoSaver())
        for each, said in ((thread, "theirs"), (fork, "ours")):
            graph.invoke(Command(resume=said), config_of(each))
        assert values_of(thread)["log"][-1] == "theirs"
        assert values_of(fork)["log"][-1] == "ours"

    def test_a_question_that_an_edit_has_kept_open_is_asked_again(self, shop):
        shop.asks = True
        thread = begun()
        graph = shop.graph(checkpointer=DjangoSaver())
        graph.update_state(config_of(thread), {"price": 4})

        made = fork_thread(thread.pk)
        carried_out()

        fork = Thread.objects.get(pk=made.thread_id)
        assert Interrupt.objects.get(thread=fork).status == "pending"
        graph.invoke(Command(resume="ours"), config_of(fork))
        assert values_of(fork)["log"][-1] == "ours"
        assert status_of(thread)[0] == "interrupted"

    def test_a_question_of_the_thread_does_not_wait_on_a_fork_from_before_it(
        self, shop
    ):
        shop.asks = True
        thread = begun()
        made = fork_thread(thread.pk, checkpoint_id=steps_of(thread)[0])

        assert not Interrupt.objects.filter(thread=made.thread_id).exists()
        assert Thread.objects.get(pk=made.thread_id).status == "idle"

    def test_a_wait_begins_anew(self):
        def wait(state: State) -> State:
            return {"log": [wait_signal("paid")]}

        graph = StateGraph(State).add_node("wait", wait).set_entry_point("wait")
        registry.register(graph.compile(), name="waits")
        thread = begun("waits")
        made = fork_thread(thread.pk, checkpoint_id=steps_of(thread)[0])
        assert not Awaited.objects.filter(thread=made.thread_id).exists()

        carried_out()

        assert Awaited.objects.filter(thread=made.thread_id).count() == 1
        assert Awaited.objects.filter(thread=thread).count() == 1

    def test_tasks_of_a_body_run_anew(self):
        calls: list[str] = []

        @task
        def price() -> int:
            calls.append("price")
            return 5

        @entrypoint()
        def flow(given: Any) -> Any:
            return [price().result(), interrupt("Buy?")]

        registry.register(flow, name="flow")
        thread = begun("flow", "x")

        fork = forked(thread, -1)

        assert calls == ["price", "price"]
        assert status_of(fork)[0] == "interrupted"

    def test_children_and_recorded_values_are_others(self):
        @entrypoint()
        def child(given: Any) -> Any:
            return given

        @entrypoint()
        def flow(given: Any) -> Any:
            return [start_child("child", 1).thread_id, str(uuid4())]

        registry.register(child, name="child")
        registry.register(flow, name="flow")
        thread = begun("flow", "x")

        fork = forked(thread, -1)

        assert Child.objects.filter(thread_id=fork.pk).count() == 1
        ours: Any = values_of(fork)
        theirs: Any = values_of(thread)
        assert ours[0] != theirs[0]
        assert ours[1] != theirs[1]


class TestGraphsBelow:
    def test_one_that_keeps_its_state_has_it_as_it_was_at_the_step(self, shop):
        def count(state: State) -> State:
            return {"price": state.get("price", 0) + 1}

        sub = StateGraph(State).add_node("count", count).set_entry_point("count")
        kept = sub.compile(checkpointer=True)

        def call(state: State) -> State:
            return {"log": [str(kept.invoke({})["price"])]}

        def again(state: State) -> str:
            return "call" if len(state["log"]) < 3 else "__end__"

        graph = StateGraph(State).add_node("call", call).set_entry_point("call")
        graph.add_conditional_edges("call", again, ["call", "__end__"])
        registry.register(graph.compile(), name="deep")
        thread = begun("deep")

        fork = forked(thread, 2)

        assert values_of(thread) == {"log": ["1", "2", "3"]}
        assert values_of(fork) == values_of(thread)


class TestWhatIsTold:
    def test_both_threads_tell_of_it_and_the_audit(self, shop, people):
        thread = begun()
        step = steps_of(thread)[1]

        made = ForkThread(people.operator, thread.pk, step).execute()

        told = {
            "thread": thread.pk,
            "step": 1,
            "checkpoint": step,
            "by": "Operator",
        }
        here = Event.objects.filter(thread=made.thread_id).order_by("seq")
        assert [each.kind for each in here] == ["fork", "run"]
        assert event_record(here[0]).data == told
        there = Event.objects.get(thread=thread, kind="fork")
        assert event_record(there).data == {
            **told,
            "thread": made.thread_id,
            "is_source": True,
        }
        entry = AuditEntry.objects.get(action="thread.forked")
        assert (entry.thread, json.loads(entry.data)["from"]) == (
            made.thread_id,
            thread.pk,
        )
        assert Run.objects.get(pk=made.run_id).created_by == people.operator
        assert Thread.objects.get(pk=made.thread_id).created_by == people.operator


class TestWhatIsRefused:
    def test_who_may_not(self, shop, people):
        thread = begun()
        step = steps_of(thread)[1]

        with pytest.raises(NotAllowed, match="operators do"):
            ForkThread(people.viewer, thread.pk, step).execute()
        with pytest.raises(NotVisible):
            ForkThread(people.stranger, thread.pk, step).execute()
        assert Thread.objects.count() == 1

    def test_where_nothing_was_left_to_do(self, shop, people):
        thread = begun()

        with pytest.raises(NotPending, match="Nothing was left to do"):
            ForkThread(people.operator, thread.pk, thread.head).execute()

    def test_a_step_that_is_not_there(self, shop, people):
        thread = begun()

        with pytest.raises(StepGone):
            ForkThread(people.operator, thread.pk, "nothing").execute()
        with pytest.raises(LookupError, match="no checkpoint 'nothing' of its own"):
            fork_thread(thread.pk, checkpoint_id="nothing")
        with pytest.raises(LookupError, match="there is no thread 'none'"):
            fork_thread("none")
        assert Thread.objects.count() == 1

    def test_an_id_that_is_taken(self, shop):
        thread = begun()

        with pytest.raises(ValueError, match="a thread that does not exist yet"):
            fork_thread(thread.pk, new_thread_id=thread.pk)

    def test_a_workflow_that_is_not_here(self, shop):
        thread = begun()
        registry.unregister("shop")

        with pytest.raises(UnknownGraphError):
            fork_thread(thread.pk)
        assert Thread.objects.count() == 1

    def test_values_that_do_not_fit_leave_nothing_behind(self, shop):
        thread = begun()
        events = Event.objects.count()

        with pytest.raises(TypeError):
            fork_thread(thread.pk, checkpoint_id=steps_of(thread)[1], values={"log": 5})

        assert (Thread.objects.count(), Event.objects.count()) == (1, events)


def test_what_is_encrypted_is_so_on_the_new_thread(shop, settings):
    settings.VALUE_CIPHER = "tests.storage.ciphers.BindingCipher"
    thread = begun()

    fork = forked(thread, 1, values={"price": 4})

    assert values_of(fork) == {"log": ["pick", "weigh 4", "sent"], "price": 4}
