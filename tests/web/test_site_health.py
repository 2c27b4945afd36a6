"""The health page: numbers of what one may see, each leading to a list of the same."""

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests.web.conftest import Html, ask
from workflows.models import (
    Checkpoint,
    Decision,
    Interrupt,
    Run,
    Schedule,
    Thread,
    Worker,
)
from workflows.services.code_stamps import code_here
from workflows.services.schedules.declared import schedule
from workflows.storage.clock import database_now
from workflows.web.frame import Frame

PAGE = "/health/"


def number(page: Html, words: str) -> str:
    """The number of the card that says this."""
    for card in page.all("li", **{"class": "card health-card"}) + page.all(
        "li", **{"class": "card health-card is-bad"}
    ):
        if words in card.text:
            return card.text.split()[0]
    raise AssertionError(words)


def way(page: Html, words: str) -> str:
    """Where the card that says this leads."""
    [found] = [
        each.attributes["href"]
        for each in page.all("a")
        if words in each.text and "health-card" in each.parents[-1].attributes["class"]
    ]
    return found


def rows(page: Html) -> int:
    """How many rows a list has."""
    return len([each for each in page.elements if "data-row" in each.attributes])


def in_hours(hours: float):
    return database_now() + timedelta(hours=hours)


def due(moment):
    return {"due_at": moment, "due_order": moment}


def make_run(thread: Thread, status: str, **more) -> Run:
    return Run.objects.create(
        thread=thread, graph=thread.graph, kind="start", status=status, **more
    )


def other(number: int) -> Thread:
    return Thread.objects.create(id=f"t-{number}", graph="letter", title="Another")


class TestQuestions:
    @pytest.fixture
    def questions(self, thread):
        ask(thread, asked_at=in_hours(-5))
        ask(thread, **due(in_hours(-1)))
        ask(thread, **due(in_hours(0.5)))
        ask(thread, snoozed_until=in_hours(5))
        ask(thread, status="resolved")

    @pytest.mark.parametrize(
        ("words", "count"),
        [("open questions", 3), ("overdue", 1), ("due within an hour", 1)],
    )
    def test_each_number_is_that_of_its_list(self, as_, questions, words, count):
        browser = as_("viewer")

        page = Html(browser.get(PAGE))

        assert number(page, words) == str(count)
        assert rows(Html(browser.get(way(page, words)))) == count

    def test_the_oldest(self, as_, questions):
        page = Html(as_("viewer").get(PAGE))
        assert page.has_text("5 h the oldest has waited")
        first = Interrupt.objects.order_by("asked_at").first()
        assert way(page, "oldest") == f"/review/{first.pk}/"

    def test_nothing_waits(self, as_, thread):
        assert Html(as_("viewer").get(PAGE)).has_text("no question waits")


class TestDecisions:
    @pytest.fixture
    def decided(self, thread, monkeypatch):
        """Two in this hour, one three hours ago, one last week."""
        monkeypatch.setattr(
            Decision._meta.get_field("created_at"), "auto_now_add", False
        )
        row = ask(thread, status="resolved", asked_at=in_hours(-300))
        now = timezone.now().replace(minute=0, second=0, microsecond=0)
        for round_of, hours in enumerate((0, 0, 3, 200)):
            Decision.objects.create(
                interrupt=row,
                round=round_of,
                kind="approve",
                answer="null",
                created_at=now - timedelta(hours=hours),
            )
        Interrupt.objects.update(asked_at=now - timedelta(hours=5))

    def test_those_of_the_last_24_hours(self, as_, decided):
        browser = as_("viewer")

        page = Html(browser.get(PAGE))

        assert page.has_text("3 decisions, at most 2 in an hour")
        table = page.one("details", **{"class": "health-hours"})
        links = [each for each in page.all("a") if table in each.parents and each.text]
        assert [each.text for each in links] == ["2", "1"]
        for each in links:
            found = Html(browser.get(each.attributes["href"]))
            assert rows(found) == int(each.text)

    def test_a_time_that_is_none_narrows_nothing(self, as_, decided):
        answer = as_("viewer").get("/decisions/?who=all&since=yesterday&until=2026")
        assert rows(Html(answer)) == 4

    def test_the_median(self, as_, decided):
        assert Html(as_("viewer").get(PAGE)).has_text("5 h median time to decide")


