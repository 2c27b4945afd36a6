"""What is young is so by the database's clock, whatever this machine's says."""

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from tests.live.conftest import make_thread
from workflows.live import feed

pytestmark = pytest.mark.django_db(transaction=True)

HOUR = timedelta(hours=1)
right_now = timezone.now


@pytest.mark.parametrize("wrong", [HOUR, -HOUR], ids=["ahead", "behind"])
@pytest.mark.parametrize("is_old", [False, True], ids=["young", "old"])
def test_young_events_are_told_and_old_ones_are_not(monkeypatch, wrong, is_old):
    if connection.vendor == "sqlite":
        pytest.skip("needs PostgreSQL: SQLite has the clock of its process")
    make_thread(events=2)
    if is_old:
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE workflows_event SET created_at = created_at - interval '30 min'"
            )
    newest = feed.newest_event_id()
    monkeypatch.setattr(timezone, "now", lambda: right_now() + wrong)

    told = 0 if is_old else 2
    assert feed.recent_events(60, 10).count() == told
    assert feed.events_since_id(newest, 1000, 10).count() == told
