"""Updates of threads of the dashboard: at rest, beside runs of workers, and who is first (RB.16)."""

from __future__ import annotations

import asyncio
import operator
import threading
import time
from datetime import timedelta
from functools import partial
from itertools import pairwise
from typing import Annotated, Any, TypedDict

import pytest
from django.db import transaction
from django.utils import timezone

from tests.services.napping import (
    PAUSE,
    boss,
    every_sleep_is_long,
    status_of,
    swept,
)
from tests.services.posting import carried_out, values_of
from tests.storage.racing import beside, together
from workflows.engine.drivers import faults
from workflows.engine.graph.state import StateGraph
from workflows.engine.handlers import Update
from workflows.engine.runtime import interrupt
from workflows.engine.signals import wait_signal
from workflows.engine.sleeping import sleep
from workflows.engine.update_errors import (
    UnknownUpdateError,
    UpdateRefused,
    UpdateTimeout,
)
from workflows.models import (
    AuditEntry,
    Checkpoint,
    Event,
    Interrupt,
    Run,
    SentUpdate,
    Thread,
)
from workflows.services import registry
from workflows.services.action import NotAllowed, NotVisible, ThreadBusy
from workflows.services.cancel_run import cancel_thread
from workflows.services.desk.deciding import last_editor
from workflows.services.execute_run import execute_run
from workflows.services.resume_run import ResumeRun
from workflows.services.send_update import SendUpdate, send_update, tidy_updates
from workflows.services.signals import send_signal
from workflows.services.start_run import start_thread
from workflows.storage.saver import DjangoSaver

assert boss
assert every_sleep_is_long

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.rule("RB.16")]


class State(TypedDict, total=False):
    limit: int
    log: Annotated[list[Any], operator.add]


class Spending:
    """A workflow that asks, and one that stands in its first node until it is let go on."""

    def __init__(self) -> None:
        self.is_inside = threading.Event()
        self.go_on = threading.Event()

    def gate(self, state: State) -> State:
        self.is_inside.set()
        assert self.go_on.wait(20)
        return {"log": ["gate"]}

    def ask(self, state: State) -> State:
        return {"log": [f"{interrupt('well?')['value']} to {state['limit']}"]}

    def nap(self, state: State) -> State:
        return {"log": [f"{sleep(PAUSE)} at {state['limit']}"]}

    def wait(self, state: State) -> State:
        return {"log": [f"{wait_signal('paid')} to {state['limit']}"]}

    def spend(self, state: State) -> State:
        return {"log": [f"spends {state['limit']}"]}

    def registered(self, *names: str) -> None:
        graph = StateGraph(State)
        for name in names:
            graph.add_node(name, getattr(self, name))
        graph.set_entry_point(names[0])
        for before, after in pairwise(names):
            graph.add_edge(before, after)

        @graph.update("set_limit")
        def set_limit(state: State, *, limit: int) -> Any:
            if limit < 0:
                raise UpdateRefused("below nothing")
            return Update({"limit": limit}, {"was": state["limit"]})

        @graph.update("note")
        async def note(state: State, *, text: str) -> Any:
            await asyncio.sleep(0)
            return {"log": [text]}

        registry.register(graph.compile(), name="spending")


@pytest.fixture
def spending() -> Spending:
    return Spending()


def started(spending: Spending, *names: str) -> Thread:
    """A thread that has begun, as far as it goes by itself."""
    spending.registered(*names)
    start_thread("spending", {"limit": 5, "log": []}, thread_id="t")
    carried_out()
    return Thread.objects.get()


class AtWork:
    """A run that another thread carries out, as a worker does, and that stands in its first node."""

    def __init__(self, spending: Spending, *names: str) -> None:
        self.spending = spending
        spending.registered("gate", *names)
        start_thread("spending", {"limit": 5, "log": []}, thread_id="t")
        self.run = Run.objects.get()
        self.ended = beside(partial(execute_run, self.run.pk))
        assert spending.is_inside.wait(20)

    def send(self, **args: Any) -> Any:
        """Send one from another thread, and wait until it lies there; its future."""
        count = SentUpdate.objects.count()
        sent = beside(partial(send_update, "t", "set_limit", args, timeout=20))
        for _ in range(2000):
            if SentUpdate.objects.count() > count:
                return sent
            time.sleep(0.005)
        raise AssertionError("nothing was sent")

    def end(self) -> str:
        self.spending.go_on.set()
        return str(self.ended.result(20))