class TestWork:
    @pytest.fixture
    def runs(self, thread):
        make_run(thread, "running", lease_until=in_hours(1))
        make_run(other(2), "running", lease_until=in_hours(-1))
        make_run(other(3), "pending", due_at=in_hours(-2))
        make_run(other(4), "pending", due_at=in_hours(2))
        make_run(thread, "pending", due_at=in_hours(-3))  # waits its turn
        for each, hours in ((5, -1), (6, 1)):
            other(each)
            Thread.objects.filter(pk=f"t-{each}").update(
                status="waiting", wake_at=in_hours(hours)
            )

    @pytest.mark.parametrize(
        ("words", "count", "listed"),
        [
            ("at work", 1, 2),
            ("due, not begun, the first for 2 h", 1, 1),
            ("whose worker is gone", 1, 1),
            ("timer late", 1, 1),
            ("schedules late", 0, 0),
        ],
    )
    def test_each_number_is_that_of_its_list(self, as_, runs, words, count, listed):
        browser = as_("viewer")

        page = Html(browser.get(PAGE))

        assert number(page, words) == str(count)
        assert rows(Html(browser.get(way(page, words)))) == listed


def test_schedules_that_are_late_have_a_list(as_, thread):
    for name in ("early", "late"):
        schedule(name, "letter", cron="0 3 * * *", input={})
    soon = {"next_at": in_hours(5), "due_at": in_hours(5)}
    said = {"graph": "letter", "cron": "0 3 * * *", "tz": "UTC", **soon}
    Schedule.objects.create(name="early", **said)
    Schedule.objects.create(name="late", **{**said, "due_at": in_hours(-2)})
    browser = as_("viewer")

    page = Html(browser.get(PAGE))

    assert number(page, "schedule late") == "1"
    listed = Html(browser.get(way(page, "schedule late")))
    assert rows(listed) == 1
    assert listed.all("a", href="/schedules/late/")


class TestFailures:
    @pytest.fixture
    def failed(self, thread):
        at = {"finished_at": in_hours(-1)}
        for each in (2, 3):
            error = f"ValueError: no customer {each}"
            make_run(other(each), "error", error=error, error_node="pay", **at)
        make_run(other(4), "error", error="ValueError: x", error_node="send", **at)
        make_run(other(5), "timeout", **at)
        make_run(other(6), "error", error="Old: x", finished_at=in_hours(-24 * 8))
        make_run(other(7), "error", reason="crash_loop", **at)

    def test_the_same_at_the_same_place_are_one(self, as_, failed):
        browser = as_("viewer")

        page = Html(browser.get(PAGE))

        told = {}
        for each in page.all("a"):
            if "failure=" in each.attributes.get("href", ""):
                asked = parse_qs(urlsplit(each.attributes["href"]).query)
                place = (asked["failure"][0], asked.get("node", [""])[0])
                told[place] = int(each.text)
                assert rows(Html(browser.get(each.attributes["href"]))) == told[place]
        assert told == {
            ("ValueError", "pay"): 2,
            ("ValueError", "send"): 1,
            ("out of time", ""): 1,
            ("crash_loop", ""): 1,
        }
        assert not page.has_text("customer")

    def test_the_last_of_them_leads_to_the_doctor(self, as_, failed):
        assert Html(as_("viewer").get(PAGE)).all("a", href="/threads/t-3/doctor/")

    def test_what_is_no_kind_finds_nothing(self, as_, failed):
        assert rows(Html(as_("viewer").get("/runs/?failure=%25"))) == 0


class TestWhoSees:
    @pytest.fixture
    def hidden(self, other_thread):
        ask(other_thread)
        make_run(other_thread, "error", error="Secret: x", finished_at=in_hours(-1))
        Decision.objects.create(
            interrupt=Interrupt.objects.get(), round=1, kind="approve", answer="null"
        )

    def test_what_one_may_not_see_is_not_counted(self, as_, thread, hidden):
        ask(thread)
        for person, count, total in (("reviewer", 1, 0), ("admin", 2, 1)):
            page = Html(as_(person).get(PAGE))
            assert number(page, "open question") == str(count)
            assert page.has_text(f"{total} decision")
            assert page.has_text("Secret") == (person == "admin")

    def test_workers_and_room_are_for_operators(self, as_, thread):
        for person, may in (("reviewer", False), ("viewer", False), ("operator", True)):
            page = Html(as_(person).get(PAGE))
            assert page.has_text("Workers") == may
            assert bool(page.all("a", href="/health/storage/")) == may
            status = as_(person).get("/health/storage/").status_code
            assert status == (200 if may else 403)


