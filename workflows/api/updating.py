"""Send updates to living threads, and have their answers."""

from __future__ import annotations

from django.http import HttpRequest
from ninja import Router

from workflows.api.bodies import UpdateBody
from workflows.api.door import operation, person_of
from workflows.api.results import UpdateDone, below
from workflows.api.shapes import ThreadId
from workflows.engine.update_errors import UpdateFailed, UpdateRefused, UpdateTimeout
from workflows.services.access import RUN, Rights, find_thread
from workflows.services.action import InvalidAnswer, NotVisible, UpdateNotDone
from workflows.services.schema_check import schema_errors
from workflows.services.send_update import SendUpdate
from workflows.services.thread_updates import offered, shown_result

router = Router(tags=["Threads"])


@operation(
    router,
    "POST",
    "/threads/{thread_id}/updates",
    RUN,
    response=UpdateDone,
    summary="Send an update",
)
def send_update(
    request: HttpRequest, thread_id: ThreadId, body: UpdateBody
) -> UpdateDone:
    """Has an update carried out that the workflow's author foresaw, and gives its result.

    A thread that waits takes it at once. One at work takes it between two steps; after `wait` seconds it is taken back
    (409 `update_timeout`), and nothing has changed. So it is where its handler refuses it (409 `update_refused`) or fails.
    """
    person = person_of(request)
    update = offered(person, thread_id).get(body.name)
    if update is None:
        raise NotVisible("update", body.name)
    wrong = schema_errors(body.arguments, update.schema)
    if wrong:
        raise InvalidAnswer({below("arguments", path): wrong[path] for path in wrong})
    sending = SendUpdate(
        person,
        thread_id,
        body.name,
        body.arguments,
        key=body.key,
        seconds=body.wait,
    )
    graph = find_thread(person, thread_id).graph
    shown = shown_result(graph, _result(sending), Rights(person))
    return UpdateDone(result=shown.tree, is_cut=shown.is_cut)


def _result(sending: SendUpdate) -> object:
    try:
        return sending.execute()
    except UpdateRefused as refusal:
        errors = {below("arguments", at): refusal.errors[at] for at in refusal.errors}
        text = refusal.reason
        raise UpdateNotDone(text, "update_refused", errors) from refusal
    except UpdateFailed as failure:
        text = f"{failure.error}. Nothing has changed."
        raise UpdateNotDone(text, "update_failed") from failure
    except UpdateTimeout as error:
        raise UpdateNotDone(str(error), "update_timeout") from error
