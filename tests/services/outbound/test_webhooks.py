"""Webhooks: signed, tried again, told of what happened, and no way into a network."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from tests.local_server import Reply
from tests.services.conftest import ask
from tests.services.outbound.conftest import SECRET, pass_time
from workflows.models import (
    Decision,
    Delivery,
    Interrupt,
    Policy,
    Run,
    Webhook,
)
from workflows.services.desk.arranging import arrange_new
from workflows.services.desk.steps import take_due_steps
from workflows.services.desk.undo_decision import UndoDecision
from workflows.services.outbound import calling, outbox, signing
from workflows.services.outbound.calling import secret_of
from workflows.services.outbound.delivering import deliver_due
from workflows.services.outbound.endpoints import (
    RenewSecret,
    SendAgain,
)
from workflows.services.outbound.events import ASKED, tell_question
from workflows.services.queueing import HELD
from workflows.services.resume_run import ResumeRun
from workflows.storage.events import append_events

pytestmark = pytest.mark.django_db(transaction=True)


def decide(person: Any, question: Interrupt, **more: Any) -> Decision:
    question.refresh_from_db()
    made = ResumeRun(
        person,
        question.pk,
        "approve",
        version=question.version,
        round=question.round,
        **more,
    ).execute()
    assert isinstance(made, Decision)
    return made


def kinds() -> list[tuple[str, str]]:
    return list(Delivery.objects.order_by("id").values_list("kind", "status"))


class TestWhatIsTold:
    def test_a_question_that_is_asked_and_decided(
        self, people, question, hook, receiver
    ):
        hook(receiver.url + "/hook")
        arrange_new("t1")
        decide(people.reviewer, question)

        assert deliver_due() == 2

        asked, decided = (json.loads(each.body) for each in receiver.posted)
        assert (asked["type"], decided["type"]) == (
            "question.asked",
            "question.decided",
        )
        assert asked["data"]["question"] == question.pk
        assert asked["data"]["url"].endswith(f"/review/{question.pk}/")
        assert (decided["data"]["kind"], decided["data"]["by"]) == (
            "approve",
            "Reviewer",
        )
        assert kinds() == [("question.asked", "sent"), ("question.decided", "sent")]

    def test_neither_payload_nor_answer_leave(self, people, question, hook, receiver):
        hook(receiver.url + "/hook")
        Interrupt.objects.filter(pk=question.pk).update(
            value='{"iban": "IT60X05428"}', title="Pay it?"
        )
        arrange_new("t1")
        decide(people.reviewer, question)
        deliver_due()

        assert len(receiver.posted) == 2
        assert all(b"IT60X05428" not in each.body for each in receiver.posted)

    def test_a_question_that_is_overdue(self, question, hook, receiver):
        hook(receiver.url + "/hook", events='["question.overdue"]')
        Policy.objects.create(body='{"due": 60}')
        arrange_new("t1")
        past = timezone.now() - timedelta(seconds=1)
        Interrupt.objects.update(due_at=past, next_step_at=past)

        take_due_steps()

        assert kinds() == [("question.overdue", "pending")]

    @pytest.mark.parametrize("status", ["error", "timeout"])
    def test_a_run_that_failed(self, thread, hook, receiver, status):
        hook(receiver.url + "/hook")
        run = Run.objects.create(
            thread=thread, graph="letter", kind="start", status=status, reason="why"
        )

        append_events(
            "default", "t1", run.pk, [("run", {"run": run.pk, "status": status})]
        )
        for other in ("success", "waiting"):
            append_events(
                "default", "t1", run.pk, [("run", {"run": run.pk, "status": other})]
            )

        told = json.loads(Delivery.objects.get().body)
        assert told["type"] == "run.failed"
        assert (told["data"]["run"], told["data"]["reason"]) == (run.pk, "why")

    def test_only_to_who_wants_it(self, question, hook):
        hook("https://a.example/", is_active=False)
        hook("https://b.example/", events='["run.failed"]')
        hook("https://c.example/", graphs='["other"]')
        wanted = hook("https://d.example/", graphs='["letter"]')

        assert tell_question(ASKED, question) == 1
        assert Delivery.objects.get().webhook == wanted

    def test_what_is_rolled_back_is_not_told(self, question, hook):
        hook("https://a.example/")
        with transaction.atomic():
            tell_question(ASKED, question)
            transaction.set_rollback(True)

        assert not Delivery.objects.exists()

    def test_a_host_without_our_pages_has_no_address(self, question, hook, settings):
        settings.ROOT_URLCONF = "tests.services.outbound.no_pages"
        hook("https://a.example/")

        assert tell_question(ASKED, question) == 1

        assert json.loads(Delivery.objects.get().body)["data"]["url"] == ""


class TestUndo:
    """A decision is told when nobody can take it back any more."""

    @pytest.fixture(autouse=True)
    def ten_seconds(self, settings: Any) -> None:
        settings.UNDO_SECONDS = 10

    def test_it_waits_for_the_workflow_to_go_on(self, people, question, hook, receiver):
        hook(receiver.url + "/hook")
        decision = decide(people.reviewer, question)

        assert deliver_due() == 0
        pass_time(11)
        deliver_due()
        assert receiver.posted == []
        Run.objects.filter(pk=decision.run_id).update(status="running", fence=1)
        pass_time(outbox.TAKEN_SECONDS)
        deliver_due()

        assert len(receiver.posted) == 1
        assert Delivery.objects.get().attempts == 1

    def test_what_is_held_is_told_when_it_goes(
        self, people, thread, question, hook, receiver
    ):
        hook(receiver.url + "/hook")
        other = ask(thread)
        decision = decide(people.reviewer, question, hold=True)
        assert decision.start_at == HELD

        deliver_due()
        pass_time(120)
        deliver_due()
        assert receiver.posted == []
        decide(people.reviewer, other)
        Run.objects.filter(kind="resume").update(status="success", fence=1)
        pass_time(120)
        deliver_due()

        told = {json.loads(each.body)["data"]["question"] for each in receiver.posted}
        assert told == {question.pk, other.pk}

    def test_what_was_taken_back_is_not_told(self, people, question, hook, receiver):
        hook(receiver.url + "/hook")
        decision = decide(people.reviewer, question)
        UndoDecision(people.reviewer, decision.pk).execute()
        pass_time(11)

        deliver_due()

        assert (receiver.posted, kinds()) == ([], [("question.decided", "dropped")])


class TestSignature:
    def test_the_call_is_signed_over_id_time_and_body(self, question, hook, receiver):
        hook(receiver.url + "/hook")
        tell_question(ASKED, question)

        deliver_due()

        (call,) = receiver.posted
        row = Delivery.objects.get()
        stamp = call.headers["webhook-timestamp"]
        signed = f"{row.message_id}.{stamp}.".encode() + call.body
        key = base64.b64decode(SECRET.removeprefix("whsec_"))
        expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest())
        assert call.headers["webhook-id"] == str(row.message_id)
        assert abs(int(stamp) - timezone.now().timestamp()) < 3600
        assert call.headers["webhook-signature"] == f"v1,{expected.decode()}"
        assert call.headers["content-type"] == "application/json"

    def test_for_a_day_the_old_secret_signs_too(self, question, hook, receiver, people):
        row = hook(receiver.url + "/hook")
        new = RenewSecret(people.admin, row.pk).execute()
        row.refresh_from_db()

        calling.call(row, "msg_1", "{}")
        row.old_secret_until = timezone.now() - timedelta(seconds=1)
        calling.call(row, "msg_1", "{}")

        both, last = receiver.posted
        at = int(both.headers["webhook-timestamp"])
        wanted = [signing.signature(each, "msg_1", at, b"{}") for each in (new, SECRET)]
        assert both.headers["webhook-signature"] == f"v1,{wanted[0]} v1,{wanted[1]}"
        at = int(last.headers["webhook-timestamp"])
        only = signing.signature(new, "msg_1", at, b"{}")
        assert last.headers["webhook-signature"] == f"v1,{only}"

    def test_the_old_secret_ends_at_once_or_with_the_next_but_one(self, hook, people):
        row = hook("https://a.example/")
        second = RenewSecret(people.admin, row.pk).execute()
        third = RenewSecret(people.admin, row.pk).execute()
        row.refresh_from_db()
        assert calling.secrets_of(row) == [third, second]

        fourth = RenewSecret(people.admin, row.pk, at_once=True).execute()

        row.refresh_from_db()
        assert calling.secrets_of(row) == [fourth]

    def test_the_example_of_the_standard(self):
        found = signing.signature(
            SECRET,
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1614265330,
            b'{"test": 2432232314}',
        )
        assert found == "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="

    def test_a_repetition_has_the_same_id(self, question, hook, receiver):
        receiver.pages["/hook"] = Reply(status=500)
        hook(receiver.url + "/hook")
        tell_question(ASKED, question)
        deliver_due()
        pass_time(3600)
        deliver_due()

        first, second = (call.headers["webhook-id"] for call in receiver.posted)
        assert first == second

    def test_the_secret_is_encrypted_where_values_are(self, hook, settings):
        settings.VALUE_CIPHER = "tests.storage.ciphers.TinyCipher"

        row = hook("https://a.example/")

        assert row.secret.startswith("$sealed:")
        assert secret_of(row) == SECRET


class TestTryingAgain:
    def test_it_waits_longer_each_time_and_is_given_up(self, question, hook, receiver):
        receiver.pages["/hook"] = Reply(status=503)
        hook(receiver.url + "/hook")
        tell_question(ASKED, question)
        waits = []

        while True:
            before = timezone.now()
            assert deliver_due() == 1
            assert deliver_due() == 0
            row = Delivery.objects.get()
            if row.status != "pending":
                break
            waits.append(round((row.next_at - before).total_seconds()))
            pass_time(40_000)

        assert waits == list(outbox.BACKOFF)
        assert (row.status, row.attempts) == ("dead", outbox.MOST_ATTEMPTS)
        assert row.last_error == "answered 503: not accepted"
        assert len(receiver.posted) == outbox.MOST_ATTEMPTS

    def test_what_was_given_up_is_sent_again_by_an_admin(
        self, people, question, hook, receiver
    ):
        row = hook(receiver.url + "/hook")
        tell_question(ASKED, question)
        Delivery.objects.update(status="dead", attempts=8, ended_at=timezone.now())

        assert SendAgain(people.admin, row.pk).execute() == 1
        deliver_due()

        assert kinds() == [("question.asked", "sent")]

    def test_one_dead_endpoint_holds_up_nobody(self, question, hook, receiver):
        receiver.pages["/dead"] = Reply(status=500)
        hook(receiver.url + "/dead")
        hook(receiver.url + "/hook")
        for _ in range(3):
            tell_question(ASKED, question)

        deliver_due()

        paths = [call.path for call in receiver.posted]
        assert (paths.count("/dead"), paths.count("/hook")) == (1, 3)

    def test_of_two_senders_one_takes_a_row(self, question, hook):
        hook("https://a.example/")
        tell_question(ASKED, question)
        one, two = Delivery.objects.get(), Delivery.objects.get()

        assert (outbox.take(one), outbox.take(two)) == (True, False)

    def test_who_dies_while_sending_leaves_it_to_others(self, question, hook, receiver):
        hook(receiver.url + "/hook")
        tell_question(ASKED, question)
        outbox.take(Delivery.objects.get())

        assert deliver_due() == 0
        pass_time(outbox.TAKEN_SECONDS)
        assert deliver_due() == 1

    def test_an_endpoint_that_is_gone_is_switched_off(self, question, hook, receiver):
        receiver.pages["/hook"] = Reply(status=410)
        row = hook(receiver.url + "/hook")
        tell_question(ASKED, question)
        deliver_due()

        row.refresh_from_db()
        assert not row.is_active
        pass_time(3600)
        deliver_due()
        assert kinds() == [("question.asked", "dropped")]


def test_a_webhook_that_is_removed_takes_its_calls_along(question, hook):
    row = hook("https://a.example/")
    tell_question(ASKED, question)

    row.delete()

    assert (Delivery.objects.count(), Webhook.objects.count()) == (0, 0)