def decided(person: Any) -> Run:
    """The open question answered by somebody with "yes"; the run that carries it."""
    row = Interrupt.objects.get()
    ResumeRun(
        person, row.pk, "respond", "yes", version=row.version, round=row.round
    ).execute()
    return Run.objects.get(kind="resume")


class TestAThreadThatAsks:
    def test_it_is_carried_out_at_once_and_asks_on(self, spending):
        thread = started(spending, "ask")
        before = Interrupt.objects.values().get()

        result = send_update("t", "set_limit", {"limit": 9})

        assert result == {"was": 5}
        assert values_of(thread)["limit"] == 9
        assert Interrupt.objects.values().get() == before
        assert status_of(thread)[0] == "interrupted"
        assert not Run.objects.filter(status="pending").exists()

    def test_the_answer_finds_the_new_state(self, boss, spending):
        thread = started(spending, "ask")
        send_update("t", "set_limit", {"limit": 9})

        decided(boss)

        assert carried_out() == ["success"]
        assert values_of(thread)["log"] == ["yes to 9"]

    def test_one_that_comes_after_the_answer_is_seen_by_its_run(self, boss, spending):
        thread = started(spending, "ask")
        decided(boss)

        send_update("t", "set_limit", {"limit": 9})

        assert carried_out() == ["success"]
        assert values_of(thread)["log"] == ["yes to 9"]

    def test_a_coroutine_function_carries_one_out(self, spending):
        thread = started(spending, "ask")

        assert send_update("t", "note", {"text": "hm"}) is None
        assert values_of(thread)["log"] == ["hm"]

    def test_it_is_recorded(self, people, spending):
        started(spending, "ask")

        SendUpdate(people.operator, "t", "set_limit", {"limit": 9}).execute()

        row = SentUpdate.objects.get()
        step = Checkpoint.objects.get(source="update")
        told = Event.objects.get(kind="update").data.replace(" ", "")
        assert (row.status, row.by) == ("done", "Operator")
        assert row.answered_at is not None
        assert '"name":"set_limit","by":"Operator"' in told
        assert '"sent_update"' in step.metadata
        assert "args" not in step.metadata

    def test_in_a_transaction_it_is_a_part_of_it(self, spending):
        thread = started(spending, "ask")

        with transaction.atomic():
            send_update("t", "set_limit", {"limit": 9})
            transaction.set_rollback(True)

        assert values_of(thread)["limit"] == 5


class TestAThreadThatSleeps:
    def test_it_sleeps_on_and_wakes_with_the_new_state(self, spending):
        thread = started(spending, "nap")
        before = Thread.objects.get().wake_at

        send_update("t", "set_limit", {"limit": 9})

        assert status_of(thread)[0] == "waiting"
        assert Thread.objects.get().wake_at == before
        assert execute_run(swept().pk) == "success"
        assert values_of(thread)["log"] == ["True at 9"]


class TestAThreadThatWaitsForASignal:
    def test_it_waits_on_and_takes_it_with_the_new_state(self, spending):
        thread = started(spending, "wait")

        send_update("t", "set_limit", {"limit": 9})
        assert status_of(thread)[0] == "waiting"
        send_signal("t", "paid", "cash")

        assert carried_out() == ["success"]
        assert values_of(thread)["log"] == ["cash to 9"]


