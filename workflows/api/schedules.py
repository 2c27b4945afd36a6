"""What operators do about schedules: start one now, pause it, let it go on."""

from __future__ import annotations

from django.http import HttpRequest
from ninja import Router, Status

from workflows.api.bodies import NoBody, TriggerBody
from workflows.api.door import operation, person_of
from workflows.api.results import Paused, Triggered
from workflows.api.shapes import ScheduleName
from workflows.services.access import RUN
from workflows.services.schedules.acting import PauseSchedule, ResumeSchedule
from workflows.services.schedules.trigger import TriggerSchedule

router = Router(tags=["Schedules"])


@operation(
    router,
    "POST",
    "/schedules/{name}/run",
    RUN,
    response={201: Triggered},
    summary="Run a schedule now",
)
def run(
    request: HttpRequest,
    name: ScheduleName,
    body: TriggerBody = TriggerBody(),  # noqa: B008 - nobody changes it
) -> Status[Triggered]:
    """Starts the workflow of a schedule now, with the input for this moment; its instants stay what they are.

    With a `key` that came before nothing is started, and what was started then is told.
    """
    tick = TriggerSchedule(person_of(request), name, key=body.key).execute()
    made = Triggered(
        schedule=name,
        status=tick.status,
        thread_id=tick.thread_id,
        run=tick.run_id,
        at=tick.at,
    )
    return Status(201, made)


@operation(
    router,
    "POST",
    "/schedules/{name}/pause",
    RUN,
    response=Paused,
    summary="Pause a schedule",
)
def pause(
    request: HttpRequest,
    name: ScheduleName,
    body: NoBody = NoBody(),  # noqa: B008
) -> Paused:
    """From now on the schedule starts nothing by the clock. What it has started goes on; a second call changes nothing."""
    PauseSchedule(person_of(request), name).execute()
    return Paused(schedule=name, is_paused=True)


@operation(
    router,
    "POST",
    "/schedules/{name}/resume",
    RUN,
    response=Paused,
    summary="Resume a schedule",
)
def resume(
    request: HttpRequest,
    name: ScheduleName,
    body: NoBody = NoBody(),  # noqa: B008
) -> Paused:
    """Lets a paused schedule go on with its next instant; those that came meanwhile are left out."""
    ResumeSchedule(person_of(request), name).execute()
    return Paused(schedule=name, is_paused=False)
