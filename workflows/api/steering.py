"""What is done about threads and runs that there are: go on, wake, tell, fork, cancel."""

from __future__ import annotations

from dataclasses import replace

from django.http import HttpRequest
from ninja import Router, Status

from workflows.api.bodies import CancelBody, ContinueBody, ForkBody, NoBody, SignalBody
from workflows.api.door import operation, person_of
from workflows.api.results import Forked, RunMade, SignalSent, below, run_made
from workflows.api.shapes import ThreadId
from workflows.services.access import RUN
from workflows.services.action import InvalidAnswer
from workflows.services.cancel_run import CancelRun
from workflows.services.continue_run import ContinueRun
from workflows.services.fork_thread import ForkThread
from workflows.services.signals import SendSignal
from workflows.services.sleepers import WakeThread
from workflows.services.state_to_edit import state_to_edit
from workflows.services.typed_state import values_of

router = Router(tags=["Threads"])


@operation(
    router,
    "POST",
    "/threads/{thread_id}/continue",
    RUN,
    response={201: RunMade},
    summary="Continue a thread",
)
def go_on(
    request: HttpRequest,
    thread_id: ThreadId,
    body: ContinueBody = ContinueBody(),  # noqa: B008 - nobody changes it
) -> Status[RunMade]:
    """Goes on with a thread whose last run failed, was cancelled or stopped at a breakpoint; finished steps are not repeated.

    Where there is nothing to go on with it is refused (409).
    """
    run = ContinueRun(person_of(request), thread_id, body.if_busy).execute()
    return Status(201, run_made(run))


@operation(
    router,
    "POST",
    "/threads/{thread_id}/wake",
    RUN,
    response={201: RunMade},
    summary="Wake a thread",
)
def wake(
    request: HttpRequest,
    thread_id: ThreadId,
    body: NoBody = NoBody(),  # noqa: B008
) -> Status[RunMade]:
    """Ends all waits of a thread that have an end, before it has come. Where nothing sleeps it is refused (409)."""
    return Status(201, run_made(WakeThread(person_of(request), thread_id).execute()))


@operation(
    router,
    "POST",
    "/threads/{thread_id}/signals",
    RUN,
    response={201: SignalSent, 200: SignalSent},
    summary="Send a signal",
)
def send_signal(
    request: HttpRequest, thread_id: ThreadId, body: SignalBody
) -> Status[SignalSent]:
    """Sends a thread a signal, for the task that waits for its topic now or later. The answer is 201.

    Of those with one `key` on a topic of a thread only the first is kept; the others are answered with 200.
    """
    is_new = SendSignal(
        person_of(request), thread_id, body.topic, body.payload, key=body.key
    ).execute()
    return Status(201 if is_new else 200, SignalSent(is_new=is_new))


@operation(
    router,
    "POST",
    "/threads/{thread_id}/fork",
    RUN,
    response={201: Forked},
    summary="Fork a thread",
)
def fork(request: HttpRequest, thread_id: ThreadId, body: ForkBody) -> Status[Forked]:
    """Begins a new thread with the history up to a step of this one; what was due after it runs anew there.

    The other thread stays as it is. With `values` the new one goes on from an edited state.
    """
    person = person_of(request)
    action = ForkThread(person, thread_id, body.checkpoint)
    if body.values:
        action.check()
        names = frozenset(body.values)
        state = state_to_edit(person, thread_id, whole=names, at=body.checkpoint)
        try:
            values = values_of(state, body.values, body.checkpoint)
            made = replace(action, values=values, reason=body.reason).execute()
        except InvalidAnswer as refusal:
            raise _placed(refusal, body) from refusal
    else:
        made = action.execute()
    return Status(201, Forked(thread_id=made.thread_id, run=made.run_id))


def _placed(refusal: InvalidAnswer, body: ForkBody) -> InvalidAnswer:
    """The refusal with the places of this body."""
    own = {"reason"} - body.values.keys()
    errors = refusal.errors
    return InvalidAnswer(
        {
            path if path in own else below("values", path): errors[path]
            for path in errors
        }
    )


@operation(
    router,
    "POST",
    "/runs/{run_id}/cancel",
    RUN,
    response=RunMade,
    summary="Cancel a run",
    tags=["Runs"],
)
def cancel(
    request: HttpRequest,
    run_id: int,
    body: CancelBody = CancelBody(),  # noqa: B008
) -> RunMade:
    """Ends a run: what waits at once, what is at work after its step or, with mode now, as soon as it can be.

    Until then the answer says `cancel_requested`. One that has ended is refused (409).
    """
    action = CancelRun(person_of(request), run_id, body.reason.strip(), body.mode)
    return run_made(action.execute())
