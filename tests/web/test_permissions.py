"""Every address, every person: the table from which nobody may fall out."""

import pytest
from django.urls import URLPattern, get_resolver

from tests.web.conftest import Html, ask, decision_form, decisions
from workflows.models import Run, Thread

PEOPLE = (None, "stranger", "viewer", "reviewer", "operator", "admin")
LOGIN = 302
SIGNED_OUT = 401


@pytest.fixture
def question(thread):
    return ask(thread)


@pytest.fixture
def hidden(other_thread):
    return ask(other_thread)


@pytest.mark.parametrize(
    ("path", "statuses"),
    [
        #                             nobody stranger viewer reviewer operator admin
        ("/queue/", (LOGIN, 200, 200, 200, 200, 200)),
        ("/bulk/", (LOGIN, 200, 200, 200, 200, 200)),
        ("/bulk/1/", (LOGIN, 404, 404, 404, 404, 404)),
        ("/runs/", (LOGIN, 200, 200, 200, 200, 200)),
        ("/threads/", (LOGIN, 200, 200, 200, 200, 200)),
        ("/start/", (LOGIN, 200, 200, 200, 200, 200)),
        ("/review/{question}/", (LOGIN, 404, 200, 200, 200, 200)),
        ("/runs/{run}/", (LOGIN, 404, 200, 200, 200, 200)),
        ("/threads/t-1/", (LOGIN, 404, 200, 200, 200, 200)),
        ("/start/letter/", (LOGIN, 404, 403, 403, 200, 200)),
        ("/review/{hidden}/", (LOGIN, 404, 404, 404, 404, 200)),
        ("/runs/{hidden_run}/", (LOGIN, 404, 404, 404, 404, 200)),
        ("/threads/t-secret/", (LOGIN, 404, 404, 404, 404, 200)),
        ("/start/payroll/", (LOGIN, 404, 404, 404, 404, 200)),
        ("/review/999999/", (LOGIN, 404, 404, 404, 404, 404)),
        ("/threads/none/", (LOGIN, 404, 404, 404, 404, 404)),
        ("/start/none/", (LOGIN, 404, 404, 404, 404, 404)),
        ("/notices/", (LOGIN, 200, 200, 200, 200, 200)),
        ("/notices/new", (LOGIN, 200, 200, 200, 200, 200)),
        ("/webhooks/", (LOGIN, 404, 404, 404, 404, 200)),
        ("/webhooks/new", (LOGIN, 404, 404, 404, 404, 200)),
        ("/webhooks/1/", (LOGIN, 404, 404, 404, 404, 404)),
        ("/tokens/", (LOGIN, 200, 200, 200, 200, 200)),
        ("/tokens/?whose=all", (LOGIN, 404, 404, 404, 404, 200)),
        ("/tokens/new", (LOGIN, 403, 200, 200, 200, 200)),
        ("/tokens/1/revoke", (LOGIN, 404, 404, 404, 404, 404)),
        ("/link/none/", (404,) * 6),
        ("/healthz", (200,) * 6),
        ("/admin/workflows/thread/", (LOGIN, LOGIN, LOGIN, LOGIN, LOGIN, 200)),
        ("/admin/workflows/decision/", (LOGIN, LOGIN, LOGIN, LOGIN, LOGIN, 200)),
        ("/admin/workflows/apitoken/", (LOGIN, LOGIN, LOGIN, LOGIN, LOGIN, 200)),
        ("/admin/workflows/item/", (LOGIN, LOGIN, LOGIN, LOGIN, LOGIN, 200)),
        ("/admin/workflows/cacheentry/", (LOGIN, LOGIN, LOGIN, LOGIN, LOGIN, 200)),
    ],
)
def test_who_may_read_what(as_, question, hidden, path, statuses):
    path = path.format(
        question=question.pk,
        run=question.run_id,
        hidden=hidden.pk,
        hidden_run=hidden.run_id,
    )

    found = tuple(as_(name).get(path).status_code for name in PEOPLE)

    assert found == statuses


@pytest.mark.parametrize(
    ("name", "status"),
    [
        (None, SIGNED_OUT),
        ("stranger", 404),
        ("viewer", 403),
        ("reviewer", 303),
        ("operator", 403),
        ("admin", 303),
    ],
)
def test_who_may_decide(as_, question, name, status):
    path = f"/review/{question.pk}/decision"

    assert as_(name).post(path, decision_form(question)).status_code == status
    assert bool(decisions()) == (status == 303)


