"""Who is let in, and what is asked of every request before its operation sees it.

An operation is made by `operation`, which takes its scope: there is none without. Bodies are
read the strict way, and a word that nobody knows is refused, in the body and in the query.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, TypeVar

from django.conf import settings
from django.http import HttpRequest
from ninja import NinjaAPI, Router
from ninja.operation import Operation
from ninja.params.models import QueryModel
from ninja.parser import Parser
from ninja.renderers import BaseRenderer
from ninja.responses import NinjaJSONEncoder
from ninja.security import HttpBearer
from ninja.utils import contribute_operation_callback

from workflows.api.pace import pace
from workflows.rate import read_rate
from workflows.services import strict_json
from workflows.services.access import SCOPES, Person
from workflows.services.action import InvalidAnswer, NotAllowed
from workflows.services.strict_json import JsonProblem, text_fault
from workflows.services.tokens import person_with

View = TypeVar("View", bound=Callable[..., Any])
JSON_TYPES = ("", "application/json")


class NoTokenError(Exception):
    """Nobody knows who asks."""


class Door(HttpBearer):
    """Lets in whoever comes with a token that has the scope of the operation."""

    def __init__(self, scope: str) -> None:
        if scope not in SCOPES:
            raise ValueError(f"{scope!r} is none of {', '.join(SCOPES)}")
        super().__init__()
        self.scope = scope
        self.operation: Operation | None = None

    def __call__(self, request: HttpRequest) -> Person:
        """Who asks.

        Raises NoTokenError, TooOftenError, NotAllowed, or InvalidAnswer for words of the query.
        """
        person: Any = super().__call__(request)
        if person is None:
            raise NoTokenError
        rate = read_rate(settings.API_RATE)
        if rate is not None:
            pace.ask(person.api_token.pk, rate)
        held = person.api_token.scopes.split()
        if self.scope not in held:
            raise NotAllowed(
                f"This token has no scope {self.scope!r}; it has {', '.join(held)}."
            )
        request.user = person
        self._check_query(request)
        return person  # type: ignore[no-any-return]

    def authenticate(self, request: HttpRequest, token: str) -> Person | None:
        """The owner of the token, carrying it."""
        return person_with(token.strip())

    def _check_query(self, request: HttpRequest) -> None:
        known = {
            name
            for model in (self.operation.models if self.operation else ())
            if issubclass(model, QueryModel)
            for name in getattr(model, "__ninja_flatten_map__", model.model_fields)
        }
        errors = {
            f"query.{name}": f"known are {', '.join(sorted(known)) or 'none'}"
            for name in request.GET
            if name not in known
        }
        for name, texts in request.GET.lists():
            fault = next(filter(None, map(text_fault, texts)), "")
            if fault:
                errors.setdefault(f"query.{name}", fault)
        if errors:
            raise InvalidAnswer(errors)


class StrictParser(Parser):
    """Bodies as the forms of the pages are read: no doubled keys, NaN, NUL or half characters."""

    def parse_body(self, request: HttpRequest) -> Any:
        """The JSON of the body; raises JsonProblem with the place of the fault."""
        if request.content_type not in JSON_TYPES:
            raise JsonProblem("Content-Type", "send application/json")
        return strict_json.parse(request.body)


class Renderer(BaseRenderer):
    """ASCII only, so that whatever a workflow has stored can be sent."""

    media_type = "application/json"

    def render(self, request: HttpRequest, data: Any, *, response_status: int) -> str:
        """The text of an answer."""
        return json.dumps(data, cls=NinjaJSONEncoder, allow_nan=False)


class Described(NinjaAPI):
    """The API, with its description for programs at `openapi.json`."""

    def __init__(self) -> None:
        super().__init__(
            title="durableweb",
            version="1",
            description="Workflows, their threads and runs, and the questions they ask.",
            docs_url=None,
            openapi_url=None,
            urls_namespace="workflows_api",
            parser=StrictParser(),
            renderer=Renderer(),
        )


def operation(
    router: Router, method: str, path: str, scope: str, **how: Any
) -> Callable[[View], View]:
    """Makes a function an operation of the API, for tokens of this scope.

    `how` is what django-ninja's routers take besides.
    """

    def made(view: View) -> View:
        door = Door(scope)
        contribute_operation_callback(view, lambda each: _let_in(door, each))
        return router.api_operation([method], path, auth=door, **how)(view)

    return made


def _let_in(door: Door, each: Operation) -> None:
    door.operation = each
    extra = each.openapi_extra or {}
    each.openapi_extra = {**extra, "x-scope": door.scope}


def person_of(request: HttpRequest) -> Person:
    """Who asks, carrying their token."""
    person: Any = request.user
    return person  # type: ignore[no-any-return]
