"""What has happened on a thread, in order."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from django.http import HttpRequest, HttpResponse
from ninja import Header, Query, Router, Schema
from pydantic import Field

from workflows.api.door import operation, person_of
from workflows.api.shapes import ThreadId, Tree
from workflows.services.access import LARGEST_NUMBER, READ, find_thread
from workflows.services.problems import problem
from workflows.services.thread_history import events_after

router = Router(tags=["Threads"])


class EventFilter(Schema):
    """From where on."""

    after: int = Field(
        0,
        ge=0,
        le=LARGEST_NUMBER,
        description="The number of the last event that is known already.",
    )
    limit: int = Field(200, ge=1, le=1_000)


class Event(Schema):
    """One thing that happened."""

    seq: int = Field(description="Its number on the thread, without gaps from 1.")
    kind: str = Field(description="step, task, run, interrupt, custom ...")
    data: Tree
    run: int | None = Field(description="The run that caused it.")
    at: datetime


class Events(Schema):
    """The events after a number, oldest first."""

    items: list[Event]
    next_after: int = Field(description="The `after` to ask with next.")


@operation(
    router,
    "GET",
    "/threads/{thread_id}/events",
    READ,
    response=Events,
    summary="List the events of a thread",
)
def events(
    request: HttpRequest, thread_id: ThreadId, wanted: Query[EventFilter]
) -> dict[str, Any]:
    """What has happened on the thread after an event, the oldest first. They never change."""
    thread = find_thread(person_of(request), thread_id)
    found = events_after(thread.pk, wanted.after, wanted.limit)
    return {
        "items": found,
        "next_after": found[-1].seq if found else wanted.after,
    }


STREAM = {
    200: {
        "description": "Each event with its number as `id`, its kind as `event`, and as "
        "`data` the same JSON as in the list.",
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
    }
}


@operation(
    router,
    "GET",
    "/threads/{thread_id}/events/stream",
    READ,
    summary="Follow the events of a thread",
    openapi_extra={"responses": STREAM},
)
def follow(
    request: HttpRequest,
    thread_id: ThreadId,
    after: Annotated[int, Query(0, ge=0, le=LARGEST_NUMBER)],
    last_event_id: Annotated[
        int | None, Header(None, alias="Last-Event-ID", ge=0, le=LARGEST_NUMBER)
    ],
) -> HttpResponse:
    """What has happened on the thread after an event, and then what happens, as server-sent events.

    Who comes back sends the `id` of the last event in `Last-Event-ID` and misses nothing. A
    comment comes every 15 seconds, and the stream ends soon after the token ends or loses its
    right. A token has at most 20 streams open in a process of the server.
    """
    # `workflows.live.urls` stands above this address wherever there are streams.
    find_thread(person_of(request), thread_id)
    text = "This site tells no streams: it has to include workflows.live.urls above the API."
    return problem(501, "no_streams", text)
