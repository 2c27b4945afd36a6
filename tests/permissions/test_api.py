"""Every cell of the table by the API: each operation, each person, own, other and unknown things."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.test import Client

from tests.permissions.api_matrix import OPERATIONS, Ask
from tests.permissions.matrix import PEOPLE, letter
from tests.permissions.standing import made_once, world
from tests.permissions.test_pages import expected, places, stored
from workflows.api.urls import api
from workflows.models import ApiToken
from workflows.services.access import SCOPES
from workflows.services.tokens import digest_of
from workflows.storage.clock import machine_now

__all__ = ["made_once", "world"]

HERE = "/api/v1"
DESCRIBED = {
    f"{method.upper()} {path}": operation
    for path, methods in api.get_openapi_schema(path_prefix="/")["paths"].items()
    for method, operation in methods.items()
}
CELLS = [
    pytest.param(name, each, id=f"{name}-{number}")
    for name, asked in OPERATIONS.items()
    for number, each in enumerate(asked)
]


def token(person: Any, scopes: tuple[str, ...] = SCOPES) -> str:
    """A token of the person as one who may have lost a role since."""
    text = f"dw_{person.username}-{'-'.join(scopes)}"
    ApiToken.objects.create(
        owner=person,
        name="a program",
        start=text[:11],
        digest=digest_of(text),
        scopes=" ".join(scopes),
        created_at=machine_now(),
        expires_at=machine_now() + timedelta(days=1),
    )
    return text


@pytest.fixture
def tokens(world: Any) -> dict[str, str]:
    """One a person, with every scope; nobody's is empty."""
    people = {name: person for name, person in world.people.items() if person.pk}
    return {"anonymous": ""} | {name: token(each) for name, each in people.items()}


def ask(each: Ask, names: dict[str, str], text: str) -> Any:
    """The answer of an operation."""
    path, body = each.filled(names)
    headers = {"Authorization": f"Bearer {text}"} if text else {}
    return Client(raise_request_exception=False).generic(
        each.method, HERE + path, body or "", "application/json", headers=headers
    )


def tried(each: Ask, names: dict[str, str], text: str) -> tuple[Any, bool]:
    """The answer, and whether anything was written for it; it is taken back."""
    before = stored()
    with transaction.atomic():
        answer = ask(each, names, text)
        is_written = stored() != before
        transaction.set_rollback(True)
    return answer, is_written


def test_every_operation_has_a_rule():
    missing = sorted(DESCRIBED.keys() - OPERATIONS.keys())

    assert not missing, f"tests/permissions/api_matrix.py has no line for {missing}"
    assert not OPERATIONS.keys() - DESCRIBED.keys(), "rules for what is gone"


@pytest.mark.parametrize(("name", "each"), CELLS)
def test_each_cell_is_as_the_table_says(world, tokens, name, each):
    wrong = []
    for person in PEOPLE:
        hidden: Any = None
        sees_all = letter("see", person) == "G"
        for where in places(each):
            names = world.place(person, where)
            statuses = expected(each, person, where)
            answer, is_written = tried(each, names, tokens[person])
            cell = f"{person}, {where}: {answer.status_code} {answer.content[:200]!r}"
            if answer.status_code not in statuses:
                wrong.append(f"{cell}, the table says {statuses}")
            elif answer.status_code in {401, 403, 404} and is_written:
                wrong.append(f"{cell}, and yet something was written")
            elif where == "other" and answer.status_code == 404 and not sees_all:
                hidden = told(answer, names)
            elif where == "unknown" and hidden not in (None, told(answer, names)):
                wrong.append(f"{cell}: unknown and hidden do not look alike")

    assert not wrong, "\n".join([f"{name} ({each.act})", *wrong])


def told(answer: Any, names: dict[str, str]) -> str:
    """What an answer says, without the name of what was asked for."""
    text: str = json.loads(answer.content)["detail"]
    for each in sorted(names.values(), key=len, reverse=True):
        text = text.replace(each, "…") if each else text
    return text


def without_scope() -> Iterator[Any]:
    """Each operation, with a token that has every scope but its own."""
    for name, asked in OPERATIONS.items():
        scope = DESCRIBED[name]["x-scope"]
        others = tuple(each for each in SCOPES if each != scope)
        yield pytest.param(asked[0], others, id=name)


@pytest.mark.parametrize(("each", "scopes"), [*without_scope()])
def test_a_token_without_the_scope_is_refused(world, each, scopes):
    text = token(world.people["admin"], scopes)

    answer, is_written = tried(each, world.place("admin", "own"), text)

    assert (answer.status_code, is_written) == (403, False), answer.content
    assert "no scope" in json.loads(answer.content)["detail"]
