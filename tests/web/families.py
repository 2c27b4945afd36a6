"""A thread that has started another and waits for its end, for tests of their pages."""

from typing import Any

import pytest

from tests.web.conftest import Html, happen
from tests.web.signalling import tell_wait, wait_on
from workflows.models import Child, Run, Thread

PARENT = "/threads/t-1/"


@pytest.fixture
def child(thread):
    """The thread that is waited for."""
    return Thread.objects.create(
        id="c-1", graph="letter", title="Page 7", status="busy"
    )


def started(
    thread: Thread, child_id: str, at_end: str = "cancel", **more: Any
) -> Child:
    happen(thread, "child", thread=child_id, graph="letter", node="fetch")
    count = Child.objects.count()
    return Child.objects.create(
        thread_id=thread.pk,
        place=f"place {count}",
        child_id=child_id,
        on_parent_end=at_end,
        **more,
    )


def waits(thread: Thread, *child_ids: str, status: str = "waiting") -> Run:
    """The last run of a thread that has waited since for these in one node."""
    Thread.objects.filter(pk=thread.pk).update(status=status)
    thread.refresh_from_db()
    happen(thread, "step", namespace="", step=0, source="loop", next=["fetch"])
    tell_wait(thread, "fetch", children=[*child_ids])
    wait_on(thread, *child_ids, kind="child")
    return Run.objects.create(
        thread=thread, graph="letter", kind="start", status="waiting"
    )


@pytest.fixture
def run(thread, child):
    started(thread, child.pk)
    return waits(thread, child.pk)


@pytest.fixture
def done(thread, child):
    """The last run of a thread whose work is done, and that waits for its child to end."""
    started(thread, child.pk, "wait")
    happen(thread, "step", namespace="", step=0, source="loop", next=[])
    Thread.objects.filter(pk=thread.pk).update(status="waiting")
    wait_on(thread, child.pk, kind="child")
    return Run.objects.create(
        thread=thread,
        graph="letter",
        kind="start",
        status="waiting",
        reason="children",
    )


def links_to(page: Html, thread_id: str, within: str) -> list[str]:
    """The words of the links to a thread within the element of that id."""
    return [
        " ".join(each.text.split())
        for each in page.all("a", href=f"/threads/{thread_id}/")
        if any(outer.attributes.get("id") == within for outer in each.parents)
    ]
