"""Who is let in, and what no request may bring."""

import gzip
from datetime import timedelta
from typing import Any

import pytest
from django.urls import resolve

from tests.api.conftest import Program, problem_in
from workflows.api.urls import api
from workflows.models import ApiToken
from workflows.services.access import SCOPES
from workflows.services.tokens import RevokeToken
from workflows.storage.clock import machine_now


class TestTokens:
    def test_one_says_whose_it_is(self, program):
        body = program("operator", "read", "run").get("/me").json()

        assert body["username"] == "operator"
        assert body["scopes"] == ["read", "run"]
        assert body["groups"] == ["operator"]

    @pytest.mark.parametrize(
        "text", ["", "dw_", "dw_" + "x" * 43, "nonsense", "dw_é", "dw_" + "x" * 5000]
    )
    def test_what_is_none_is_unknown(self, db, text):
        answer = Program(text).get("/me")

        body = problem_in(answer, 401, "unauthorized")
        assert "Authorization: Bearer" in body["detail"]
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")

    def test_a_log_in_of_the_site_is_no_token(self, people):
        one = Program()
        one.client.force_login(people["admin"])

        problem_in(one.get("/me"), 401, "unauthorized")

    def test_neither_is_one_in_the_address(self, program):
        text = program("operator").token

        problem_in(Program().get(f"/me?token={text}"), 401, "unauthorized")

    def test_it_ends_at_its_time(self, program):
        one = program("operator")
        ApiToken.objects.update(expires_at=machine_now() - timedelta(seconds=1))

        problem_in(one.get("/me"), 401, "unauthorized")

    def test_it_ends_when_it_is_revoked(self, program, people):
        one = program("operator")
        assert one.get("/me").status_code == 200
        RevokeToken(people["operator"], ApiToken.objects.get().pk).execute()

        problem_in(one.get("/me"), 401, "unauthorized")

    def test_it_ends_with_its_owner(self, program, people):
        one = program("operator")
        people["operator"].is_active = False
        people["operator"].save()

        problem_in(one.get("/me"), 401, "unauthorized")

    def test_its_use_is_noted_once_a_minute(self, program):
        one = program("operator")
        one.get("/me")
        first = ApiToken.objects.get().last_used_at
        one.get("/me")
        assert ApiToken.objects.get().last_used_at == first
        ApiToken.objects.update(last_used_at=first - timedelta(minutes=2))
        one.get("/me")

        assert ApiToken.objects.get().last_used_at >= first

    def test_the_text_is_nowhere_in_the_database(self, program):
        text = program("operator").token
        row = ApiToken.objects.values().get()

        assert text not in str(row)
        assert text.startswith(row["start"])


class TestWhatIsAsked:
    def test_a_word_of_the_query_that_nobody_knows(self, program):
        body = problem_in(program("viewer").get("/me?limti=3"), 400, "invalid")

        assert body["errors"] == {"query.limti": "known are none"}

    def test_an_address_that_is_none(self, program):
        problem_in(program("viewer").get("/nothing/here"), 404, "not_found")
        problem_in(Program().get("/nothing"), 404, "not_found")

    def test_a_method_that_is_not_for_it(self, program):
        answer = program("viewer").post("/me", {})

        problem_in(answer, 405, "wrong_method")
        assert answer.headers["Allow"] == "GET"

    def test_a_body_over_the_limit(self, program, settings):
        settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1024

        problem_in(program("viewer").post("/me", b"x" * 2048), 413, "too_large")

    def test_answers_belong_to_one_person(self, program):
        answer = program("viewer").get("/me")

        assert "private" in answer.headers["Cache-Control"]
        assert "Authorization" in answer.headers["Vary"]

    def test_what_breaks_is_no_page(self, program, monkeypatch):
        monkeypatch.setattr("workflows.api.me.name_of", lambda _: 1 / 0)

        body = problem_in(program("viewer").get("/me"), 500, "broken")
        assert "ZeroDivision" not in str(body)


def test_every_operation_has_a_scope():
    found = {
        f"{method} {path}": extra["x-scope"]
        for path, methods in api.get_openapi_schema()["paths"].items()
        for method, extra in methods.items()
    }

    assert set(found.values()) <= set(SCOPES)
    assert found["get /api/v1/me"] == "read"


def test_no_operation_asks_for_a_log_in_of_the_site():
    view: Any = resolve("/api/v1/me").func

    assert view.login_required is False
    assert view.csrf_exempt is True


def test_a_zipped_body_is_not_unpacked(program):
    answer = program("viewer").post(
        "/me", gzip.compress(b"{}"), Content_Encoding="gzip"
    )

    problem_in(answer, 405, "wrong_method")
