"""What is done after a commit may fail: who sent, told or cancelled has done so, and is told no error."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import transaction

from workflows.models import Emitted, Signal
from workflows.services import emitting, signals
from workflows.services.afterwards import after_commit
from workflows.services.emitting import emit
from workflows.services.signals import send_signal

pytestmark = pytest.mark.django_db(transaction=True)


def failing(*_: Any) -> None:
    raise RuntimeError("the connection was lost")


def test_it_is_called_when_the_transaction_has_committed():
    called: list[Any] = []
    with transaction.atomic():
        after_commit(called.append, 1)
        assert called == []

    assert called == [1]


@pytest.mark.rule("RB.2", "RB.3")
def test_a_failure_is_logged_and_raised_to_nobody(monkeypatch, caplog):
    monkeypatch.setattr(signals, "look_again", failing)
    monkeypatch.setattr(emitting, "tell", failing)

    assert send_signal("nobody", "paid", 1)
    emit("paid", 1)

    assert (Signal.objects.count(), Emitted.objects.count()) == (1, 1)
    said = [record.getMessage() for record in caplog.records]
    assert len(said) == 2
    assert all("failing" in each and "connection was lost" in each for each in said)