class TestWhatIsRefused:
    @pytest.mark.parametrize("limit", [-1, "much"])
    def test_nothing_is_written(self, spending, limit):
        started(spending, "ask")
        head = Thread.objects.get().head

        with pytest.raises(UpdateRefused):
            send_update("t", "set_limit", {"limit": limit})

        assert Thread.objects.get().head == head
        assert not Event.objects.filter(kind="update").exists()

    def test_the_run_that_it_leaves_says_so(self, spending):
        thread = started(spending, "ask")

        with pytest.raises(UpdateRefused):
            send_update("t", "set_limit", {"limit": -1})

        run = Run.objects.get(kind="update")
        assert (run.status, run.reason) == ("success", "update_refused")
        assert status_of(thread)[0] == "interrupted"

    def test_a_thread_that_does_not_exist(self):
        with pytest.raises(LookupError, match="no thread 'nix'"):
            send_update("nix", "set_limit", {"limit": 9})

    def test_a_name_that_is_none(self, spending):
        started(spending, "ask")

        with pytest.raises(UnknownUpdateError, match="set_limit, note"):
            send_update("t", "nix")

    def test_a_thread_that_has_ended(self, spending):
        started(spending, "spend")

        with pytest.raises(UpdateRefused, match="has ended"):
            send_update("t", "set_limit", {"limit": 9})

    def test_a_thread_that_is_to_begin_waits_for_its_run(self, spending):
        spending.registered("ask")
        start_thread("spending", {"limit": 5, "log": []}, thread_id="t")

        with pytest.raises(UpdateTimeout):
            send_update("t", "set_limit", {"limit": 9}, timeout=0.01)

        assert SentUpdate.objects.get().status == "withdrawn"
        assert Run.objects.get().kind == "start"

    def test_in_a_transaction_while_a_run_is_at_work(self, spending):
        work = AtWork(spending, "spend")

        with transaction.atomic(), pytest.raises(ThreadBusy, match="outside of one"):
            send_update("t", "set_limit", {"limit": 9})

        assert work.end() == "success"


class InTheFormOfOthers(DjangoSaver):
    """A saver whose author has written `put` anew."""

    def put(self, config: Any, checkpoint: Any, metadata: Any, versions: Any) -> Any:
        return super().put(config, checkpoint, metadata, versions)


def test_a_saver_with_a_put_of_its_own_will_do(spending):
    thread = started(spending, "ask")
    graph = registry.get("spending").graph.with_saver(InTheFormOfOthers())
    config = {"configurable": {"thread_id": "t"}}

    assert graph.send_update(config, "set_limit", {"limit": 9}) == {"was": 5}
    assert values_of(thread)["limit"] == 9
    assert SentUpdate.objects.get().status == "done"


class TestKeys:
    def test_the_first_is_carried_out_and_all_are_given_its_answer(self, spending):
        thread = started(spending, "ask")
        send = partial(send_update, "t", "set_limit", idempotency_key="k")

        assert send({"limit": 9}) == {"was": 5}
        send_update("t", "set_limit", {"limit": 7})

        assert send({"limit": 9}) == {"was": 5}
        assert values_of(thread)["limit"] == 7

    def test_another_update_with_the_key_is_refused(self, spending):
        started(spending, "ask")
        send = partial(send_update, "t", "set_limit", idempotency_key="k")
        send({"limit": 9})

        with pytest.raises(UpdateRefused, match="give another key"):
            send({"limit": 8})

    def test_one_that_was_taken_back_is_sent_again(self, spending):
        work = AtWork(spending, "ask")
        send = partial(send_update, "t", "set_limit", {"limit": 9}, idempotency_key="k")
        with pytest.raises(UpdateTimeout):
            send(timeout=0.01)
        assert work.end() == "interrupted"

        assert send() == {"was": 5}


