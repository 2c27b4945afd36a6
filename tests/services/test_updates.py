"""Updates of threads of the dashboard that are at rest: carried out at once, recorded, refused, kept (RB.16)."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from tests.services.napping import (
    boss,
    clock,
    every_sleep_is_long,
    status_of,
    swept,
)
from tests.services.posting import carried_out, values_of
from tests.services.spending import AtWork, decided, spending, started
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
from workflows.services.action import InvalidAnswer, NotAllowed, NotVisible, ThreadBusy
from workflows.services.desk.hands import last_editor
from workflows.services.execute_run import execute_run
from workflows.services.send_update import SendUpdate, send_update, tidy_updates
from workflows.services.signals import send_signal
from workflows.services.start_run import start_thread
from workflows.storage.saver import DjangoSaver

assert boss
assert clock
assert every_sleep_is_long
assert spending

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.rule("RB.16")]


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

    def test_a_key_that_is_no_text(self, spending):
        started(spending, "ask")
        with pytest.raises(InvalidAnswer, match="a key is a text"):
            SendUpdate(None, "t", "set_limit", {"limit": 9}, key="a\0b").execute()
        with pytest.raises(InvalidAnswer, match="a key is a text"):
            send_update("t", "set_limit", {"limit": 9}, idempotency_key=7)  # type: ignore[arg-type]

    def test_a_time_without_an_end(self, spending):
        started(spending, "ask")
        send = partial(send_update, "t", "set_limit", {"limit": 9})
        assert send(timeout=float("inf")) == {"was": 5}

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

    def test_whoever_has_a_long_name(self, people, spending):
        started(spending, "ask")
        people.operator.first_name = people.operator.last_name = "O" * 150

        SendUpdate(people.operator, "t", "set_limit", {"limit": 9}).execute()

        assert SentUpdate.objects.get().by == f"{'O' * 150} {'O' * 49}"

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

    def test_who_sent_the_last_one_stays_known(self, people, spending, settings):
        """A question may be older than what is kept, and its policy ask for four eyes."""
        started(spending, "ask")
        given = {"limit": 9}
        for person in (people.admin, people.operator):
            SendUpdate(person, "t", "set_limit", given, key=person.username).execute()
        send_update("t", "set_limit", {"limit": 8})
        SentUpdate.objects.update(sent_at=timezone.now() - timedelta(days=31))

        assert tidy_updates() == 2
        assert tidy_updates() == 0

        assert last_editor("t") == people.operator.pk
        row = SentUpdate.objects.get()
        assert (row.args, row.answer) == ("", "")
        again = {"limit": 7}
        key = people.operator.username
        SendUpdate(people.admin, "t", "set_limit", again, key=key).execute()
        assert last_editor("t") == people.admin.pk
        SentUpdate.objects.update(sent_at=timezone.now() - timedelta(days=31))
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
