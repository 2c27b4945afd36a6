"""Edit the state of threads: what an edit would do, and the edit itself."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from ninja import Router

from workflows.api.bodies import EditBody, PreviewBody, StateBody
from workflows.api.door import operation, person_of
from workflows.api.results import Effect, StateEdited, below
from workflows.api.shapes import ThreadId
from workflows.services.access import EDIT
from workflows.services.action import InvalidAnswer
from workflows.services.edit_state import EditState
from workflows.services.preview_edit import PreviewEdit
from workflows.services.state_to_edit import StateToEdit, state_to_edit
from workflows.services.typed_state import values_of

router = Router(tags=["Threads"])


@operation(
    router,
    "POST",
    "/threads/{thread_id}/state",
    EDIT,
    response=StateEdited,
    summary="Edit a thread's state",
)
def edit(request: HttpRequest, thread_id: ThreadId, body: StateBody) -> StateEdited:
    """Writes new values to channels that the workflow opens for editing, on the checkpoint that was read.

    Where the state has moved on since it is refused (409 `stale_checkpoint`, with the newest as `head`). Open questions are
    asked again on the new state.
    """
    person = person_of(request)
    state = _state(request, thread_id, body)
    try:
        checkpoint = EditState(
            person,
            thread_id,
            values_of(state, body.values, body.checkpoint),
            body.checkpoint,
            body.reason,
            body.updates,
            body.question or 0,
        ).execute()
    except InvalidAnswer as refusal:
        raise placed(refusal, body, body.reason) from refusal
    numbers = [each.number for each in state.questions]
    return StateEdited(checkpoint=checkpoint, questions=numbers)


@operation(
    router,
    "POST",
    "/threads/{thread_id}/state/preview",
    EDIT,
    response=Effect,
    summary="Preview an edit",
)
def preview(request: HttpRequest, thread_id: ThreadId, body: PreviewBody) -> Any:
    """What an edit would change and what would follow from it. Nothing is written."""
    state = _state(request, thread_id, body)
    try:
        return PreviewEdit(
            person_of(request),
            thread_id,
            values_of(state, body.values, body.checkpoint),
            body.updates,
            body.question or 0,
        ).execute()
    except InvalidAnswer as refusal:
        raise placed(refusal, body, None) from refusal


def _state(request: HttpRequest, thread_id: str, body: EditBody) -> StateToEdit:
    """The state as it is, with the channels whole that the body names."""
    state = state_to_edit(
        person_of(request), thread_id, body.question or 0, frozenset(body.values)
    )
    check_apart(body.values, body.updates)
    return state


def check_apart(values: dict[str, Any], updates: dict[str, Any]) -> None:
    """Raise InvalidAnswer where a channel is both replaced and updated."""
    both = sorted(values.keys() & updates.keys())
    if both:
        text = "change the value or send an update, not both"
        raise InvalidAnswer({below("updates", name): text for name in both})


def placed(refusal: InvalidAnswer, body: EditBody, reason: str | None) -> InvalidAnswer:
    """The refusal with the places of this body."""
    found: dict[str, str] = {}
    for path, text in refusal.errors.items():
        channel = path.partition(".")[0]
        if channel in body.updates:
            found[below("updates", path)] = text
        elif channel in body.values:
            found[below("values", path)] = text
        elif path == "reason" and reason is not None:
            found["reason"] = text
        else:
            found[below("values", path)] = text
    return InvalidAnswer(found)
