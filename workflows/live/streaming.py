"""The door of event streams: who is let in, and from which event on."""

from __future__ import annotations

from urllib.parse import unquote

from django.contrib.auth.decorators import login_not_required
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.views.decorators.csrf import csrf_exempt

from workflows.live.event_stream import EventStream, NoTokenError, let_in
from workflows.live.open_streams import (
    MOST_OF_A_PERSON,
    MOST_OF_A_TOKEN,
    open_streams,
)
from workflows.services.action import InvalidAnswer, NotAllowed, Refused
from workflows.services.problems import problem
from workflows.services.statuses import status_of
from workflows.services.tokens import HOW_TO_COME

AFTER, LAST = "after", "Last-Event-ID"


@csrf_exempt
@login_not_required
def stream(request: HttpRequest, thread_id: str) -> HttpResponseBase:
    """The events of a thread after `Last-Event-ID` or `after`, and then as they happen."""
    if request.method != "GET":
        text = f"{request.method} is not for this address; GET is."
        return problem(405, "wrong_method", text, headers={"Allow": "GET"})
    try:
        return _open(request, unquote(thread_id))
    except NoTokenError:
        challenge = {"WWW-Authenticate": 'Bearer realm="durableweb"'}
        return problem(401, "unauthorized", HOW_TO_COME, headers=challenge)
    except InvalidAnswer as refusal:
        return problem(400, "invalid", str(refusal), errors=refusal.errors)
    except Refused as refusal:
        code = "not_allowed" if isinstance(refusal, NotAllowed) else "not_found"
        return problem(status_of(refusal) or 400, code, str(refusal))


def _open(request: HttpRequest, thread_id: str) -> HttpResponseBase:
    token = _token(request)
    person, thread = let_in(token, thread_id)
    place, after = _after(request)
    if after > thread.seq:
        text = f"the thread has {thread.seq} events; it may have begun anew since"
        raise InvalidAnswer({place: text})
    if not isinstance(request, ASGIRequest):
        return problem(501, "no_streams", "This server answers without streams.")
    body = EventStream(token, person, thread, after)
    if not body.has_place():
        if open_streams.is_ending:
            text = "The server stops; come back in a moment."
            return problem(503, "stopping", text, headers={"Retry-After": "2"})
        text = (
            f"A token has at most {MOST_OF_A_TOKEN} streams open, and its owner "
            f"{MOST_OF_A_PERSON}; close one first."
        )
        return problem(429, "too_many_streams", text)
    return StreamingHttpResponse(
        body,
        content_type="text/event-stream",
        headers={"Cache-Control": "private, no-cache", "X-Accel-Buffering": "no"},
    )


def _token(request: HttpRequest) -> str:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _after(request: HttpRequest) -> tuple[str, int]:
    """The last event that is known, and where that was said; a client that comes back says it in the header."""
    unknown = [name for name in request.GET if name != AFTER]
    if unknown:
        raise InvalidAnswer({f"query.{name}": f"known is {AFTER}" for name in unknown})
    asked = (
        (LAST, request.headers.get(LAST, "")),
        (f"query.{AFTER}", request.GET.get(AFTER, "")),
    )
    for place, text in asked:
        if text and not (text.isascii() and text.isdigit() and len(text) < 19):
            raise InvalidAnswer({place: "the number of an event"})
    return next(((place, int(text)) for place, text in asked if text), ("", 0))
