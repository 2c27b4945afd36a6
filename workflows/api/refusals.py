"""From what the services refuse to the answer a program gets: a status, a word, a sentence."""

from __future__ import annotations

from math import ceil
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError

from workflows.api.door import NoTokenError
from workflows.api.pace import TooOftenError
from workflows.services.action import (
    AlreadyDecided,
    Duplicate,
    InvalidAnswer,
    KeyReused,
    NotAllowed,
    NotPending,
    NotVisible,
    OtherInput,
    Refused,
    StaleCheckpoint,
    StaleQuestion,
    ThreadBusy,
    Unreadable,
    UpdateNotDone,
)
from workflows.services.desk.deciding import ClaimedByOther
from workflows.services.desk.undo_decision import TooLate
from workflows.services.desk.votes import AlreadyVoted, VotesDiffer
from workflows.services.problems import problem
from workflows.services.statuses import status_of
from workflows.services.strict_json import JsonProblem
from workflows.services.tokens import HOW_TO_COME

# The narrower kinds stand first.
CODES: tuple[tuple[type[Exception], str], ...] = (
    (NotVisible, "not_found"),
    (NotAllowed, "not_allowed"),
    (AlreadyVoted, "already_voted"),
    (AlreadyDecided, "already_decided"),
    (ClaimedByOther, "claimed"),
    (VotesDiffer, "votes_differ"),
    (TooLate, "too_late"),
    (StaleQuestion, "stale_question"),
    (NotPending, "not_pending"),
    (StaleCheckpoint, "stale_checkpoint"),
    (Duplicate, "duplicate_run"),
    (ThreadBusy, "thread_busy"),
    (OtherInput, "other_input"),
    (KeyReused, "key_reused"),
    (InvalidAnswer, "invalid"),
    (JsonProblem, "invalid_json"),
    (Unreadable, "unreadable"),
    (Refused, "refused"),
)
# What a refusal knows beside its sentence.
_MORE = ("who", "when", "kind", "reason", "head", "thread_id")


def refuse(request: HttpRequest, error: Exception) -> HttpResponse:
    """A refusal of the services."""
    status = status_of(error)
    if status is None:
        raise error
    code = next(word for kind, word in CODES if isinstance(error, kind))
    if isinstance(error, UpdateNotDone):
        code = error.code
    more: dict[str, Any] = {name: getattr(error, name, None) for name in _MORE}
    if isinstance(error, InvalidAnswer | UpdateNotDone):
        more["errors"] = error.errors
    if isinstance(error, JsonProblem):
        more["errors"] = {error.place: error.text}
    return problem(status, code, str(error), **more)


def no_token(request: HttpRequest, error: Exception) -> HttpResponse:
    """Somebody whom nobody knows; alike for no token and for one that works no more."""
    return problem(
        401,
        "unauthorized",
        HOW_TO_COME,
        headers={"WWW-Authenticate": 'Bearer realm="durableweb"'},
    )


def too_often(request: HttpRequest, error: Any) -> HttpResponse:
    """A token that asks more often than it may; when it may ask again."""
    seconds = max(1, ceil(error.seconds))
    return problem(
        429,
        "too_many",
        f"This token asks more often than {settings.API_RATE}; ask again in {seconds} s.",
        headers={"Retry-After": str(seconds)},
    )


def not_found(request: HttpRequest, error: Exception) -> HttpResponse:
    """An address that is none."""
    return problem(404, "not_found", f"There is nothing at {request.path}.")


def unread(request: HttpRequest, error: Any) -> HttpResponse:
    """A body that is no JSON, or one that is no body of this operation."""
    cause = error.__cause__
    if cause is None or status_of(cause) is None:
        return problem(error.status_code, "invalid", str(error))
    return refuse(request, cause)


def misshapen(request: HttpRequest, error: Any) -> HttpResponse:
    """Words or values that are not those of the operation: each with its place."""
    errors = {_place(each["loc"]): each["msg"] for each in error.errors}
    return refuse(request, InvalidAnswer(errors))


def _place(path: tuple[Any, ...]) -> str:
    """Where it is: `query.limit`, or in the body `input.amount`."""
    where, *rest = map(str, path)
    # In the body the next word is the name of a parameter of ours, which nobody sends.
    words = rest[1:] if where == "body" else [where, *rest]
    return ".".join(words) or "body"


def answer_refusals(api: NinjaAPI) -> None:
    """Have the API answer in these words."""
    handlers: tuple[tuple[Any, Any], ...] = (
        (Refused, refuse),
        (JsonProblem, refuse),
        (NoTokenError, no_token),
        (TooOftenError, too_often),
        (Http404, not_found),
        (HttpError, unread),
        (ValidationError, misshapen),
        (Exception, _raise),
    )
    for kind, answer in handlers:
        api.add_exception_handler(kind, answer)


def _raise(request: HttpRequest, error: Exception) -> HttpResponse:
    """What is our own fault, or the database's, is answered where that of a page is."""
    raise error
