"""The list of threads: whose they are, how they stand, page after page."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.web.conftest import Html, ask
from workflows.models import Run, Thread

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def make(name: str, minutes: int = 0, **more: str) -> Thread:
    """A thread that changed so many minutes after noon."""
    made = Thread.objects.create(id=name, title=name, **{"graph": "letter", **more})
    changed = NOON + timedelta(minutes=minutes)
    Thread.objects.filter(pk=name).update(updated_at=changed)
    return made


def listed(page: Html) -> list[str]:
    """The threads of a page, as their rows lead to them."""
    links = page.all("a", **{"data-row-link": ""})
    return [link.attributes["href"].split("/")[-2] for link in links]


def test_the_last_changed_comes_first(as_, thread):
    thread.delete()
    make("early"), make("late", 5)

    assert listed(Html(as_("viewer").get("/threads/"))) == ["late", "early"]


def test_a_row_tells_workflow_status_and_open_questions(as_, thread):
    Thread.objects.filter(pk=thread.pk).update(status="interrupted", title="Parcel 7")
    ask(thread), ask(thread)

    page = Html(as_("viewer").get("/threads/"))

    row = page.one("tr", **{"data-row": ""}).text
    for words in ("Parcel 7", "Letter", "Waits for a person", "2 open"):
        assert words in row, row


def test_a_thread_at_rest_stands_as_its_last_run_ended(as_, thread):
    Run.objects.create(thread=thread, kind="start", status="error")
    Run.objects.create(thread=thread, kind="continue", status="cancelled")
    Thread.objects.filter(pk=thread.pk).update(status="idle")

    assert "Cancelled" in Html(as_("viewer").get("/threads/")).one("tbody").text


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("status=error", ["failed"]),
        ("status=interrupted", ["waits"]),
        ("workflow=letter", ["waits", "failed"]),
        ("workflow=none-such&status=none-such", ["waits", "failed"]),
        ("after=nonsense", ["waits", "failed"]),
    ],
)
def test_they_can_be_narrowed(as_, thread, query, expected):
    thread.delete()
    make("failed", status="error"), make("waits", 1, status="interrupted")

    assert listed(Html(as_("viewer").get(f"/threads/?{query}"))) == expected


def test_pages_follow_each_other_without_gap_or_double(as_, thread, monkeypatch):
    monkeypatch.setattr("workflows.web.threads.PAGE_SIZE", 2)
    thread.delete()
    for name in ("a", "b", "c", "d", "e"):
        make(name)  # all at one moment
    client, seen, address = as_("viewer"), [], "/threads/?workflow=letter"

    while address:
        page = Html(client.get(address))
        seen += listed(page)
        more = [e for e in page.all("a") if e.text.strip() == "Show older threads"]
        address = more[0].attributes["href"] if more else ""

    assert seen == ["e", "d", "c", "b", "a"]


def test_threads_of_other_workflows_are_not_there(as_, thread):
    make("secret", graph="payroll")

    assert "secret" not in listed(Html(as_("reviewer").get("/threads/")))
    assert listed(Html(as_("stranger").get("/threads/"))) == []
