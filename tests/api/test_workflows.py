"""The workflows that a program may see, and what they take."""

from types import SimpleNamespace

import pytest

from tests.api.conftest import problem_in
from tests.web.conftest import SCHEMA
from workflows.services import registry


@pytest.fixture(autouse=True)
def hidden(letter):
    registry.register(SimpleNamespace(name="child"), name="child", hidden=True)


def names(answer) -> list[str]:
    return [each["name"] for each in answer.json()["items"]]


def test_those_of_ones_roles_are_listed(program, other_thread):
    assert "letter" in names(program("viewer").get("/workflows"))
    assert "payroll" not in names(program("operator").get("/workflows"))
    assert "payroll" in names(program("admin").get("/workflows"))


def test_nobody_is_offered_a_hidden_one(program):
    assert "child" not in names(program("admin").get("/workflows"))
    problem_in(program("admin").get("/workflows/child"), 404, "not_found")


@pytest.mark.parametrize(
    ("who", "scopes", "may"),
    [
        ("viewer", ["read"], (False, False, False)),
        ("operator", ["read"], (False, False, False)),
        ("operator", ["read", "run"], (True, False, False)),
        ("operator", ["read", "edit"], (False, False, True)),
        ("reviewer", ["read", "decide"], (False, True, False)),
    ],
)
def test_what_one_may_is_cut_by_the_token(program, who, scopes, may):
    body = program(who, *scopes).get("/workflows/letter").json()

    assert (body["may_start"], body["may_decide"], body["may_edit"]) == may


def test_its_input_is_told_to_those_who_start_it(program):
    for scopes in (["read"], ["read", "run"]):
        body = program("operator", *scopes).get("/workflows/letter").json()
        assert body["input_schema"] == SCHEMA
    assert body["editable"] == ["text"]
    for other in ("viewer", "reviewer"):
        body = program(other).get("/workflows/letter").json()
        assert body["input_schema"] is None


def test_unknown_and_hidden_look_alike(program, other_thread):
    one = program("operator")

    for name in ("payroll", "nothing", "a%252Fb", "%2500"):
        answer = one.get(f"/workflows/{name}")
        if "00" in name:
            problem_in(answer, 400, "invalid")
        else:
            problem_in(answer, 404, "not_found")


def test_it_asks_for_the_scope_to_read(program):
    problem_in(program("operator", "run").get("/workflows"), 403, "not_allowed")
    problem_in(program(None).get("/workflows"), 401, "unauthorized")
