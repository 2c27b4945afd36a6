"""A new thread for each one that stands failed, with what had worked by then (RB.14)."""

from __future__ import annotations

import operator
from typing import Annotated, Any, TypedDict

import pytest
from django.core.management import CommandError, call_command

from tests.services.posting import carried_out, values_of
from tests.storage.racing import together
from workflows.engine.func.entrypoint import entrypoint
from workflows.engine.func.task import task
from workflows.engine.graph.state import StateGraph
from workflows.engine.runtime import interrupt, set_attributes
from workflows.engine.sagas import compensate
from workflows.models import Event, Interrupt, Run, Thread
from workflows.services import registry
from workflows.services.continue_run import ContinueRun
from workflows.services.fork_failed import ForkOfFailed, fork_failed
from workflows.services.fork_thread import Fork, Forked
from workflows.services.start_run import start_thread
from workflows.services.where import WhereError
from workflows.storage.threads import delete_thread

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.rule("RB.14")]


class State(TypedDict, total=False):
    """Whose order, and what was done."""

    customer: str
    log: Annotated[list[str], operator.add]


class Shop:
    """Nodes side by side, of which one fails while it is `broken`; `ran` says what ran."""

    def __init__(self) -> None:
        self.broken = True
        self.asks = False
        self.ran: list[str] = []

    def pick(self, state: State) -> State:
        set_attributes(customer=state["customer"])
        self.ran.append("pick")
        return {"log": ["pick"]}

    def bill(self, state: State) -> State:
        self.ran.append("bill")
        return {"log": [interrupt("Bill it?") if self.asks else "bill"]}

    def send(self, state: State) -> State:
        self.ran.append("send")
        if self.broken:
            raise RuntimeError("no van")
        return {"log": ["send"]}

    def graph(self) -> Any:
        graph = StateGraph(State)
        for node in (self.pick, self.bill, self.send):
            graph.add_node(node.__name__, node)
        graph.set_entry_point("pick")
        graph.add_edge("pick", "bill").add_edge("pick", "send")
        return graph.compile()


@pytest.fixture
def shop() -> Shop:
    made = Shop()
    registry.register(made.graph(), name="shop")
    return made


def failed(customer: str = "c1", graph: str = "shop") -> Thread:
    started = start_thread(graph, {"customer": customer, "log": []})
    carried_out()
    thread = Thread.objects.get(pk=started.thread_id)
    assert thread.status == "error"
    return thread


def mended(shop: Shop) -> None:
    shop.broken = False
    shop.ran.clear()


def forks(found: list[ForkOfFailed]) -> list[Thread]:
    """The new threads, carried out."""
    carried_out()
    outcomes = [each.outcome for each in found]
    ids = [each.thread_id for each in outcomes if isinstance(each, Forked)]
    return [Thread.objects.get(pk=each) for each in ids]


def body_that_fails(calls: list[str], broken: list[bool]) -> None:
    """Register an entrypoint whose body calls two tasks, of which the second fails."""

    @task
    def price(name: str) -> str:
        calls.append(name)
        if name == "b" and broken:
            raise RuntimeError("no price")
        return name

    @entrypoint()
    def flow(given: Any) -> Any:
        return [price("a").result(), price("b").result()]

    registry.register(flow, name="flow")


class TestWhatStands:
    def test_what_worked_in_the_step_and_what_failed_runs_again(self, shop):
        thread = failed()
        mended(shop)

        found = fork_failed()

        assert [each.thread_id for each in found] == [thread.pk]
        fork = forks(found)[0]
        assert shop.ran == ["send"]
        assert values_of(fork)["log"] == ["pick", "bill", "send"]
        thread.refresh_from_db()
        assert thread.status == "error"
        assert thread.runs.count() == 1

    def test_calls_of_a_body_that_failed_later(self):
        calls: list[str] = []
        broken = [True]
        body_that_fails(calls, broken)
        failed(graph="flow")
        broken.clear()
        calls.clear()

        fork = forks(fork_failed())[0]

        assert calls == ["b"]
        assert fork.status == "idle"

    def test_nothing_of_the_step_where_that_is_asked_for(self, shop):
        failed()
        mended(shop)

        fork = forks(fork_failed(at="failed_step"))[0]

        assert sorted(shop.ran) == ["bill", "send"]
        assert values_of(fork)["log"] == ["pick", "bill", "send"]

    def test_a_question_beside_it_is_asked_on_the_fork_too(self, shop):
        shop.asks = True
        failed()
        mended(shop)

        fork = forks(fork_failed())[0]

        assert fork.status == "interrupted"
        assert Interrupt.objects.filter(thread=fork, status="pending").count() == 1
        assert Interrupt.objects.filter(status="pending").count() == 2

    def test_graphs_below_go_on_where_they_failed(self, shop):
        graph = StateGraph(State).add_node("below", shop.graph())
        registry.register(graph.set_entry_point("below").compile(), name="above")
        failed(graph="above")
        mended(shop)

        fork = forks(fork_failed())[0]

        assert shop.ran == ["send"]
        assert values_of(fork)["log"] == ["pick", "bill", "send"]

    def test_what_is_encrypted_is_so_on_the_new_thread(self, shop, settings):
        settings.VALUE_CIPHER = "tests.storage.ciphers.BindingCipher"
        failed()
        mended(shop)

        fork = forks(fork_failed())[0]

        assert values_of(fork)["log"] == ["pick", "bill", "send"]


