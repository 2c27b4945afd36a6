"""The page of an approval link: no log-in, and nothing decided by looking."""

from datetime import timedelta

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from tests.web.conftest import Html, ask
from workflows.models import ApprovalLink, Decision, Draft, Policy
from workflows.services.outbound.links import make_link
from workflows.services.resume_run import ResumeRun
from workflows.web import approval_link


@pytest.fixture(autouse=True)
def nothing_counted():
    cache.clear()


@pytest.fixture
def question(thread):
    value = {"question": "Send the letter?", "to": "Ada", "api_key": "k-1"}
    return ask(thread, value, title="Send the letter?")


@pytest.fixture
def path(people, question):
    return make_link(people["reviewer"], question).url.removeprefix(
        "http://127.0.0.1:8000"
    )


@pytest.fixture
def anybody():
    """A browser that nobody has logged in with, and that checks forms as a real one is."""
    return Client(enforce_csrf_checks=True)


def form(browser, path, kind="approve", **more):
    page = Html(browser.get(path))
    proof = page.one("input", name="proof").attributes["value"]
    return {"proof": proof, "kind": kind, **more}


class TestLooking:
    def test_it_shows_what_is_asked_to_whoever_has_it(self, anybody, path):
        answer = anybody.get(path)

        page = Html(answer)
        assert answer.status_code == 200
        assert page.text("h1") == "Send the letter?"
        assert page.has_text("For reviewer")
        assert page.has_text("Ada")
        assert not page.has_text("k-1")

    @pytest.mark.parametrize("method", ["get", "head", "options", "put", "delete"])
    def test_no_scanner_decides(self, anybody, path, method):
        """Programs that check mails follow links, some of them all links of the page."""
        for query in ("", "?kind=approve", "?kind=approve&proof=x", "?vote=1"):
            getattr(anybody, method)(path + query)

        assert not Decision.objects.exists()
        assert ApprovalLink.objects.get().used_at is None

    def test_the_page_has_no_link_and_no_address_that_decides(self, anybody, path):
        page = Html(anybody.get(path))

        assert page.one("form").attributes["method"] == "post"
        assert "action" not in page.one("form").attributes
        assert {e.attributes["href"] for e in page.all("a")} == {
            f"/review/{ApprovalLink.objects.get().interrupt_id}/"
        }

    def test_nobody_keeps_it_or_learns_its_address(self, anybody, path):
        for answer in (anybody.get(path), anybody.get("/link/none/")):
            assert answer["Referrer-Policy"] == "no-referrer"
            assert answer["Cache-Control"] == "no-store, private"
            assert answer["X-Robots-Tag"] == "noindex, nofollow"
            assert "script-src 'self'" in answer["Content-Security-Policy"]
            assert not answer.cookies

    def test_it_works_without_scripts(self, anybody, path):
        page = Html(anybody.get(path))

        assert {e.attributes["src"] for e in page.all("script")} == {
            "/static/js/theme.js"
        }
        assert set(page.buttons()) == {"approve", "reject", "changes", "respond"}

    def test_nothing_of_a_workflow_is_markup(self, people, thread, anybody):
        value = {"question": "<b hx-post='/x'>Send</b>?", "to": "<script>x</script>"}
        row = ask(thread, value, title="<img src=x>")
        made = make_link(people["reviewer"], row)

        text = anybody.get(made.url.partition(":8000")[2]).content.decode()

        assert "<script>x" not in text
        assert "<img src=x" not in text
        assert "<b hx-post" not in text


