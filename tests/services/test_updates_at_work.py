"""Updates beside runs of workers: between two steps, in races, and where somebody dies (RB.16)."""

from __future__ import annotations

import time
from functools import partial

import pytest

from tests.services.napping import (
    boss,
    every_sleep_is_long,
)
from tests.services.posting import carried_out, values_of
from tests.services.spending import MOST, AtWork, decided, spending, started
from tests.storage.racing import beside, together
from workflows.engine.drivers import faults
from workflows.engine.update_errors import (
    UpdateRefused,
    UpdateTimeout,
)
from workflows.models import (
    Checkpoint,
    Interrupt,
    Run,
    SentUpdate,
    Thread,
)
from workflows.services.cancel_run import cancel_thread
from workflows.services.desk.hands import last_editor
from workflows.services.execute_run import execute_run
from workflows.services.send_update import SendUpdate, send_update
from workflows.services.start_run import start_thread
from workflows.storage.saver import DjangoSaver

assert boss
assert every_sleep_is_long
assert spending

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.rule("RB.16")]


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

    def test_a_refusal_that_cannot_be_kept_as_it_is_ends_no_run(self, spending):
        work = AtWork(spending, "spend")
        sent = work.send(limit=MOST + 1)

        assert work.end() == "success"
        with pytest.raises(UpdateRefused, match="range") as refused:
            sent.result(20)
        assert refused.value.errors == {"limit": "range(0, 1000000)"}

    def test_one_that_its_worker_cannot_read_ends_no_run(self, spending):
        """It was sent by newer code than the worker has."""
        work = AtWork(spending, "spend")
        SentUpdate.objects.create(
            thread_id="t",
            token="new",
            name="set_limit",
            args='{"limit":{"$t":"newer","v":1}}',
        )

        assert work.end() == "success"
        found = DjangoSaver().answer_of("t", "new")
        assert found is not None
        assert found.status == "failed"
        assert "no type is registered for tag 'newer'" in found.reason

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


def keyed(spending, limit=9, **more):
    """One sent beside another with the same key; it lies there."""
    send = partial(send_update, "t", "set_limit", {"limit": limit})
    sent = beside(partial(send, idempotency_key="k", **more))
    for _ in range(2000):
        if SentUpdate.objects.exists():
            return sent
        time.sleep(0.005)
    raise AssertionError("nothing was sent")


class TestOneKeyOfTwoSenders:
    def test_who_gives_up_takes_nothing_from_who_waits_on(self, spending):
        work = AtWork(spending, "ask")
        waits_on = keyed(spending, timeout=20)

        with pytest.raises(UpdateTimeout):
            keyed(spending, timeout=0.01).result(20)
        assert work.end() == "interrupted"

        assert waits_on.result(20) == {"was": 5}

    @pytest.mark.parametrize("longer", [20, None])
    def test_it_waits_for_the_one_who_waits_longest(self, spending, longer):
        work = AtWork(spending, "ask")
        waits_on = keyed(spending, timeout=longer)
        saver = DjangoSaver()
        (request,) = saver.waiting_updates("t")

        saver.ask_update("t", request, -10)  # its sender died, and was no more patient

        assert [each.id for each in saver.waiting_updates("t")] == ["key:k"]
        assert work.end() == "interrupted"
        assert waits_on.result(20) == {"was": 5}

    def test_another_update_with_the_key_leaves_the_first_alone(self, spending):
        work = AtWork(spending, "ask")
        first = keyed(spending, timeout=20)

        with pytest.raises(UpdateRefused, match="give another key"):
            keyed(spending, limit=8).result(20)

        assert SentUpdate.objects.get().status == "waiting"
        assert work.end() == "interrupted"
        assert first.result(20) == {"was": 5}

    def test_who_sends_again_what_was_taken_back_has_sent_it(self, spending, people):
        work = AtWork(spending, "ask")
        given = "t", "set_limit", {"limit": 9}
        with pytest.raises(UpdateTimeout):
            SendUpdate(people.operator, *given, key="k", seconds=0.01).execute()
        assert work.end() == "interrupted"

        SendUpdate(people.admin, *given, key="k").execute()

        assert last_editor("t") == people.admin.pk


def test_a_thread_that_is_removed_meanwhile_stays_away(spending):
    """Whoever waits for the answer is told so, and makes no thread anew by looking for it."""
    work = AtWork(spending, "ask")
    sent = work.send(limit=9)

    DjangoSaver().delete_thread("t")

    with pytest.raises(UpdateRefused, match="it is gone"):
        sent.result(20)
    assert work.end() == "lost"
    assert not Thread.objects.exists()
    assert not Run.objects.exists()
