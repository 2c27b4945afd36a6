"""Both kinds of workers send what is in the outbox."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest
from django.contrib.auth.models import User
from django.core import mail

from workflows.models import Delivery
from workflows.services.outbound.mailing import send_test_mail
from workflows.worker.embedded import EmbeddedWorker
from workflows.worker.sending import send_until

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def letter() -> Delivery:
    return send_test_mail(User.objects.create_user("ada", email="ada@example.org"))


def status(row: Delivery) -> str:
    row.refresh_from_db()
    return row.status


def test_a_worker_in_the_servers_process(letter):
    worker = EmbeddedWorker(1)
    worker.start()
    deadline = time.monotonic() + 60
    try:
        while status(letter) == "pending" and time.monotonic() < deadline:
            time.sleep(0.05)
    finally:
        assert worker.stop(60)

    assert status(letter) == "sent"
    assert [each.to for each in mail.outbox] == [["ada@example.org"]]


def test_a_worker_fed_by_procrastinate(letter, only_postgresql, monkeypatch):
    from workflows.worker import procrastinate

    def look() -> None:
        deadline = time.monotonic() + 60
        while not mail.outbox and time.monotonic() < deadline:
            time.sleep(0.05)

    async def wait_for_mail(concurrency: int) -> None:
        await asyncio.to_thread(look)

    monkeypatch.setattr(procrastinate, "_work", wait_for_mail)

    procrastinate.run_worker(1)

    assert status(letter) == "sent"


def test_a_round_that_fails_is_not_the_last():
    stopping, rounds = threading.Event(), []

    def deliver() -> None:
        rounds.append(1)
        if len(rounds) > 1:
            stopping.set()
        raise RuntimeError("no luck")

    send_until(stopping, pause=0.0, deliver=deliver)

    assert len(rounds) == 2