class TestBesideARun:
    def test_its_run_takes_it_between_two_steps(self, spending):
        work = AtWork(spending, "spend")
        sent = work.send(limit=9)

        assert work.end() == "success"
        assert sent.result(20) == {"was": 5}
        assert values_of(Thread.objects.get())["log"] == ["gate", "spends 9"]
        step = Checkpoint.objects.get(source="update")
        assert step.run_id == work.run.pk

    def test_what_is_refused_there_ends_no_run(self, spending):
        work = AtWork(spending, "spend")
        sent = work.send(limit=-1)

        assert work.end() == "success"
        with pytest.raises(UpdateRefused, match="below nothing"):
            sent.result(20)

    def test_two_at_once_are_both_carried_out(self, spending):
        work = AtWork(spending, "spend")
        first, second = work.send(limit=8), work.send(limit=9)

        work.end()

        assert (first.result(20), second.result(20)) == ({"was": 5}, {"was": 8})
        assert values_of(Thread.objects.get())["limit"] == 9

    def test_one_sent_in_the_last_step_finds_that_it_has_ended(self, spending):
        work = AtWork(spending)
        sent = work.send(limit=9)

        work.end()

        with pytest.raises(UpdateRefused, match="has ended"):
            sent.result(20)


class TestRaces:
    def test_two_at_rest_are_both_carried_out_one_after_the_other(self, spending):
        thread = started(spending, "ask")
        send = [
            partial(send_update, "t", "set_limit", {"limit": limit})
            for limit in (7, 8, 9)
        ]

        told = together(send)

        assert [type(each) for each in told] == [dict] * 3, told
        was = [each["was"] for each in told]
        assert sorted([*was, values_of(thread)["limit"]]) == [5, 7, 8, 9]
        assert Checkpoint.objects.filter(source="update").count() == 3

    def test_a_decision_and_an_update_are_both_heeded(self, boss, spending):
        thread = started(spending, "ask")

        told, run = together(
            [
                partial(send_update, "t", "set_limit", {"limit": 9}),
                partial(decided, boss),
            ]
        )
        carried_out()

        assert told == {"was": 5}
        assert isinstance(run, Run), run
        assert values_of(thread)["log"] == ["yes to 9"]

    def test_the_run_of_a_decision_and_an_update(self, boss, spending):
        thread = started(spending, "ask", "spend")
        run = decided(boss)

        told, _ = together(
            [
                partial(send_update, "t", "set_limit", {"limit": 9}),
                partial(execute_run, run.pk),
            ]
        )
        carried_out()

        values = values_of(thread)
        assert values["log"][0] in ("yes to 5", "yes to 9")
        if isinstance(told, UpdateRefused):  # the thread had ended
            assert values["limit"] == 5
        else:
            assert (told, values["limit"]) == ({"was": 5}, 9)

    def test_a_cancel_and_an_update(self, spending):
        thread = started(spending, "ask")

        told, cancelled = together(
            [
                partial(send_update, "t", "set_limit", {"limit": 9}),
                partial(cancel_thread, "t", reason="no more"),
            ]
        )

        assert told == {"was": 5}
        assert len(cancelled) >= 1, cancelled
        assert values_of(thread)["limit"] == 9
        assert Interrupt.objects.get().status == "withdrawn"

    def test_one_that_is_taken_back_while_it_is_carried_out(
        self, spending, monkeypatch
    ):
        """Its handler has run, and then there is nobody to be told: nothing is written."""
        thread = started(spending, "ask")

        def take_back(self, *given):
            SentUpdate.objects.update(status="withdrawn")

        monkeypatch.setattr(DjangoSaver, "hold_update", take_back)

        with pytest.raises(UpdateTimeout):
            send_update("t", "set_limit", {"limit": 9}, timeout=0.01)

        assert values_of(thread)["limit"] == 5
        assert not Checkpoint.objects.filter(source="update").exists()


class TestWhoMay:
    def test_who_may_edit_the_state_may_send_one(self, people, spending):
        thread = started(spending, "ask")

        SendUpdate(people.operator, "t", "set_limit", {"limit": 9}).execute()

        assert values_of(thread)["limit"] == 9
        entry = AuditEntry.objects.get(action="update.sent")
        assert (entry.person_name, entry.thread) == ("Operator", "t")

    def test_who_has_sent_one_has_edited_the_state(self, people, spending):
        """A policy of four eyes bars them from the decision, whatever a program sends later."""
        started(spending, "ask")

        SendUpdate(people.operator, "t", "set_limit", {"limit": 9}).execute()
        send_update("t", "set_limit", {"limit": 8})

        assert last_editor("t") == people.operator.pk
        SendUpdate(people.admin, "t", "set_limit", {"limit": 7}).execute()
        assert last_editor("t") == people.admin.pk

    def test_others_may_not(self, people, spending):
        started(spending, "ask")

        with pytest.raises(NotAllowed):
            SendUpdate(people.viewer, "t", "set_limit", {"limit": 9}).execute()
        with pytest.raises(NotVisible):
            SendUpdate(people.stranger, "t", "set_limit", {"limit": 9}).execute()
        assert not SentUpdate.objects.exists()