class TestDeciding:
    def test_a_post_decides_as_the_person_of_the_link(self, anybody, people, path):
        answer = anybody.post(path, form(anybody, path), follow=True)

        decision = Decision.objects.get()
        assert (decision.person, decision.channel) == (people["reviewer"], "link")
        assert Html(answer).has_text("You have approved question")

    def test_whoever_is_logged_in_does_not_matter(self, as_, people, path):
        browser = as_("viewer")

        browser.post(path, form(browser, path))

        assert Decision.objects.get().person == people["reviewer"]

    def test_a_rejection_brings_its_reason(self, anybody, path):
        anybody.post(
            path,
            form(anybody, path, "reject", reject_text="No stamp", respond_text="x"),
        )

        assert Decision.objects.get().reason == "No stamp"

    def test_an_answer_without_words_is_asked_for_again(self, anybody, path):
        answer = anybody.post(path, form(anybody, path, "respond", respond_text="Sure"))
        assert answer.status_code == 303

    def test_a_replay_is_told_and_changes_nothing(self, anybody, path):
        sent = form(anybody, path, "reject", reject_text="No stamp")
        anybody.post(path, sent)

        answer = anybody.post(path, {**sent, "kind": "approve", "reject_text": ""})

        assert answer.status_code == 409
        assert Html(answer).has_text("You have rejected question")
        assert Decision.objects.get().kind == "reject"

    def test_who_was_faster_is_named_and_nothing_typed_is_lost(
        self, anybody, people, question, path
    ):
        sent = form(anybody, path, "reject", reject_text="No stamp on it")
        ResumeRun(people["admin"], question.pk, "approve", version=1, round=1).execute()

        answer = anybody.post(path, sent)

        page = Html(answer)
        assert answer.status_code == 409
        assert page.has_text("was approved by admin")
        assert page.has_text("No stamp on it")
        assert Html(anybody.get(path)).has_text("was approved by admin")

    def test_a_late_one_is_told(self, anybody, path, monkeypatch):
        sent = form(anybody, path)
        later = timezone.now() + timedelta(days=2)
        monkeypatch.setattr("django.utils.timezone.now", lambda: later)

        answer = anybody.post(path, sent)

        assert answer.status_code == 409
        assert Html(answer).text("h1") == "This link has expired"
        assert not Decision.objects.exists()

    def test_somebody_who_left_is_told_no_more_than_that(self, anybody, people, path):
        sent = form(anybody, path)
        people["reviewer"].is_active = False
        people["reviewer"].save()

        answer = anybody.post(path, sent)

        page = Html(answer)
        assert answer.status_code == 409
        assert page.has_text("the right to decide was taken back")
        assert not page.has_text("Send the letter?")
        assert not page.has_text("Ada")

    def test_a_first_vote_says_that_it_waits(self, anybody, people, thread):
        Policy.objects.create(body='{"quorum": 2}')
        url = make_link(people["reviewer"], ask(thread)).url.partition(":8000")[2]

        page = Html(anybody.post(url, form(anybody, url), follow=True))

        assert page.has_text("It waits for more people.")
        assert not Decision.objects.exists()

    def test_a_question_with_a_form_asks_to_log_in(self, anybody, people, thread):
        schema = {
            "type": "object",
            "properties": {"amount": {"type": "number"}},
            "required": ["amount"],
        }
        row = ask(thread, "How much?", schema)
        url = make_link(people["reviewer"], row).url.partition(":8000")[2]

        answer = anybody.post(url, form(anybody, url))

        assert answer.status_code == 400
        assert Html(answer).has_text("Log in to decide it with its form.")
        assert not Draft.objects.exists()


class TestBadInput:
    @pytest.mark.parametrize(
        ("change", "status"),
        [
            ({"proof": ""}, 403),
            ({"proof": "forged"}, 403),
            ({"proof": "ü"}, 403),
            ({"kind": ""}, 400),
            ({"kind": "edit"}, 400),
            ({"kind": "timeout"}, 400),
            ({"kind": "reject", "reject_text": "x" * 10_001}, 400),
            ({"kind": "reject", "reject_text": "a\0b"}, 400),
        ],
    )
    def test_a_form_that_is_not_from_the_page(self, anybody, path, change, status):
        answer = anybody.post(path, {**form(anybody, path), **change})

        assert answer.status_code == status
        assert not Decision.objects.exists()
        assert ApprovalLink.objects.get().used_at is None

    def test_a_form_of_another_link(self, anybody, people, thread, path):
        other = make_link(people["reviewer"], ask(thread)).url.partition(":8000")[2]

        assert anybody.post(path, form(anybody, other)).status_code == 403

    @pytest.mark.parametrize("site", ["cross-site", "same-site"])
    def test_a_form_on_another_site(self, anybody, path, site):
        answer = anybody.post(
            path, form(anybody, path), headers={"Sec-Fetch-Site": site}
        )

        assert answer.status_code == 403
        assert not Decision.objects.exists()

    @pytest.mark.parametrize(
        "token", ["x", "1.a.b:c", "%00", "1" * 5000, "..%2f..", "\u202e", "é"]
    )
    def test_no_token_at_all(self, anybody, token, db):
        answer = anybody.get(f"/link/{token}/")

        assert answer.status_code == 404

    def test_missing_and_forged_look_alike(self, anybody, path):
        forged = anybody.get(path[:-3] + "xx/")
        missing = anybody.get("/link/none/")

        assert forged.content == missing.content

    def test_no_log_holds_a_link_that_may_still_work(self, anybody, path, caplog):
        assert (
            anybody.post(path, {**form(anybody, path), "kind": ""}).status_code == 400
        )
        assert anybody.get(path[:-3] + "xx/").status_code == 404
        assert anybody.put(path).status_code == 405

        assert path.split("/")[2].split(".")[1] not in caplog.text

    def test_too_many_tries_are_refused(self, anybody, path, monkeypatch):
        monkeypatch.setattr(approval_link, "PER_WINDOW", 3)

        found = [anybody.get("/link/guess/").status_code for _ in range(5)]

        assert found == [404, 404, 404, 429, 429]
        assert anybody.get("/link/guess/")["Retry-After"] == "60"
        # Who has a link does not suffer from who guesses.
        assert anybody.get(path).status_code == 200

    def test_one_link_is_counted_wherever_it_is_used_from(self, path, monkeypatch):
        monkeypatch.setattr(approval_link, "PER_WINDOW", 3)

        found = [
            Client(REMOTE_ADDR=f"192.0.2.{number}").get(path).status_code
            for number in range(5)
        ]

        assert found == [200, 200, 200, 429, 429]
