"""Threads that wait for signals and events, and what their pages say of it."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from django.utils.dateformat import format as date_format

from tests.web.conftest import Html, happen
from workflows.models import Awaited, Run, Thread

SEND, WAKE = "/threads/t-1/signal", "/threads/t-1/wake"


def tell_wait(thread: Thread, node: str, *topics: str, until: str = "", **more: Any):
    """The end of a task that waits for signals (`events`: for those), as a saver tells of it."""
    data = {"task": f"task of {node}", "node": node, "namespace": "", **more}
    if topics:
        data["topics"] = [*topics]
    happen(thread, "task", status="waiting", until=until, **data)


def wait_on(thread: Thread, *topics: str, kind: str = "signal", key: str = "") -> None:
    for topic in topics:
        Awaited.objects.create(
            thread=thread,
            wait=f"{kind}{key}{topic}"[:32],
            kind=kind,
            topic=topic,
            key=key,
        )


@pytest.fixture
def run(thread):
    """The last run of a thread that has waited since for a signal in one node."""
    thread.status = "waiting"
    thread.save()
    happen(thread, "step", namespace="", step=0, source="loop", next=["collect"])
    tell_wait(thread, "collect", "paid")
    wait_on(thread, "paid")
    return _last_run(thread)


@pytest.fixture
def eventful(thread):
    """The last run of a thread that has waited since for an event in one node."""
    thread.status = "waiting"
    thread.save()
    happen(thread, "step", namespace="", step=0, source="loop", next=["listen"])
    tell_wait(thread, "listen", events=["told"])
    wait_on(thread, "told", kind="event")
    return _last_run(thread)


def _last_run(thread: Thread) -> Run:
    return Run.objects.create(
        thread=thread, graph="letter", kind="start", status="waiting"
    )


@pytest.fixture
def until(thread, run):
    """When it waits no longer."""
    found = timezone.now() + timedelta(hours=23, minutes=30)
    Thread.objects.filter(pk=thread.pk).update(wake_at=found)
    thread.refresh_from_db()
    tell_wait(thread, "collect", "paid", until=found.isoformat())
    return found


def moment_of(instant) -> str:
    return date_format(timezone.localtime(instant), "j M Y, H:i")


def said(page: Html) -> str:
    """What the page says of how the thread stands."""
    return " ".join(page.one("div", id="thread-status").text.split())
