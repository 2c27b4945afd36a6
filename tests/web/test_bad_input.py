"""What does not belong into a request gets a 4xx that names the place, on either database."""

import io

import pytest
from django.http import HttpResponse
from django.test import RequestFactory

from tests.web.conftest import Html, ask, decision_form, decisions
from workflows.models import Run
from workflows.web.middleware import BodyLimitMiddleware, BodyTooLargeError

DEEP = "[" * 101 + "]" * 101


@pytest.fixture
def question(thread):
    """A question with one part that the form can only show as JSON."""
    return ask(thread, {"title": "T", "odd": [1, "a"], "name": "Ada"})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[1,", "line 1, column 4"),
        ('["\\u0000"]', "$[0]: holds a NUL"),
        ('["\\ud800"]', "$[0]: holds half a character"),
        ("[NaN]", "$[0]: NaN is not JSON"),
        ("[1e999]", "$[0]: the number 1e999 is too large"),
        ('[{"a":1,"a":2}]', "$[0]: the key 'a' occurs twice"),
        (DEEP, "nested more than 100 levels"),
        ("9" * 1001, "digits"),
    ],
)
def test_json_in_a_review_form(as_, question, text, words):
    response = as_("reviewer").post(
        f"/review/{question.pk}/decision",
        decision_form(question, "edit", **{"v/odd": text, "v/name": "Ada"}),
    )
    page = Html(response)

    assert response.status_code == 400
    assert words in page.one("section", id="error-summary").text
    assert page.one("textarea", name="v/odd").text.strip("\n") == text
    assert decisions() == []


@pytest.mark.parametrize(
    "text", ["[1,", '{"text": "\\u0000"}', '{"text": "\\udfff"}', "{}", "[]", DEEP]
)
def test_json_in_an_edit_of_the_state(as_, thread, text):
    response = as_("operator").post(
        "/threads/t-1/state", {"values": text, "reason": "because", "checkpoint": ""}
    )

    assert response.status_code == 400
    assert Run.objects.filter(kind="edit").count() == 0


@pytest.mark.parametrize("name", ["reject_reason", "response"])
def test_nul_in_words(as_, question, name):
    kind = "reject" if name == "reject_reason" else "respond"

    response = as_("reviewer").post(
        f"/review/{question.pk}/decision",
        decision_form(question, kind, **{name: "a\x00b"}),
    )

    assert response.status_code == 400
    assert Html(response).has_text("NUL character at position 2")


@pytest.mark.parametrize(
    "change",
    [
        {"version": "x"},
        {"version": ""},
        {"round": "-1"},
        {"round": "1e3"},
        {"version": "9" * 30},
        {"kind": "explode"},
        {"kind": ""},
    ],
)
def test_damaged_decisions(as_, question, change):
    form = decision_form(question, **{"v/odd": '[1, "a"]', "v/name": "Ada"}) | change

    response = as_("reviewer").post(f"/review/{question.pk}/decision", form)

    assert response.status_code == 400
    assert decisions() == []


def test_fields_that_nobody_asked_for_change_nothing(as_, question):
    form = decision_form(question, **{"v/odd": '[1, "a"]', "v/name": "Ada"}) | {
        "v/__resume__": "x",
        "status": "resolved",
        "owner": "me",
        "as_node": "end",
    }

    as_("reviewer").post(f"/review/{question.pk}/decision", form)

    question.refresh_from_db()
    assert question.decisions.get().kind == "approve"
    assert question.status == "decided"


@pytest.mark.parametrize(
    "path",
    [
        "/review/99999999999999999999/",
        "/runs/99999999999999999999/",
        "/threads/%00/",
        "/threads/..%2F..%2Fetc/",
        "/start/%F0%9F%92%A3/",
        "/runs/?status=x&before=x",
        "/runs/?before=99999999999999999999",
    ],
)
def test_odd_addresses_are_no_faults(as_, thread, path):
    assert as_("admin").get(path).status_code in {200, 404}


class TestTheLimitOfABody:
    def test_an_announced_length_is_refused_before_reading(self, as_, question):
        response = as_("reviewer").post(
            f"/review/{question.pk}/decision",
            b"x",
            content_type="application/x-www-form-urlencoded",
            CONTENT_LENGTH=str(12 * 1024 * 1024 + 1),
        )

        assert response.status_code == 413
        assert "12 MiB" in Html(response).text()

    @pytest.mark.parametrize("length", ["-1", "many", "1e3"])
    def test_a_length_that_is_none_is_refused(self, as_, length):
        response = as_(None).post("/login/", b"x", "text/plain", CONTENT_LENGTH=length)

        assert response.status_code == 413

    def test_a_body_that_lies_about_its_length_stops_at_the_limit(self, settings):
        settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 10
        request = RequestFactory().post("/login/", b"", "text/plain")
        request._stream = io.BytesIO(b"x" * 100)
        middleware = BodyLimitMiddleware(
            lambda request: HttpResponse(request._stream.read())
        )

        with pytest.raises(BodyTooLargeError) as refused:
            middleware(request)

        answer = middleware.process_exception(request, refused.value)
        assert answer is not None
        assert answer.status_code == 413


class TestStaysOnSite:
    @pytest.mark.parametrize(
        "to", ["//evil.example", "https://evil.example/", "/\\evil"]
    )
    def test_the_log_in(self, client, people, to):
        people["viewer"].set_password("right")
        people["viewer"].save()

        response = client.post(
            f"/login/?next={to}",
            {"username": "viewer", "password": "right", "next": to},
        )

        assert response["Location"] == "/queue/"

    def test_a_conflict_page(self, as_, thread):
        Run.objects.create(thread=thread, kind="start", status="running")

        response = as_("operator").post(
            "/threads/t-1/continue", {"back": "//evil.example"}
        )

        assert response.status_code == 409
        assert b"evil.example" not in response.content