class TestWhatIsKept:
    def test_a_thread_that_is_removed_takes_its_updates_along(self, spending):
        started(spending, "wait")
        send_update("t", "set_limit", {"limit": 9})

        DjangoSaver().delete_thread("t")

        assert not SentUpdate.objects.exists()

    def test_old_ones_are_forgotten(self, spending, settings):
        started(spending, "ask")
        send_update("t", "set_limit", {"limit": 9})
        assert tidy_updates() == 0
        SentUpdate.objects.update(sent_at=timezone.now() - timedelta(days=31))

        settings.SIGNALS_KEEP_DAYS = 0
        assert tidy_updates() == 0
        settings.SIGNALS_KEEP_DAYS = 30
        assert tidy_updates() == 1

    def test_arguments_and_results_are_encrypted(self, spending, settings):
        settings.VALUE_CIPHER = "tests.storage.ciphers.BindingCipher"
        started(spending, "ask")

        assert send_update("t", "note", {"text": "rosebud"}) is None
        send_update("t", "set_limit", {"limit": 9})

        texts = [
            each
            for row in SentUpdate.objects.values_list("args", "answer")
            for each in row
        ]
        texts += Checkpoint.objects.values_list("metadata", flat=True)
        assert not [text for text in texts if "rosebud" in text or '"was"' in text]


class TestKilled:
    def test_beside_a_run_killed_anywhere_it_is_done_once_or_not_at_all(self, spending):
        """Whoever was told "done" finds it done; nothing is done twice."""
        spending.registered("spend", "ask")
        ended = False
        number = 0
        while not ended:
            number += 1
            assert number < 60
            thread_id = f"t{number}"
            start_thread("spending", {"limit": 0, "log": []}, thread_id=thread_id)
            run = Run.objects.get(thread_id=thread_id)
            SentUpdate.objects.create(
                thread_id=thread_id, token="u", name="note", args='{"text":"once"}'
            )
            ended = not _killed(run, number)

            done = SentUpdate.objects.get(thread_id=thread_id).status == "done"
            log = values_of(Thread.objects.get(pk=thread_id)).get("log", [])
            assert log.count("once") == int(done), f"killed before request {number}"

            Run.objects.filter(status="running").update(status="pending", owner="")
            carried_out()
            log = values_of(Thread.objects.get(pk=thread_id))["log"]
            assert log.count("once") == 1, f"killed before request {number}"
            assert SentUpdate.objects.get(thread_id=thread_id).status == "done"
        assert number > 8

    def test_a_sender_killed_anywhere_sends_again_with_its_key(self, spending):
        spending.registered("ask")
        send = partial(send_update, args={"limit": 9}, idempotency_key="k")
        ended = False
        number = 0
        while not ended:
            number += 1
            assert number < 60
            thread_id = f"t{number}"
            start_thread("spending", {"limit": 5, "log": []}, thread_id=thread_id)
            carried_out()
            with faults.kill_before(number):
                try:
                    send(thread_id, "set_limit")
                    ended = True
                except faults.Killed:
                    pass

            assert send(thread_id, "set_limit") == {"was": 5}
            made = Checkpoint.objects.filter(thread_id=thread_id, source="update")
            assert made.count() == 1, f"killed before request {number}"
        assert number > 5


def _killed(run: Run, number: int) -> bool:
    with faults.kill_before(number):
        try:
            execute_run(run.pk)
        except faults.Killed:
            return True
    return False
