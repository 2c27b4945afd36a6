"""Events: told once, to all threads that wait for them, and to none twice (RB.3)."""

from __future__ import annotations

import time
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from tests.services.napping import boss, started, status_of
from tests.services.posting import State, carried_out, values_of
from tests.storage.racing import together
from workflows.engine.events import wait_event
from workflows.engine.graph.state import StateGraph
from workflows.engine.signals import wait_signal
from workflows.models import Awaited, Emitted, Run, Thread
from workflows.services import forgotten, registry, sleepers
from workflows.services.action import InvalidAnswer
from workflows.services.emitting import emit
from workflows.services.execute_run import execute_run
from workflows.services.signals import send_signal, tidy_signals
from workflows.services.sleepers import wake_sleepers
from workflows.services.start_run import start_thread
from workflows.services.sweep import sweep
from workflows.storage.clock import database_now
from workflows.storage.saver import DjangoSaver

assert boss

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.rule("RB.3")]


class Desk:
    """A workflow whose node waits for an event as often as `waits` says how."""

    def __init__(self) -> None:
        self.waits: list[dict[str, Any]] = [{}]

    def wait(self, state: State) -> State:
        return {"said": [wait_event("paid", **each) for each in self.waits]}

    def graph(self, **compiled: Any) -> Any:
        graph = StateGraph(State).add_node("wait", self.wait)
        return graph.set_entry_point("wait").compile(**compiled)


@pytest.fixture
def desk() -> Desk:
    made = Desk()
    registry.register(made.graph(), name="desk")
    return made


class TestTelling:
    def test_all_who_wait_are_told_at_once(self, boss, desk):
        threads = [started(boss, "desk") for _ in range(3)]
        assert status_of(threads[0]) == ("waiting", "waiting")

        emit("paid", {"amount": 3})

        assert carried_out() == ["success"] * 3
        for thread in threads:
            assert values_of(thread) == {"said": [{"amount": 3}]}
            assert status_of(thread) == ("idle", "success")
        assert not Awaited.objects.exists()

    def test_who_waits_for_something_else_is_left_alone(self, boss, desk):
        desk.waits = [{"key": "7", "where": {"country": "NL"}}]
        thread = started(boss, "desk")

        emit("paid", {"country": "NL"})
        emit("sent", {"country": "NL"}, key="7")
        emit("paid", {"country": "BE"}, key="7")
        emit("paid", 1, key="7")

        assert not Run.objects.filter(kind="wake").exists()
        assert wake_sleepers() == 0
        emit("paid", {"country": "NL", "n": 1}, key="7")
        assert carried_out() == ["success"]
        assert values_of(thread) == {"said": [{"country": "NL", "n": 1}]}

    def test_what_was_told_before_the_wait_does_not_count(self, boss, desk):
        emit("paid", 1)

        thread = started(boss, "desk")

        assert carried_out() == []
        emit("paid", 2)
        assert carried_out() == ["success"]
        assert values_of(thread) == {"said": [2]}

    def test_since_the_start_it_counts_though_no_worker_has_begun(self, desk):
        emit("paid", "before")
        desk.waits = [{"since": "start"}, {"since": "start"}]
        run = start_thread("desk", {}, thread_id="t").run_id
        emit("paid", "first")
        emit("paid", "second")

        assert execute_run(run) == "waiting"

        assert carried_out() == ["waiting", "success"]
        assert values_of(Thread.objects.get()) == {"said": ["first", "second"]}

    def test_since_an_instant_that_is_past(self, boss, desk):
        since = database_now() - timedelta(hours=1)
        Emitted.objects.create(
            name="paid", payload="1", emitted_at=since - timedelta(hours=1)
        )
        Emitted.objects.create(name="paid", payload="2", emitted_at=since)
        desk.waits = [{"since": since}]

        thread = started(boss, "desk")

        assert carried_out() == ["success"]
        assert values_of(thread) == {"said": [2]}

    def test_each_wait_gets_one_and_the_next_the_next(self, boss, desk):
        desk.waits = [{}, {}]
        thread = started(boss, "desk")
        emit("paid", 1)
        assert carried_out() == ["waiting"]
        emit("paid", 2)
        emit("paid", 3)

        assert carried_out() == ["success"]
        assert values_of(thread) == {"said": [1, 2]}

    def test_it_is_told_when_the_tellers_transaction_commits(self, boss, desk):
        started(boss, "desk")
        with transaction.atomic():
            emit("paid", 1)
            assert not Run.objects.filter(kind="wake").exists()
            transaction.set_rollback(True)
        assert not Emitted.objects.exists()

        with transaction.atomic():
            emit("paid", 2)
        assert carried_out() == ["success"]

    def test_one_that_is_told_by_the_body_before_it_waits_is_found(self, boss):
        def tell_and_wait(state: State) -> State:
            if not Emitted.objects.exists():
                emit("paid", 7)
            return {"said": [wait_event("paid", since="start")]}

        graph = StateGraph(State).add_node("w", tell_and_wait).set_entry_point("w")
        registry.register(graph.compile(), name="own")
        thread = started(boss, "own")

        assert carried_out() == ["success"]
        assert values_of(thread) == {"said": [7]}

    def test_beside_a_signal_each_goes_on_for_itself(self, boss, desk):
        graph = StateGraph(State).add_node("wait", desk.wait)
        graph.add_node("other", lambda state: {"note": wait_signal("note")})
        graph.add_edge("__start__", "wait").add_edge("__start__", "other")
        registry.register(graph.compile(), name="both")
        thread = started(boss, "both")

        emit("paid", 1)
        assert carried_out() == ["waiting"]
        send_signal(thread.pk, "note", "well")

        assert carried_out() == ["success"]
        assert values_of(thread) == {"said": [1], "note": "well"}

    def test_many_are_told_by_the_sweep(self, boss, desk, monkeypatch):
        for _ in range(6):
            started(boss, "desk")

        with monkeypatch.context() as patched:
            patched.setattr(sleepers, "AT_ONCE", 1)
            patched.setattr(sleepers, "TOGETHER", 2)
            emit("paid", 1)

        assert Run.objects.filter(kind="wake").count() == 1
        assert wake_sleepers() == 5
        assert carried_out() == ["success"] * 6

    def test_its_time(self, boss, desk):
        desk.waits = [{"timeout": 0.01, "default": "late"}]
        thread = started(boss, "desk")
        time.sleep(0.05)
        wake_sleepers()  # or the run's own end has found it over

        assert carried_out() == ["success"]
        assert values_of(thread) == {"said": ["late"]}


