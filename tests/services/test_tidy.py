"""What a site forgets by itself, about once an hour."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from workflows.models import CacheEntry, Item
from workflows.services import tidy as tidying
from workflows.services.tidy import tidy
from workflows.worker.embedded import EmbeddedWorker

pytestmark = pytest.mark.django_db(transaction=True)


def expired_rows() -> None:
    gone = timezone.now() - timedelta(hours=1)
    for at, name in ((gone, "old"), (gone + timedelta(hours=2), "new")):
        kept = {"namespace": "n", "key": name, "value": "1", "created_at": at}
        Item.objects.create(**kept, updated_at=at, expires_at=at)
        CacheEntry.objects.create(**kept, place=name, expires_at=at)


def left() -> tuple[list[str], list[str]]:
    return (
        list(Item.objects.values_list("key", flat=True)),
        list(CacheEntry.objects.values_list("key", flat=True)),
    )


def test_store_and_cache_forget_what_expired():
    expired_rows()

    tidy()

    assert left() == (["new"], ["new"])


def test_a_part_that_fails_stops_no_other(monkeypatch, caplog):
    def broken() -> None:
        raise RuntimeError("no luck")

    monkeypatch.setattr(tidying, "apply_retention", broken)
    expired_rows()

    tidy()

    assert left() == (["new"], ["new"])
    assert "broken failed" in caplog.text


def test_workers_do_it():
    assert EmbeddedWorker()._tidy is tidy
