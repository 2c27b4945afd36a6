"""Programs with tokens, beside the people and the workflow that the pages are tested with."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.test import Client

from tests.web.conftest import letter, other_thread, own_registry, people, thread
from workflows.services.registry import Registered
from workflows.services.tokens import MakeToken

__all__ = ["letter", "other_thread", "own_registry", "people", "thread"]

HERE = "/api/v1"


class Program:
    """A program that sends the token it was given, if any."""

    def __init__(self, token: str = "") -> None:
        self.client = Client(raise_request_exception=False)
        self.token = token

    def get(self, path: str, **headers: str) -> Any:
        """A GET below the API; `headers` with underscores."""
        return self.send("GET", path, **headers)

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        """A POST of JSON; bytes and text are sent as they are."""
        return self.send("POST", path, body, **headers)

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """Any request below the API."""
        named = {name.replace("_", "-"): text for name, text in headers.items()}
        if self.token:
            named.setdefault("Authorization", f"Bearer {self.token}")
        is_raw = isinstance(body, str | bytes) or body is None
        data = (body or "") if is_raw else json.dumps(body)
        return self.client.generic(
            method, HERE + path, data, "application/json", headers=named
        )


@pytest.fixture
def program(people: dict[str, User], letter: Registered) -> Callable[..., Program]:
    """`program("operator", "read", "run")`: one with a token of that person; None has no token."""

    def made(name: str | None, *scopes: str) -> Program:
        if name is None:
            return Program()
        asked = frozenset(scopes or ("read",))
        return Program(MakeToken(people[name], "a program", asked).execute()[1])

    return made


def problem_in(answer: HttpResponse, status: int, code: str) -> dict[str, Any]:
    """The body of a refusal, which is checked to be one."""
    assert answer.status_code == status, answer.content
    assert answer.headers["Content-Type"] == "application/problem+json"
    body: dict[str, Any] = json.loads(answer.content)
    assert (body["status"], body["code"]) == (status, code), body
    return body
