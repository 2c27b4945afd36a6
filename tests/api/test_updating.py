"""Updates of living threads by programs: their answers, refusals, and who may (RB.16)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.acting import demoted, noted, told
from tests.api.conftest import problem_in
from tests.services.posting import values_of
from tests.web.test_sending_updates import spending
from workflows.models import AuditEntry, Run, SentUpdate, Thread

assert spending

pytestmark = pytest.mark.rule("RB.16")
HERE = "/threads/t-1/updates"
NINE = {"name": "set_limit", "arguments": {"limit": 19}}


@pytest.fixture
def one(program: Any, spending: Thread) -> Any:
    return program("operator", "run")


def test_it_is_carried_out_and_answered(one, spending):
    answer = one.post(HERE, NINE)

    assert answer.status_code == 200, answer.content
    assert answer.json() == {"result": {"was": 5, "salary": "•••"}, "is_cut": False}
    assert values_of(spending)["limit"] == 19
    assert noted("update.sent")["update"] == "set_limit"
    assert told("update", "t-1")["by"] == "operator (token a program)"
    assert SentUpdate.objects.get().sent_by.username == "operator"


def test_with_one_key_it_is_carried_out_once(one, spending):
    first = one.post(HERE, NINE | {"key": "k"})
    again = one.post(HERE, NINE | {"key": "k"})
    other = one.post(HERE, {**NINE, "key": "k", "arguments": {"limit": 50}})

    assert first.json() == again.json()
    assert "key" in problem_in(other, 409, "update_refused")["detail"]
    assert values_of(spending)["limit"] == 19


@pytest.mark.parametrize(
    ("arguments", "errors"),
    [
        ({"limit": 3}, {}),
        ({"limit": 30, "why": "none"}, {"arguments.why": "is no reason"}),
    ],
)
def test_its_handler_may_refuse_it(one, spending, arguments, errors):
    answer = one.post(HERE, {"name": "set_limit", "arguments": arguments})

    body = problem_in(answer, 409, "update_refused")
    assert body.get("errors", {}) == errors
    assert values_of(spending)["limit"] == 5
    assert not AuditEntry.objects.filter(action="update.sent").exists()


def test_its_handler_may_break(one):
    body = problem_in(one.post(HERE, {"name": "break_it"}), 409, "update_failed")

    assert "Nothing has changed" in body["detail"]


@pytest.mark.parametrize(
    ("body", "places"),
    [
        ({"name": "set_limit"}, {"arguments.limit"}),
        ({"name": "set_limit", "arguments": {"limit": "9"}}, {"arguments.limit"}),
        ({"name": "set_limit", "arguments": []}, {"arguments"}),
        (NINE | {"wait": 31}, {"wait"}),
        (NINE | {"by": "admin"}, {"by"}),
        (NINE | {"key": "x" * 300}, {"key"}),
    ],
)
def test_words_that_are_none(one, spending, body, places):
    assert set(problem_in(one.post(HERE, body), 400, "invalid")["errors"]) == places
    assert values_of(spending)["limit"] == 5


def test_an_update_that_there_is_not(one):
    problem_in(one.post(HERE, {"name": "nothing"}), 404, "not_found")


def test_a_step_that_takes_long(one, spending):
    Run.objects.create(
        thread=spending, graph="spending", kind="resume", status="running", fence=1
    )
    answer = one.post(HERE, NINE | {"wait": 0})

    assert answer.status_code == 409, answer.content
    assert answer.json()["code"] in ("update_timeout", "thread_busy")
    assert values_of(spending)["limit"] == 5


def test_whoever_is_asked_may_send_one(people, spending):
    assert demoted(people["reviewer"], "run").post(HERE, NINE).status_code == 200


@pytest.mark.parametrize(
    ("name", "scope"), [("viewer", "run"), ("operator", "edit"), ("reviewer", "decide")]
)
def test_who_may_not(people, spending, name, scope):
    problem_in(demoted(people[name], scope).post(HERE, NINE), 403, "not_allowed")
    assert not SentUpdate.objects.exists()
