"""A receiver of webhooks on this machine, and time that goes by without waiting."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db.models import F

from tests.local_server import LocalServer, Reply, serve_locally
from workflows.models import Delivery, Webhook
from workflows.services.outbound.calling import keep_secret

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@pytest.fixture
def receiver(settings: Any) -> Iterator[LocalServer]:
    """It takes calls at /hook; its network is one that may be called."""
    settings.WEBHOOK_NETWORKS = ["127.0.0.0/8"]
    with serve_locally() as server:
        server.pages["/hook"] = Reply(b"a secret of the receiver")
        yield server


@pytest.fixture
def hook(db: None) -> Callable[..., Webhook]:
    """Makes a webhook that wants every event."""

    def make(url: str, **more: Any) -> Webhook:
        events = (
            '["question.asked", "question.decided", "question.overdue", "run.failed"]'
        )
        row = Webhook.objects.create(name="hook", url=url, **{"events": events, **more})
        keep_secret(row, SECRET)
        row.save()
        return row

    return make


def pass_time(seconds: float) -> None:
    """Let time go by for what waits in the outbox."""
    by = timedelta(seconds=seconds)
    Delivery.objects.update(next_at=F("next_at") - by)
    Webhook.objects.exclude(paused_until=None).update(
        paused_until=F("paused_until") - by
    )