class TestWorkers:
    @pytest.fixture
    def worked(self, thread):
        """Three workers, one of them gone, and two processes that are none."""
        code = {**code_here(), "letter": "old"}
        for pid, more in (
            (1, {}),
            (2, {"code": code}),
            (3, {"seen_at": in_hours(-0.1)}),
        ):
            told = {"hands": 4, "version": "1.2", "code": code_here(), **more}
            Worker.objects.create(name=f"far:{pid}:9", **told)
        make_run(thread, "running", owner="far:1:9#1", lease_until=in_hours(1))
        for pid, hours in ((4, -0.1), (5, -3)):
            ended = {"owner": f"far:{pid}:9", "finished_at": in_hours(hours)}
            make_run(other(pid), "success", **ended)

    def test_who_carries_out_runs_with_which_code(self, as_, worked, monkeypatch):
        monkeypatch.setattr(Frame, "worker_alive", True)

        text = Html(as_("operator").get(PAGE)).text()

        assert "2 workers alive, for 8 runs at once." in text
        assert "version 1.2 1 of 4 just now as here" in text
        assert "0 of 4 just now other than here: Letter" in text
        assert "0 of 4 gone without a word, 6 min ago as here" in text
        assert "far:4no worker of now 0 6 min ago not told" in text
        assert "far:5" not in text

    def test_what_a_worker_lacks_and_has_besides(self, as_, thread):
        Worker.objects.create(name="far:1:9", hands=1, code={"gone": "x"})

        text = Html(as_("admin").get(PAGE)).text()

        assert "lacks Letter" in text
        assert "; has besides: gone" in text

    def test_hidden_workflows_are_not_told(self, as_, worked, other_thread):
        Run.objects.update(graph="payroll", owner="far:6:9")
        Worker.objects.create(name="far:7:9", hands=1, code={})

        text = Html(as_("operator").get(PAGE)).text()

        assert "far:6" not in text
        assert "lacks" in text
        assert "ayroll" not in text


class TestRoom:
    def test_the_largest_threads_come_first(self, as_, thread):
        for each, size in ((2, 10), (3, 5_000)):
            row = other(each)
            Checkpoint.objects.create(
                thread=row,
                id="c1",
                step=0,
                source="loop",
                channels="x" * size,
                due="[]",
                rest="{}",
                metadata="{}",
            )
        Thread.objects.filter(pk="t-3").update(title="The large one")

        page = Html(as_("operator").get("/health/storage/"))

        first, *_ = [each.text for each in page.all("a") if "row-link" in str(each)]
        assert first == "The large one"
        assert page.has_text("5.0 KB")
        assert page.has_text("3 threads that prune would look at")

    def test_it_tells_what_would_go_and_removes_nothing(self, as_, thread, settings):
        settings.RETENTION_CHECKPOINTS = 1
        for step in range(4):
            Checkpoint.objects.create(
                thread=thread,
                id=f"c{step}",
                parent=f"c{step - 1}" if step else "",
                step=step,
                source="loop",
                channels="{}",
                due="[]",
                rest="{}",
                metadata="{}",
            )

        page = Html(as_("operator").get("/health/storage/"))

        assert page.has_text("3 checkpoints")
        assert Checkpoint.objects.count() == 4


def test_the_part_that_is_asked_for_again_is_no_whole_page(as_, thread):
    answer = as_("viewer").get(PAGE, headers={"HX-Request": "true"})
    page = Html(answer)
    assert page.elements[0].attributes["id"] == "health-numbers"
    assert page.elements[0].attributes["hx-get"] == PAGE


def test_it_can_be_paused(as_, thread):
    page = Html(as_("viewer").get(f"{PAGE}?paused=1"))
    assert "hx-get" not in page.one("div", id="health-numbers").attributes


def test_more_rows_are_no_more_statements(as_, thread):
    browser, asked = as_("operator"), []
    for each in (2, 3):
        row = other(each)
        ask(row)
        make_run(row, "error", error="E: x", finished_at=in_hours(-1), owner="v:1:2")
        with CaptureQueriesContext(connection) as seen:
            browser.get(PAGE)
        asked.append(len(seen))
    assert asked[0] == asked[1] <= 24