class TestWhich:
    def test_those_that_are_described_the_oldest_failure_first(self, shop):
        threads = [failed(each) for each in ("c1", "c2", "c1", "c1")]
        mended(shop)

        found = fork_failed("customer = 'c1'", limit=2)

        assert [each.thread_id for each in found] == [threads[0].pk, threads[2].pk]
        rest = fork_failed("customer = 'c1'", limit=2)
        assert [each.thread_id for each in rest] == [threads[3].pk]

    def test_none_that_has_not_failed(self, shop):
        shop.broken = False
        start_thread("shop", {"customer": "c1", "log": []})
        carried_out()

        assert fork_failed() == []

    def test_none_twice(self, shop):
        failed()
        mended(shop)
        forks(fork_failed())

        assert fork_failed() == []
        assert fork_failed(at="failed_step") == []

    def test_none_twice_where_two_do_it_at_once(self, shop):
        threads = {failed(each).pk for each in ("c1", "c2", "c3")}
        mended(shop)

        one, other = together([fork_failed, fork_failed])

        found = [*one, *other]
        assert sorted(each.thread_id for each in found) == sorted(threads)
        assert all(isinstance(each.outcome, Forked) for each in found)

    def test_a_fork_that_failed_too_in_the_place_of_its_thread(self, shop):
        failed()
        first = forks(fork_failed())[0]
        assert first.status == "error"

        found = fork_failed()

        assert [each.thread_id for each in found] == [first.pk]

    def test_a_thread_whose_fork_is_gone(self, shop):
        thread = failed()
        delete_thread("default", forks(fork_failed())[0].pk)

        assert [each.thread_id for each in fork_failed()] == [thread.pk]

    def test_one_that_has_failed_again_at_a_later_step(self, shop, people):
        def more(state: State) -> State:
            raise RuntimeError("no map")

        graph = StateGraph(State).add_node("send", shop.send).add_node("more", more)
        graph.set_entry_point("send").add_edge("send", "more")
        registry.register(graph.compile(), name="long")
        thread = failed(graph="long")
        forks(fork_failed())
        shop.broken = False
        ContinueRun(people.operator, thread.pk).execute()
        carried_out()

        assert thread.pk in [each.thread_id for each in fork_failed()]


class TestWhatIsToldInstead:
    def test_one_that_cannot_be_forked_does_not_stop_the_others(
        self, shop, monkeypatch
    ):
        threads = [failed(each) for each in ("c1", "c2", "c3")]
        mended(shop)
        make = Fork.make

        def made(self: Fork, *given: Any) -> Forked:
            forked = make(self, *given)
            if self.thread.pk == threads[1].pk:
                raise LookupError("a row is missing")
            return forked

        monkeypatch.setattr(Fork, "make", made)

        found = fork_failed()

        assert [each.thread_id for each in found] == [each.pk for each in threads]
        assert found[1].outcome == "LookupError: a row is missing"
        assert len(forks(found)) == 2
        assert not Event.objects.filter(thread=threads[1], kind="fork").exists()
        assert Thread.objects.count() == 5

    def test_a_workflow_that_is_not_here(self, shop):
        failed()
        registry.unregister("shop")

        assert fork_failed()[0].outcome == "workflow 'shop' is not registered here"

    def test_work_that_is_undone(self):
        def work(state: State) -> State:
            compensate(put_back, "x")
            raise RuntimeError("no van")

        graph = StateGraph(State).add_node("work", work).set_entry_point("work")
        registry.register(graph.compile(), name="saga")
        failed(graph="saga")

        outcome = fork_failed()[0].outcome

        assert isinstance(outcome, str)
        assert outcome.startswith("what it has done is undone")
        assert Thread.objects.count() == 1

    def test_a_thread_with_nothing_saved_and_one_with_a_run_that_waits(self, shop):
        thread = failed()
        Run.objects.create(thread=thread, graph="shop", kind="continue")
        Thread.objects.create(id="empty", graph="shop", status="error")

        outcomes = {each.thread_id: each.outcome for each in fork_failed()}

        assert outcomes[thread.pk] == "it has a run that waits its turn"
        assert str(outcomes["empty"]).startswith("it has failed before its first step")

    def test_what_is_not_clear_is_refused(self, shop):
        with pytest.raises(WhereError):
            fork_failed("customer =")
        with pytest.raises(ValueError, match="give 'failed_node' or 'failed_step'"):
            fork_failed(at="here")  # type: ignore[arg-type]
        with pytest.raises(ValueError, match="limit"):
            fork_failed(limit=0)


def put_back(what: str) -> None:
    """Undo nothing."""


class TestTheCommand:
    def test_a_dry_run_lists_and_writes_nothing(self, shop, capsys):
        threads = [failed(each) for each in ("c1", "c2", "c2")]
        Thread.objects.create(id="empty", graph="shop", status="error")
        events = Event.objects.count()

        call_command("fork_failed", "--dry-run", "--limit", "2")

        told = capsys.readouterr().out.splitlines()
        assert told[0].startswith("empty: would be left alone, it has failed before")
        assert told[1:3] == [f"{each.pk}: would be forked" for each in threads[:2]]
        assert told[3] == "would fork 2 threads, leave 1 alone"
        assert (Thread.objects.count(), Event.objects.count()) == (4, events)

    def test_it_forks_and_says_so(self, shop, capsys):
        thread = failed("c2")
        failed("c1")
        mended(shop)

        call_command("fork_failed", "--where", "customer = 'c2'", "--at", "failed_step")

        fork = Event.objects.get(kind="fork", thread=thread)
        told = capsys.readouterr().out.splitlines()
        assert told[0].startswith(f"{thread.pk}: forked as ")
        assert told[1] == "forked 1 threads, left 0 alone"
        assert fork.data
        carried_out()
        assert sorted(shop.ran) == ["bill", "send"]

    def test_it_says_what_it_does_not_understand(self, shop):
        with pytest.raises(CommandError, match="where"):
            call_command("fork_failed", "--where", "customer =")
        with pytest.raises(CommandError, match="above 0"):
            call_command("fork_failed", "--limit", "0")