class TestCrashes:
    def test_a_teller_that_dies_before_it_told_is_made_up_for(self, boss, desk):
        thread = started(boss, "desk")
        other = started(boss, "desk")
        send_signal(other.pk, "paid", 1)
        sweep()
        Emitted.objects.create(name="paid", payload="1", emitted_at=database_now())
        Emitted.objects.create(name="sent", payload="1", emitted_at=database_now())
        assert sweep() == 0  # once a minute

        forgotten.tell_of_forgotten.looks_at = 0.0

        assert sweep() == 2
        assert carried_out() == ["success", "success"]
        assert values_of(thread) == {"said": [1]}
        forgotten.tell_of_forgotten.looks_at = 0.0
        assert forgotten.tell_of_forgotten() == 0

    def test_one_that_cannot_be_read_fails_the_run_that_wakes_and_no_other(
        self, boss, desk
    ):
        desk.waits = [{"where": {"n": 1}}]
        thread = started(boss, "desk")
        Emitted.objects.create(
            name="paid",
            payload='{"$t":"nobody.knows","v":1}',
            emitted_at=database_now(),
        )
        forgotten.tell_of_forgotten.looks_at = 0.0

        assert sweep() == 1
        assert carried_out() == ["error"]

        assert status_of(thread) == ("error", "error")
        run = Run.objects.get(kind="wake")
        assert run.reason in ("unknown_type", "damaged_value"), run.error

    def test_telling_and_beginning_to_wait_at_one_time_never_miss_each_other(
        self, boss, desk
    ):
        desk.waits = [{"since": "start"}]
        for number in range(8):
            name = f"race {number}"
            run = start_thread("desk", {}, thread_id=name).run_id

            ended = together([partial(execute_run, run), partial(emit, "paid", number)])

            assert None in ended
            carried_out()
            thread = Thread.objects.get(pk=name)
            assert thread.status == "idle", ended
            assert values_of(thread) == {"said": [number]}


class TestWhatIsKept:
    def test_old_events_are_forgotten(self, settings):
        emit("paid", 1)
        Emitted.objects.update(emitted_at=timezone.now() - timedelta(days=31))
        emit("paid", 2)

        settings.SIGNALS_KEEP_DAYS = 0
        assert tidy_signals() == 0
        settings.SIGNALS_KEEP_DAYS = 30
        assert tidy_signals() == 1
        assert Emitted.objects.get().payload == "2"

    def test_payloads_and_what_is_asked_for_are_encrypted(self, boss, desk, settings):
        settings.VALUE_CIPHER = "tests.storage.ciphers.BindingCipher"
        desk.waits = [{"where": {"who": "a secret"}}, {"where": {"who": "a secret"}}]
        thread = started(boss, "desk")
        emit("paid", {"who": "a secret", "n": 1})
        assert "secret" not in Emitted.objects.get().payload
        assert carried_out() == ["waiting"]
        assert "secret" not in Awaited.objects.get().matching
        DjangoSaver().copy_thread(thread.pk, "copy")

        emit("paid", {"who": "a secret", "n": 2})

        assert carried_out() == ["success", "success"]
        for name in (thread.pk, "copy"):
            found = desk.graph(checkpointer=DjangoSaver()).get_state(
                {"configurable": {"thread_id": name}}
            )
            assert [each["n"] for each in found.values["said"]] == [1, 2]

    @pytest.mark.parametrize(
        ("given", "place"),
        [(("", 1), "name"), ((7, 1), "name"), (("a\nb", 1), "name")],
    )
    def test_what_cannot_be_kept_is_named(self, given: Any, place: str) -> None:
        with pytest.raises(InvalidAnswer) as raised:
            emit(*given)

        assert [*raised.value.errors] == [place]
        with pytest.raises(InvalidAnswer, match="key is"):
            emit("paid", key="\0")
        with pytest.raises(InvalidAnswer, match="object"):
            emit("paid", object())
        assert not Emitted.objects.exists()
