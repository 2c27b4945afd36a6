"""The operations of the API, each with the act of the table that it is.

To add one: one line in OPERATIONS. What is not listed fails `test_api.py`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.permissions.matrix import Door

Body = Mapping[str, Any]


@dataclass(frozen=True)
class Ask(Door):
    """One operation: the act, an address with the names of world.py, and what is sent.

    A text of `body` may name them too.
    """

    body: Body | None = None
    verb: str = ""

    @property
    def method(self) -> str:
        """POST where something is sent, else GET."""
        return self.verb or ("GET" if self.body is None else "POST")

    @property
    def unasked(self) -> int:
        """The status for whoever has no token."""
        return 401

    @property
    def names_a_thing(self) -> bool:
        """Whether what is asked for belongs to one workflow."""
        return "{" in self.path

    def filled(self, names: Mapping[str, str]) -> tuple[str, Any]:
        """The address and the body for one place."""
        path = self.path.format(**names)
        return path, None if self.body is None else json.dumps(_put(self.body, names))


def _put(value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, Mapping):
        return {key: _put(each, names) for key, each in value.items()}
    if isinstance(value, str) and value.startswith("{") and value.endswith("}"):
        found = names[value[1:-1]]
        return int(found) if found.isdigit() else found
    return value


SEEN = (200,)
MADE = (200, 201)
LATE = (409,)
DECIDE = {"kind": "approve", "version": "{version}", "round": 1}
EDIT = {"values": {"text": "new"}, "checkpoint": "x", "reason": "why"}
PREVIEW = {"values": {"text": "new"}, "checkpoint": "x"}

# What the description calls the operation -> what is asked.
OPERATIONS: Mapping[str, tuple[Ask, ...]] = {
    "GET /me": (Ask("own", "/me", ok=SEEN),),
    "GET /openapi.json": (Ask("own", "/openapi.json", ok=SEEN),),
    "GET /health": (Ask("own", "/health", ok=SEEN),),
    "GET /metrics": (Ask("own", "/metrics", ok=SEEN),),
    # What there is
    "GET /workflows": (Ask("own", "/workflows", ok=SEEN),),
    "GET /workflows/{name}": (Ask("see", "/workflows/{workflow}", ok=SEEN),),
    "GET /threads": (Ask("own", "/threads", ok=SEEN),),
    "GET /threads/{thread_id}": (Ask("see", "/threads/{thread}", ok=SEEN),),
    "GET /threads/{thread_id}/state": (Ask("see", "/threads/{thread}/state", ok=SEEN),),
    "GET /threads/{thread_id}/steps": (Ask("see", "/threads/{thread}/steps", ok=SEEN),),
    "GET /threads/{thread_id}/steps/{checkpoint}": (
        Ask("see", "/threads/{stepped}/steps/{step}", ok=SEEN),
    ),
    "GET /threads/{thread_id}/events": (
        Ask("see", "/threads/{thread}/events", ok=SEEN),
    ),
    # Let in, and told that this server, which is no server, has no streams.
    "GET /threads/{thread_id}/events/stream": (
        Ask("see", "/threads/{thread}/events/stream", ok=(501,)),
    ),
    "GET /runs": (Ask("own", "/runs", ok=SEEN),),
    "GET /runs/{run_id}": (Ask("see", "/runs/{run}", ok=SEEN),),
    "GET /questions": (Ask("own", "/questions", ok=SEEN),),
    "GET /questions/{number}": (Ask("see", "/questions/{question}", ok=SEEN),),
    "GET /decisions": (Ask("own", "/decisions", ok=SEEN),),
    "GET /decisions/{number}": (Ask("see", "/decisions/{decision}", ok=SEEN),),
    # Starting and steering
    "POST /workflows/{name}/runs": (
        Ask(
            "start",
            "/workflows/{workflow}/runs",
            body={"input": {"repository": "."}},
            ok=MADE,
        ),
    ),
    "POST /threads/{thread_id}/continue": (
        Ask("start", "/threads/{failed}/continue", body={}, ok=MADE),
    ),
    "POST /threads/{thread_id}/wake": (
        Ask("start", "/threads/{asleep}/wake", body={}, ok=MADE),
    ),
    "POST /threads/{thread_id}/signals": (
        Ask("start", "/threads/{thread}/signals", body={"topic": "paid"}, ok=MADE),
    ),
    # Its workflow has no updates, so one of any name is none.
    "POST /threads/{thread_id}/updates": (
        Ask("edit", "/threads/{thread}/updates", body={"name": "x"}, ok=(404,)),
    ),
    # Nothing is due after it, so nothing is forked.
    "POST /threads/{thread_id}/fork": (
        Ask("start", "/threads/{stepped}/fork", body={"checkpoint": "{step}"}, ok=LATE),
    ),
    "POST /runs/{run_id}/cancel": (
        Ask("cancel", "/runs/{run}/cancel", body={"reason": "why"}, ok=SEEN),
    ),
    "POST /schedules/{name}/run": (
        Ask("start", "/schedules/{schedule}/run", body={}, ok=MADE),
    ),
    "POST /schedules/{name}/pause": (
        Ask("start", "/schedules/{schedule}/pause", body={}, ok=SEEN),
    ),
    "POST /schedules/{name}/resume": (
        Ask("start", "/schedules/{schedule}/resume", body={}, ok=SEEN),
    ),
    # Let in, and told that the thread has no state to edit yet.
    "POST /threads/{thread_id}/state": (
        Ask("edit", "/threads/{thread}/state", body=EDIT, ok=LATE),
    ),
    "POST /threads/{thread_id}/state/preview": (
        Ask("edit", "/threads/{thread}/state/preview", body=PREVIEW, ok=LATE),
    ),
    # One question
    "POST /questions/{number}/decision": (
        Ask("decide", "/questions/{question}/decision", body=DECIDE, ok=SEEN),
    ),
    "POST /questions/{number}/claim": (
        Ask("decide", "/questions/{question}/claim", body={}, ok=SEEN),
    ),
    "POST /questions/{number}/release": (
        Ask("give back", "/questions/{question}/release", body={}, ok=SEEN),
    ),
    "POST /questions/{number}/comments": (
        Ask("comment", "/questions/{question}/comments", body={"text": "hm"}, ok=MADE),
    ),
    "POST /questions/{number}/arrange": (
        Ask("arrange", "/questions/{question}/arrange", body={"priority": 3}, ok=SEEN),
    ),
    "POST /decisions/{number}/undo": (
        Ask("take back", "/decisions/{decision}/undo", body={}, ok=SEEN),
    ),
}
