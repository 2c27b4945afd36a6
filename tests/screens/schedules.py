"""Schedules in the states that the screens show."""

from datetime import timedelta
from typing import Any

from django.contrib.auth.models import User
from django.utils import timezone

from workflows.models import Schedule, Thread, Tick


def make_schedules(demo: User, thread: Thread) -> None:
    """One that has started, missed, refused and left out; one that is paused; one that the code declares no more."""
    now = timezone.now()
    ahead = {"next_at": now + timedelta(days=9), "due_at": now + timedelta(days=9)}
    said = {"graph": "wishes", "tz": "Europe/Berlin", **ahead}
    Schedule.objects.create(name="new-year", cron="0 3 1 1 *", **said)
    Schedule.objects.create(
        name="leap-day", cron="30 2 29 2 *", paused_at=now, paused_by=demo, **said
    )
    Schedule.objects.create(
        name="old-report", **{**said, "graph": "fetch_page", "cron": "* * * * *"}
    )
    Thread.objects.filter(pk=thread.pk).update(status="interrupted")
    told: tuple[tuple[str, dict[str, Any]], ...] = (
        ("missed", {"count": 1_000}),
        ("started", {"thread_id": thread.pk}),
        ("skipped", {"text": "a thread that it has started before has not ended"}),
        ("refused", {"text": "its input: LookupError: there are no orders " * 4}),
        ("queued", {"person": demo}),
    )
    for days, (status, more) in enumerate(told):
        at = now - timedelta(days=9 - days)
        Tick.objects.create(schedule_id="new-year", at=at, status=status, **more)
    Tick.objects.create(
        schedule_id="leap-day",
        at=now - timedelta(days=3),
        status="started",
        thread_id=thread.pk,
    )
