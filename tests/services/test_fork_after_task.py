"""A new thread on which the calls of a body up to one of them stand, and what came later runs anew (RB.14)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.services.napping import every_sleep_is_long, status_of
from tests.services.posting import carried_out, values_of
from tests.services.pricing import (
    State,
    answered,
    begun,
    forked,
    nothing_ran,
    price,
    prices,
    ran,
    returned,
    ship,
)
from workflows.engine.func.task import task
from workflows.engine.graph.state import StateGraph
from workflows.engine.runtime import interrupt
from workflows.engine.types import Send
from workflows.models import Event, Interrupt, Thread
from workflows.services import registry
from workflows.services.fork_thread import fork_thread
from workflows.services.replay import replay_check
from workflows.services.start_run import start_thread
from workflows.services.thread_history import event_record

assert every_sleep_is_long
assert nothing_ran

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.rule("RB.14")]


class TestCallsInARow:
    def test_those_up_to_it_stand_and_later_ones_run_anew(self):
        thread = begun(prices)
        before = returned(thread)

        fork = forked(thread, "price#2")

        assert ran == ["price c"]
        assert status_of(fork) == ("idle", "success")
        assert returned(fork)[:2] == before[:2]
        assert returned(fork)[2] == "c by call 1"
        assert (
            returned(thread)
            == before
            == [f"{c} by call {n}" for n, c in enumerate("abc", 1)]
        )

    def test_both_threads_tell_of_it_and_the_record_fits_the_code(self):
        thread = begun(prices)

        fork = forked(thread, "price#2")

        for each in (thread, fork):
            told = event_record(Event.objects.get(thread=each, kind="fork")).data
            assert told["after"] == "price#2"
            assert replay_check("flow", each.pk).bodies[0].calls == 3

    def test_the_last_one_leaves_only_the_end_of_the_body(self):
        thread = begun(prices)

        fork = forked(thread, "price#3")

        assert ran == []
        assert returned(fork) == returned(thread)

    def test_later_calls_of_other_tasks_do_as_well(self):
        def flow(given: Any) -> Any:
            return [price("a").result(), ship("a").result(), price("b").result()]

        thread = begun(flow)

        forked(thread, "price#1")
        assert ran == ["ship a", "price b"]

        forked(thread, "ship")
        assert ran == ["price b"]

    def test_a_thread_that_failed_goes_on_from_an_earlier_call(self):
        broken = True

        def flow(given: Any) -> Any:
            first = price("a").result()
            second = price("b").result()
            if broken:
                raise RuntimeError("no paper")
            return [first, second]

        thread = begun(flow)
        assert thread.status == "error"
        broken = False

        fork = forked(thread, "price#1")

        assert ran == ["price b"]
        assert status_of(fork) == ("idle", "success")
        assert status_of(thread)[0] == "error"

    def test_calls_side_by_side_count_in_the_order_in_which_they_were_made(self):
        def flow(given: Any) -> Any:
            return [each.result() for each in [price(c) for c in "abc"]]

        thread = begun(flow)

        fork = forked(thread, "price#2")

        assert ran == ["price c"]
        assert returned(fork)[:2] == returned(thread)[:2]

    def test_a_failure_that_the_body_has_seen_stands(self):
        @task
        def fetch() -> str:
            ran.append("fetch")
            raise ValueError("gone")

        def flow(given: Any) -> Any:
            try:
                fetch().result()
            except ValueError as error:
                return [str(error), price("a").result(), price("b").result()]

        thread = begun(flow)

        fork = forked(thread, "fetch")

        assert ran == ["price a", "price b"]
        assert returned(fork)[0] == "gone"

    def test_the_newest_run_that_has_the_call_is_meant(self):
        thread = begun(prices)
        start_thread("flow", "y", thread_id=thread.pk)
        carried_out()
        second = returned(thread)

        fork = forked(thread, "price#2")

        assert returned(fork)[:2] == second[:2]
        assert ran == ["price c"]

    def test_an_older_one_is_named_by_its_checkpoint(self):
        thread = begun(prices)
        first = returned(thread)
        due = thread.checkpoints.filter(namespace="").order_by("id").first()
        assert due is not None
        start_thread("flow", "y", thread_id=thread.pk)
        carried_out()

        fork = forked(thread, "price#2", checkpoint_id=due.id)

        assert returned(fork)[:2] == first[:2]
        assert fork.checkpoints.filter(namespace="").count() == 2

    def test_a_fork_of_a_fork(self):
        thread = begun(prices)
        fork = forked(thread, "price#1")
        assert ran == ["price b", "price c"]

        later = forked(fork, "price#2")
        assert ran == ["price c"]
        assert returned(later)[:2] == returned(fork)[:2]

        earlier = forked(later, "price#1")
        assert ran == ["price b", "price c"]
        assert returned(earlier)[0] == returned(thread)[0]

    def test_in_coroutines(self):
        @task
        async def fetch(what: str) -> str:
            ran.append(f"fetch {what}")
            return what

        async def flow(given: Any) -> Any:
            return [await fetch(each) for each in "abc"]

        thread = begun(flow)

        fork = forked(thread, "fetch#2")

        assert ran == ["fetch c"]
        assert status_of(fork) == ("idle", "success")

    def test_what_is_encrypted_is_so_on_the_new_thread(self, settings):
        settings.VALUE_CIPHER = "tests.storage.ciphers.BindingCipher"

        def flow(given: Any) -> Any:
            return [price("a").result(), interrupt("Buy?"), price("b").result()]

        thread = begun(flow, "yes")

        fork = forked(thread, "price#1")
        again = forked(fork, "price#1")

        for each in (fork, again):
            assert Interrupt.objects.get(thread=each).status == "pending"
            assert answered(each, "no")[1] == "no"


class TestCallsWithinCalls:
    @staticmethod
    def nested() -> Any:
        @task
        def order(name: str) -> list[str]:
            ran.append(f"order {name}")
            return [price(f"{name}{n}").result() for n in range(3)]

        def flow(given: Any) -> Any:
            return [order("a").result(), order("b").result(), ship("all").result()]

        return flow

    def test_the_bodies_around_it_begin_again_too(self):
        thread = begun(self.nested())

        fork = forked(thread, "order#2/price#1")

        assert ran == ["order b", "price b1", "price b2", "ship all"]
        assert status_of(fork) == ("idle", "success")
        assert returned(fork)[0] == returned(thread)[0]
        assert returned(fork)[1][0] == returned(thread)[1][0]

    def test_questions_in_it_are_asked_again_after_it(self):
        @task
        def order() -> Any:
            first = interrupt("First?")
            return [first, price("a").result(), interrupt("Second?")]

        thread = begun(lambda given: order().result(), "one", "two")

        fork = forked(thread, "order/price")

        assert Interrupt.objects.get(thread=fork).status == "pending"
        assert answered(fork, "three")[0::2] == ["one", "three"]

    def test_a_name_says_as_much_as_is_needed(self):
        thread = begun(self.nested())

        with pytest.raises(ValueError, match="may mean several calls") as refusal:
            fork_thread(thread.pk, after_task="price#1")
        assert "'order#1/price#1', 'order#2/price#1'" in str(refusal.value)
        with pytest.raises(ValueError, match="'order#1', 'order#2'; name one"):
            fork_thread(thread.pk, after_task="order")
        forked(thread, "flow/order#2")
        assert ran == ["ship all"]


class TestNodes:
    def test_what_other_nodes_of_the_step_have_done_stands(self):
        def left(state: State) -> State:
            price("l1").result()
            return {"log": [price("l2").result()]}

        def right(state: State) -> State:
            return {"log": [price("r").result()]}

        graph = StateGraph(State).add_node("left", left).add_node("right", right)
        graph.set_entry_point("left").set_entry_point("right")
        registry.register(graph.compile(), name="flow")
        started = start_thread("flow", {"log": []})
        carried_out()
        thread = Thread.objects.get(pk=started.thread_id)

        fork = forked(thread, "left/price#1")

        assert ran == ["price l2"]
        assert values_of(fork)["log"][1] == values_of(thread)["log"][1]
        assert len(values_of(fork)["log"]) == 2

    def test_each_of_what_was_sent_is_named(self):
        def work(given: Any) -> State:
            return {"log": [price(given).result(), price(given).result()]}

        def spread(state: State) -> Any:
            return [Send("work", each) for each in "ab"]

        graph = StateGraph(State).add_node("work", work)
        graph.set_conditional_entry_point(spread, ["work"])
        registry.register(graph.compile(), name="flow")
        started = start_thread("flow", {"log": []})
        carried_out()
        thread = Thread.objects.get(pk=started.thread_id)

        forked(thread, "work#2/price#1")

        assert ran == ["price b"]

    def test_graphs_called_before_stand_and_those_after_begin_anew(self):
        def step(state: State) -> State:
            ran.append("below")
            return {"log": [str(len(state["log"]))]}

        below = StateGraph(State).add_node("step", step).set_entry_point("step")
        graph = below.compile()

        def flow(given: Any) -> Any:
            first = graph.invoke({"log": ["x"]})["log"]
            paid = price("a").result()
            second = graph.invoke({"log": ["x", "y"]})["log"]
            return [first, paid, second, ship("a").result()]

        thread = begun(flow)

        fork = forked(thread, "price")
        assert ran == ["below", "ship a"]
        assert returned(fork)[2] == ["x", "y", "2"]

        forked(thread, "ship")
        assert ran == []


class TestWhatIsRefused:
    def test_a_call_that_is_not_on_record(self):
        thread = begun(prices)

        with pytest.raises(
            LookupError, match=r"no call of a task 'price#4'.*'price#1'"
        ):
            fork_thread(thread.pk, after_task="price#4")
        with pytest.raises(LookupError, match="there is none at all"):
            fork_thread(thread.pk, after_task="price#1", checkpoint_id=thread.head)
        assert Thread.objects.count() == 1

    def test_one_that_has_not_ended(self):
        @task
        def fetch() -> str:
            raise ValueError("gone")

        thread = begun(lambda given: [price("a").result(), fetch().result()])

        with pytest.raises(ValueError, match=r"'fetch#1' .* has not ended"):
            fork_thread(thread.pk, after_task="fetch")

    def test_values_beside_it(self):
        thread = begun(prices)

        with pytest.raises(ValueError, match="do not go together"):
            fork_thread(thread.pk, after_task="price#1", values={"log": []})

    def test_a_graph_that_keeps_its_state_has_gone_on(self):
        below = StateGraph(State).add_node("step", lambda state: {"log": ["s"]})
        graph = below.set_entry_point("step").compile(checkpointer=True)

        def flow(given: Any) -> Any:
            return [graph.invoke({"log": []}), price("a").result()]

        thread = begun(flow)

        with pytest.raises(ValueError, match="keeps its state"):
            fork_thread(thread.pk, after_task="price")
        assert Thread.objects.count() == 1
