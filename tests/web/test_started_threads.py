"""What the pages of a thread and of those it has started say of each other, also before it is cancelled (RB.5)."""

import pytest

from tests.web.conftest import Html
from tests.web.families import PARENT, child, done, run, started
from workflows.models import Child, Run, Thread

assert child
assert done
assert run

pytestmark = pytest.mark.rule("RB.5")


class TestFamily:
    def box(self, as_, name: str = "viewer") -> str:
        page = Html(as_(name).get(PARENT))
        return " ".join(page.one("div", id="thread-children").text.split())

    def test_a_thread_without_any_says_nothing(self, as_, thread):
        page = Html(as_("viewer").get(PARENT))

        assert page.one("div", id="thread-children").text.strip() == ""
        assert not page.has_text("Started by")

    @pytest.mark.parametrize(
        ("at_end", "words"),
        [
            ("cancel", "; is cancelled when this thread ends"),
            ("wait", "; this thread ends after it"),
            ("leave", "; goes on when this thread ends"),
        ],
    )
    def test_it_says_how_each_stands_and_what_becomes_of_it(
        self, as_, thread, child, at_end, words
    ):
        started(thread, child.pk, at_end)

        assert self.box(as_) == (
            f"1 thread started from here Page 7 Busy Letter, started just now{words}"
        )

    def test_of_one_that_has_ended_nothing_becomes_any_more(self, as_, thread, child):
        started(thread, child.pk)
        Run.objects.create(thread=child, graph="letter", kind="start", status="success")
        Thread.objects.filter(pk=child.pk).update(status="idle")

        assert self.box(as_).endswith("Page 7 Done Letter, started just now")

    def test_after_the_end_of_the_parent_nothing_becomes_of_them(
        self, as_, thread, child
    ):
        started(thread, child.pk, "leave", settled=True)

        assert self.box(as_).endswith("Page 7 Busy Letter, started just now")

    def test_the_newest_come_first_and_the_others_are_counted(self, as_, thread):
        for number in range(12):
            Thread.objects.create(id=f"n{number}", graph="letter", title=f"No {number}")
            started(thread, f"n{number}")

        page = Html(as_("viewer").get(PARENT))

        box = page.one("div", id="thread-children")
        assert "12 threads started from here" in box.text
        assert "The newest 10 are shown, 2 more are not." in box.text
        shown = [each.text for each in page.all("a") if box in each.parents]
        assert shown == [f"No {number}" for number in range(11, 1, -1)]

    def test_one_that_was_started_twice_is_one(self, as_, thread, child):
        started(thread, child.pk)
        started(thread, child.pk, "leave")

        box = self.box(as_)

        assert box.startswith("1 thread started from here")
        assert box.endswith("goes on when this thread ends")

    def test_more_of_them_are_no_more_statements(
        self, as_, thread, child, django_assert_max_num_queries
    ):
        client = as_("viewer")
        started(thread, child.pk)
        with django_assert_max_num_queries(60) as first:
            client.get(PARENT)
        for number in range(8):
            Thread.objects.create(id=f"n{number}", graph="letter")
            started(thread, f"n{number}")
            started(Thread.objects.get(pk=f"n{number}"), thread.pk)

        with django_assert_max_num_queries(len(first) + 1):  # counts the parents
            client.get(PARENT)

    def test_the_page_of_the_child_leads_back(self, as_, thread, child):
        started(thread, child.pk)

        page = Html(as_("viewer").get("/threads/c-1/"))

        assert page.has_text("Started by First letter")
        assert page.one("a", href=PARENT).text == "First letter"

    def test_of_many_parents_three_are_named(self, as_, child):
        for number in range(5):
            parent = Thread.objects.create(
                id=f"n{number}", graph="letter", title=f"No {number}"
            )
            started(parent, child.pk)

        page = Html(as_("viewer").get("/threads/c-1/"))

        assert page.has_text("Started by No 0, No 1, No 2 and 2 more")


class TestCancelling:
    def page(self, as_, run: Run) -> Html:
        return Html(as_("operator").get(f"/runs/{run.pk}/cancel"))

    def test_who_cancels_reads_who_is_cancelled_with_it(self, as_, thread, run):
        page = self.page(as_, run)

        assert page.has_text("an event or a thread does not go on any more")
        assert page.has_text(
            "1 thread that it has started and that has not ended is cancelled, too. "
            "Continuing this thread does not start it again."
        )

    def test_those_are_counted_that_have_not_ended_and_are_not_left(
        self, as_, thread, run
    ):
        for at_end, status in (
            ("wait", "waiting"),
            ("leave", "busy"),
            ("cancel", "idle"),
            ("cancel", "error"),
        ):
            name = f"{at_end} {status}"
            Thread.objects.create(id=name, graph="letter", status=status)
            started(thread, name, at_end)
        started(thread, "gone")
        queued = Thread.objects.create(id="queued", graph="letter", status="idle")
        Run.objects.create(thread=queued, graph="letter", kind="start")
        started(thread, queued.pk)

        assert self.page(as_, run).has_text(
            "3 threads that it has started and that have not ended are cancelled, too. "
            "Continuing this thread does not start them again."
        )

    def test_one_that_has_not_begun_takes_none_along(self, as_, run):
        Run.objects.update(status="pending")

        assert not self.page(as_, run).has_text("cancelled, too")

    def test_one_without_children_says_nothing(self, as_, run):
        Child.objects.all().delete()

        assert not self.page(as_, run).has_text("cancelled, too")

    def test_what_is_done_stays(self, as_, done):
        page = self.page(as_, done)

        assert page.has_text("Its work is done, and stays as it is. 1 thread that")