@pytest.mark.parametrize(
    ("name", "status"),
    [
        (None, SIGNED_OUT),
        ("stranger", 404),
        ("viewer", 403),
        ("reviewer", 403),
        ("operator", 303),
        ("admin", 303),
    ],
)
def test_who_may_start_continue_and_cancel(as_, letter, thread, name, status):
    failed = Run.objects.create(thread=thread, kind="start", status="error")
    client = as_(name)

    started = client.post("/start/letter/", {"input/repository": "."})
    went_on = client.post("/threads/t-1/continue")
    newest = Run.objects.filter(thread=thread).latest("pk")
    asked = client.get(f"/runs/{newest.pk}/cancel")
    cancelled = client.post(f"/runs/{newest.pk}/cancel")

    assert asked.status_code == {303: 200, SIGNED_OUT: LOGIN}.get(status, status)
    assert (started.status_code, went_on.status_code) == (status, status)
    assert cancelled.status_code == status
    assert (Thread.objects.count() > 1) == (status == 303)
    assert (newest != failed) == (status == 303)


def test_missing_and_hidden_look_alike(as_, hidden):
    client = as_("reviewer")

    missing = client.get("/review/999999/")
    refused = client.get(f"/review/{hidden.pk}/")

    assert missing.content == refused.content
    assert "Nothing here" in Html(refused).text("h1")


@pytest.mark.parametrize(
    "path",
    ["decision", "diff"],
)
def test_a_link_never_decides(as_, question, path):
    assert as_("reviewer").get(f"/review/{question.pk}/{path}").status_code == 405
    assert decisions() == []


@pytest.mark.parametrize(
    "path",
    [
        "/review/{0}/decision",
        "/review/{0}/diff",
        "/bulk/order",
        "/threads/t-1/continue",
        "/threads/t-1/state",
        "/start/letter/",
        "/logout/",
    ],
)
def test_a_form_of_another_site_changes_nothing(as_, question, path):
    client = as_("admin", enforce_csrf_checks=True)

    response = client.post(path.format(question.pk), decision_form(question))

    assert response.status_code == 403
    assert decisions() == []


def test_every_page_asks_for_a_log_in_unless_it_is_listed_here():
    # An approval link is made for those who are not logged in (test_approval_link.py).
    is_open = {"login", "favicon", "healthz", "approval_link"}
    patterns = get_resolver("workflows.web.urls").url_patterns

    found = {
        each.name
        for each in patterns
        if isinstance(each, URLPattern)
        and not getattr(each.callback, "login_required", True)
    }

    assert found == is_open


def test_decisions_cannot_be_written_in_the_admin(as_, people, question):
    people["admin"].is_superuser = True
    people["admin"].save()
    client = as_("admin")
    client.post(f"/review/{question.pk}/decision", decision_form(question))
    number = question.decisions.get().pk

    page = Html(client.get(f"/admin/workflows/decision/{number}/change/"))

    assert client.get("/admin/workflows/decision/add/").status_code == 403
    assert (
        client.post(
            f"/admin/workflows/decision/{number}/change/", {"reason": "x"}
        ).status_code
        == 403
    )
    assert (
        client.post(
            f"/admin/workflows/decision/{number}/delete/", {"post": "yes"}
        ).status_code
        == 403
    )
    assert not page.all("input", name="_save")


def test_a_fragment_asked_for_after_log_out_leads_to_the_log_in(as_, question):
    response = as_(None).post(
        f"/review/{question.pk}/diff",
        headers={
            "HX-Request": "true",
            "HX-Current-URL": f"http://testserver/review/{question.pk}/",
        },
    )

    assert response.status_code == 401
    assert response["HX-Redirect"] == f"/login/?next=%2Freview%2F{question.pk}%2F"


class TestAFormSentAfterTheSessionEnded:
    """It is not recorded, and its words are not lost."""

    def post(self, as_, path: str, **values: str) -> Html:
        came_from = "http://testserver/queue/?q=a&item=1"
        answer = as_(None).post(path, values, headers={"Referer": came_from})
        assert answer.status_code == SIGNED_OUT
        return Html(answer)

    def test_it_is_answered_with_what_was_typed(self, as_, question):
        page = self.post(
            as_,
            f"/review/{question.pk}/decision",
            **{"v/a": "7"}
            | decision_form(question)
            | {"reason": "Much <b>thought</b>"},
        )

        assert decisions() == []
        words = [each.text.strip() for each in page.all("p", **{"class": "typed"})]
        assert words[0] == "Much <b>thought</b>"
        assert "7" in words
        assert str(question.version) not in words

    def test_its_log_in_leads_to_the_page_of_the_form(self, as_, question):
        page = self.post(as_, f"/review/{question.pk}/comment", text="Well")

        [link] = page.all("a", **{"class": "btn btn-primary"})
        assert link.attributes["href"] == "/login/?next=%2Fqueue%2F%3Fq%3Da%26item%3D1"

    def test_a_page_of_another_site_is_not_led_to(self, as_, question):
        answer = as_(None).post(
            f"/review/{question.pk}/comment",
            {"text": "Well"},
            headers={"Referer": "https://evil.example/queue/"},
        )

        assert b"evil" not in answer.content

    def test_what_is_secret_is_not_shown(self, as_):
        page = self.post(as_, "/webhooks/new", secret="s3cret", url="https://a.b")

        assert page.has_text("https://a.b")
        assert not page.has_text("s3cret")
