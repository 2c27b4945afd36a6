"""Start workflows."""

from __future__ import annotations

from django.http import HttpRequest
from ninja import Router, Status

from workflows.api.bodies import Key, StartBody
from workflows.api.door import operation, person_of
from workflows.api.results import (
    RunMade,
    below,
    check_idempotency_key,
    run_made,
)
from workflows.api.shapes import WorkflowName
from workflows.models import Run
from workflows.services.access import RUN, Rights
from workflows.services.action import InvalidAnswer, KeyReused
from workflows.services.in_line import queues_seen
from workflows.services.schema_check import schema_errors
from workflows.services.start_run import StartRun

router = Router(tags=["Workflows"])
_OWN = frozenset(StartBody.model_fields)


@operation(
    router,
    "POST",
    "/workflows/{name}/runs",
    RUN,
    response={201: RunMade, 200: RunMade},
    summary="Start a workflow",
)
def start(
    request: HttpRequest,
    name: WorkflowName,
    body: StartBody,
    idempotency_key: Key = None,
) -> Status[RunMade]:
    """Starts a workflow, on a thread of its own or on the one that is named. The answer is 201 with the run and its thread.

    Sent again with the same `Idempotency-Key` it starts nothing and gives the first run again, with 200; with another
    input it is refused (409 `other_input`).
    """
    check_idempotency_key(idempotency_key)
    person = person_of(request)
    if body.queue and body.queue not in queues_seen(Rights(person)):
        raise InvalidAnswer({"queue": f"you see no queue {body.queue!r}"})
    action = StartRun(
        person,
        name,
        body.input,
        idempotency_key=idempotency_key,
        **body.model_dump(exclude={"input"}),
    )
    run, is_new = _made(action)
    if not is_new and body.thread_id not in (None, run.thread_id):
        raise KeyReused(
            f"The idempotency key {idempotency_key!r} has started thread {run.thread_id} before."
        )
    return Status(201 if is_new else 200, run_made(run))


def _made(action: StartRun) -> tuple[Run, bool]:
    item = action.check()
    wrong = schema_errors(action.input, item.input_jsonschema() or {})
    if wrong:
        raise InvalidAnswer({below("input", path): wrong[path] for path in wrong})
    try:
        return action.started()
    except InvalidAnswer as refusal:
        raise InvalidAnswer(
            {
                path if path in _OWN else below("input", path): text
                for path, text in refusal.errors.items()
            }
        ) from refusal
