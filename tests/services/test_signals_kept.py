"""Signals: what an edit, a copy or the end of a thread makes of them, who may send, and what is refused (RB.2)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.utils import timezone

from tests.services.napping import boss, config_of, started, status_of
from tests.services.posting import State, carried_out, desk, values_of
from workflows.engine.graph.state import StateGraph
from workflows.engine.types import Command
from workflows.models import Awaited, Event, Run, Signal, Thread
from workflows.services import registry, signals
from workflows.services.action import (
    InvalidAnswer,
    NotAllowed,
    NotPending,
    NotVisible,
    ThreadBusy,
)
from workflows.services.cancel_run import CancelRun, cancel_thread
from workflows.services.ends import NOTHING_SLEEPS
from workflows.services.signals import SendSignal, send_signal, tidy_signals
from workflows.services.sleepers import wake_sleepers
from workflows.services.start_run import start_thread
from workflows.storage.saver import DjangoSaver

assert boss
assert desk

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.rule("RB.2")]


class TestWhatHasChangedMeanwhile:
    def test_an_edit_beside_the_waiter_keeps_it_waiting(self, boss, desk):
        thread = started(boss, "desk")
        graph = desk.graph(checkpointer=DjangoSaver())

        graph.update_state(config_of(thread), {"note": "edited"})

        assert status_of(thread)[0] == "waiting"
        send_signal(thread.pk, "paid", 1)
        assert carried_out() == ["success"]
        assert values_of(thread) == {"said": [1], "note": "edited"}

    def test_an_edit_that_takes_the_waiter_away_leaves_the_signal(self, boss, desk):
        graph = StateGraph(State).add_node("wait", desk.wait)
        graph.add_node("after", lambda state: {"note": "after"})
        graph.set_entry_point("wait").add_edge("wait", "after")
        registry.register(graph.compile(), name="two")
        thread = started(boss, "two")
        edited = graph.compile(checkpointer=DjangoSaver())
        edited.update_state(config_of(thread), {"note": "done"}, as_node="wait")

        send_signal(thread.pk, "paid", 1)

        assert carried_out() == ["cancelled"]
        assert Run.objects.get(kind="wake").reason == NOTHING_SLEEPS
        assert Signal.objects.get().handed is False
        assert not Awaited.objects.exists()

    def test_cancelling_ends_the_wait_and_keeps_the_mailbox(self, people, boss, desk):
        thread = started(boss, "desk")
        CancelRun(people.operator, thread.runs.get().pk).execute()
        assert status_of(thread) == ("idle", "cancelled")

        send_signal(thread.pk, "paid", 1)

        assert carried_out() == []
        start_thread("desk", {}, thread_id=thread.pk)
        assert carried_out() == ["waiting", "success"]
        assert cancel_thread(thread.pk) == []

    def test_a_copy_has_what_nobody_took(self, boss, desk):
        desk.topics = ["paid", "paid"]
        thread = started(boss, "desk")
        send_signal(thread.pk, "paid", 1)
        assert carried_out() == ["waiting"]
        send_signal(thread.pk, "sent", 2, idempotency_key="k")

        DjangoSaver().copy_thread(thread.pk, "copy")

        assert [*Signal.objects.filter(thread_id="copy").values_list("topic")] == [
            ("sent",)
        ]
        assert Thread.objects.get(pk="copy").status == "waiting"
        send_signal("copy", "paid", 3)
        assert carried_out() == ["success"]
        assert values_of(Thread.objects.get(pk="copy")) == {"said": [1, 3]}
        assert status_of(thread)[0] == "waiting"

    def test_a_thread_that_is_removed_takes_its_signals_along(self, boss, desk):
        thread = started(boss, "desk")
        send_signal(thread.pk, "sent", 1)

        DjangoSaver().delete_thread(thread.pk)

        assert not Signal.objects.exists()
        assert not Awaited.objects.exists()

    def test_a_program_that_answers_by_hand_needs_no_mailbox(self, boss, desk):
        thread = started(boss, "desk")
        graph = desk.graph(checkpointer=DjangoSaver())
        (wait,) = graph.get_state(config_of(thread)).tasks[0].waits

        answered = graph.invoke(Command(resume={wait.id: "by hand"}), config_of(thread))

        assert answered == {"said": ["by hand"]}
        assert status_of(thread)[0] == "idle"

    def test_a_thread_that_a_program_let_wait_is_woken_by_workers(self, boss, desk):
        desk.topics = []
        thread = started(boss, "desk")
        desk.topics = ["paid"]
        send_signal(thread.pk, "paid", 1)

        desk.graph(checkpointer=DjangoSaver()).invoke({}, config_of(thread))

        assert status_of(thread)[0] == "waiting"
        assert wake_sleepers() == 1
        assert carried_out() == ["success"]


class TestWhoMay:
    def test_who_operates_the_workflow_may_send(self, people, boss, desk):
        thread = started(boss, "desk")

        assert SendSignal(people.operator, thread.pk, "paid", 1).execute() is True

        assert Signal.objects.get().sent_by == people.operator
        told = Event.objects.get(kind="signal").data.replace(" ", "")
        assert '"by":"Operator"' in told

    def test_others_may_not(self, people, boss, desk):
        thread = started(boss, "desk")

        with pytest.raises(NotAllowed):
            SendSignal(people.reviewer, thread.pk, "paid", 1).execute()
        with pytest.raises(NotVisible):
            SendSignal(people.stranger, thread.pk, "paid", 1).execute()
        with pytest.raises(NotVisible):
            SendSignal(people.operator, "no such thread", "paid", 1).execute()
        assert not Signal.objects.exists()


class TestBadInput:
    @pytest.mark.parametrize(
        ("given", "place"),
        [
            (("", "paid", 1), "thread_id"),
            (("a/b", "paid", 1), "thread_id"),
            (("t", "", 1), "topic"),
            (("t", "a\nb", 1), "topic"),
            (("t", 7, 1), "topic"),
        ],
    )
    def test_what_cannot_be_kept_is_named(self, given: Any, place: str) -> None:
        with pytest.raises(InvalidAnswer) as raised:
            send_signal(*given)

        assert [*raised.value.errors] == [place]
        assert not Signal.objects.exists()

    def test_ids_that_a_program_gave_its_thread_are_known(self, desk) -> None:
        graph = desk.graph(checkpointer=DjangoSaver())
        for name in ("orders/7", UUID(int=7)):
            config = {"configurable": {"thread_id": name}}
            graph.invoke({}, config)

            assert send_signal(name, "paid", 1) is True

            graph.invoke({}, config)
        with pytest.raises(InvalidAnswer, match="no slash"):
            send_signal("orders/8", "paid", 1)

    def test_a_payload_that_cannot_be_stored_is_named(self) -> None:
        with pytest.raises(InvalidAnswer, match="object"):
            send_signal("t", "paid", {"a": object()})

    def test_a_key_that_cannot_be_kept_is_named(self) -> None:
        with pytest.raises(InvalidAnswer, match="control character"):
            send_signal("t", "paid", 1, idempotency_key="\0")

    def test_a_mailbox_that_is_full_says_so(self, monkeypatch) -> None:
        monkeypatch.setattr(signals, "MAX_WAITING", 2)
        send_signal("t", "a", 1)
        send_signal("t", "b", 2)

        with pytest.raises(
            ThreadBusy, match="2 signals lie in the mailbox of thread t"
        ):
            send_signal("t", "c", 3)
        assert Signal.objects.count() == 2

    def test_a_thread_that_waits_cannot_be_continued(self, people, boss, desk):
        from workflows.services.continue_run import ContinueRun

        thread = started(boss, "desk")

        with pytest.raises(NotPending, match="or send the signal"):
            ContinueRun(people.operator, thread.pk).execute()


class TestWhatIsKept:
    def test_of_those_handed_over_or_never_met_nothing_stays_for_ever(
        self, boss, desk, settings
    ):
        thread = started(boss, "desk")
        send_signal(thread.pk, "paid", 1)
        carried_out()
        send_signal(thread.pk, "sent", 2)
        send_signal("nobody", "paid", 3)
        assert tidy_signals() == 0
        Signal.objects.update(sent_at=timezone.now() - timedelta(days=31))
        send_signal("nobody", "paid", 4)

        settings.SIGNALS_KEEP_DAYS = 0
        assert tidy_signals() == 0
        settings.SIGNALS_KEEP_DAYS = 30
        assert tidy_signals() == 2

        left = Signal.objects.values_list("thread_id", "topic").order_by("id")
        assert [*left] == [(thread.pk, "sent"), ("nobody", "paid")]

    def test_payloads_are_encrypted_and_open_in_their_own_thread(
        self, boss, desk, settings
    ):
        settings.VALUE_CIPHER = "tests.storage.ciphers.BindingCipher"
        thread = started(boss, "desk")
        send_signal(thread.pk, "sent", "a secret")
        with connection.cursor() as cursor:
            cursor.execute("SELECT payload FROM workflows_signal")
            assert "secret" not in cursor.fetchone()[0]
        saver = DjangoSaver()
        saver.copy_thread(thread.pk, "copy")
        desk.topics = ["paid", "sent"]

        for name in (thread.pk, "copy"):
            send_signal(name, "paid", 1)
            carried_out()
            found = desk.graph(checkpointer=DjangoSaver()).get_state(
                {"configurable": {"thread_id": name}}
            )
            assert found.values == {"said": [1, "a secret"]}, name
