"""Threads that wait for signals, and what their pages say of it."""

from datetime import timedelta

import pytest
from django.utils import timezone
from django.utils.dateformat import format as date_format

from tests.web.conftest import Html, happen
from workflows.models import Awaited, Run, Thread

SEND, WAKE = "/threads/t-1/signal", "/threads/t-1/wake"


def tell_wait(thread: Thread, node: str, *topics: str, until: str = "", **more: str):
    """The end of a task that waits for signals, as a saver tells of it."""
    data = {"task": f"task of {node}", "node": node, "namespace": "", **more}
    happen(thread, "task", status="waiting", topics=[*topics], until=until, **data)


def wait_on(thread: Thread, *topics: str) -> None:
    for topic in topics:
        Awaited.objects.create(
            thread=thread, wait=topic[:32], kind="signal", topic=topic
        )


@pytest.fixture
def run(thread):
    """The last run of a thread that has waited since for a signal in one node."""
    thread.status = "waiting"
    thread.save()
    happen(thread, "step", namespace="", step=0, source="loop", next=["collect"])
    tell_wait(thread, "collect", "paid")
    wait_on(thread, "paid")
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
