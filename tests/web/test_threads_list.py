"""The list of threads: whose they are, how they stand, page after page."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.web.conftest import Html, ask
from workflows.models import Run, Thread
from workflows.storage.saver import DjangoSaver

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
ALIKE = "Threads with the same"


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


@pytest.mark.rule("RB.11")
class TestAttributes:
    @pytest.fixture(autouse=True)
    def _threads(self, thread):
        thread.delete()
        make("small"), make("large", 1, status="interrupted"), make("none", 2)
        saver = DjangoSaver()
        saver.put_attributes("small", {"amount": 99, "note": "it's <b>"})
        saver.put_attributes("large", {"amount": 120, "tags": ["a", "b"], "due": NOON})

    def test_threads_are_found_by_them(self, as_):
        page = Html(
            as_("viewer").get("/threads/", {"where": "amount > 100 or note >= ''"})
        )

        assert listed(page) == ["large", "small"]
        assert page.one("input", name="where").attributes["value"] == (
            "amount > 100 or note >= ''"
        )

    def test_they_narrow_with_the_other_filters_and_page_by_page(
        self, as_, monkeypatch
    ):
        monkeypatch.setattr("workflows.web.threads.PAGE_SIZE", 1)
        client = as_("viewer")

        first = Html(client.get("/threads/", {"where": "amount > 0"}))
        (more,) = [e for e in first.all("a") if e.text.strip() == "Show older threads"]
        second = Html(client.get(more.attributes["href"]))
        other = client.get("/threads/", {"where": "amount > 0", "status": "error"})

        assert (listed(first), listed(second)) == (["large"], ["small"])
        assert listed(Html(other)) == []
        assert "No thread fits" in Html(other).one("main").text

    @pytest.mark.parametrize(
        ("where", "words"),
        [
            (
                "amuont > 5",
                "At character 1: no thread has an attribute amuont; did you",
            ),
            ("amount > ", "At character 9: found the end, expected a value"),
            ("amount > '<i>'", "cannot be compared with a text"),
            ("note = '\0'", "no text has NUL"),
            ("amount > " + "1" * 3000, "more than 2000 characters"),
        ],
    )
    def test_what_cannot_be_read_is_told_at_the_field(self, as_, where, words):
        answer = as_("viewer").get("/threads/", {"where": where})

        page = Html(answer)
        assert answer.status_code == 200
        assert listed(page) == []
        assert words in page.one(id="where-error").text
        field = page.one("input", name="where").attributes
        assert field["aria-invalid"] == "true"
        assert "where-error" in field["aria-describedby"]

    def test_those_of_other_peoples_threads_are_unknown(self, as_, other_thread):
        DjangoSaver().put_attributes(other_thread.pk, {"salary": 5, "amount": "text"})
        client = as_("reviewer")

        hidden = Html(client.get("/threads/", {"where": "salary > 1"}))
        near = Html(client.get("/threads/", {"where": "salari > 1"}))
        typed = Html(client.get("/threads/", {"where": "amount = 'text'"}))
        mine = Html(client.get("/threads/", {"where": "amount > 1"}))

        unknown = "no thread has an attribute salary"
        assert unknown in hidden.one(id="where-error").text
        assert "salary" not in near.one(id="where-error").text
        assert "amount is a number" in typed.one(id="where-error").text
        assert listed(mine) == ["large", "small"]
        admin = Html(as_("admin").get("/threads/", {"where": "salary > 1"}))
        assert listed(admin) == [other_thread.pk]

    def test_the_page_of_a_thread_shows_them_and_leads_to_others_alike(self, as_):
        client = as_("viewer")

        page = Html(client.get("/threads/large/"))

        shown = page.one(id="thread-attributes")
        for words in ("amount 120", "tags a", "due"):
            assert words in " ".join(shown.text.split())
        for link in [e for e in page.all("a") if e.attributes.get("title") == ALIKE]:
            assert listed(Html(client.get(link.attributes["href"]))) == ["large"]

    def test_their_texts_are_no_markup(self, as_):
        answer = as_("viewer").get("/threads/small/")

        assert b"<b>" not in answer.content
        (link,) = [
            e
            for e in Html(answer).all("a")
            if e.attributes.get("title") == ALIKE and "note" in e.attributes["href"]
        ]
        found = as_("viewer").get(link.attributes["href"])
        assert listed(Html(found)) == ["small"]

    def test_a_thread_without_any_has_no_list_of_them(self, as_):
        page = Html(as_("viewer").get("/threads/none/"))

        assert page.one(id="thread-attributes").text.strip() == ""
