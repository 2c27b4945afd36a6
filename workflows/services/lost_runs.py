"""Runs that this process let go because the database did not answer (RA.15).

Their workers live, so a lost database is told apart from a crash: such a run goes back to the
queue without having used up one of its recoveries. Where the database answers again at once,
and has not been started anew meanwhile, only this run's connection was lost; then it may be the
run that does it, and it counts.

A disk that is full is nobody's fault either. But a run may want more room than there is, and it
begins its step again each time: so it comes back later and later, up to a minute.
"""

from __future__ import annotations

import logging
from datetime import timedelta

from django.db import transaction

from workflows.models import Run
from workflows.services.lines import move_up
from workflows.services.queueing import hold_thread, wake
from workflows.services.writable import last_refusal
from workflows.storage.claims import Claim
from workflows.storage.clock import database_now
from workflows.storage.connections import POSTGRESQL, connection_of, execute
from workflows.storage.events import append_events
from workflows.storage.leases import lease_seconds
from workflows.storage.outage import answers, outage, why_unwritable

log = logging.getLogger(__name__)

_RESTARTED = (
    "SELECT pg_postmaster_start_time() > started_at FROM workflows_run WHERE id = %s"
)

LONGEST_SECONDS = 60.0

_lost: dict[int, tuple[Claim, float]] = {}


def remember(claim: Claim, error: BaseException) -> None:
    """Note a run that could not be saved, if nobody can read, or write, the database now."""
    pause = 0.0
    if why_unwritable(error):
        last_refusal.note(error)
        pause = min(lease_seconds() * (claim.fence - 1), LONGEST_SECONDS)
    elif not was_away(claim):
        return
    outage.note()
    _lost[claim.run_id] = (claim, pause)


def was_away(claim: Claim) -> bool:
    """Whether the database does not answer now, or has been started again since the claim."""
    if not answers(claim.using):
        return True
    wrapper = connection_of(claim.using)
    if wrapper.vendor != POSTGRESQL:
        return False
    restarted = execute(wrapper, _RESTARTED, (claim.run_id,)).fetchone()
    return bool(restarted and restarted[0])


def give_back() -> int:
    """Put the runs that were let go back into the queue; returns how many.

    Raises what the database raises while it is away; nothing is forgotten then.
    """
    given = 0
    for claim, pause in list(_lost.values()):
        due_at = database_now(claim.using) + timedelta(seconds=pause)
        later = {"due_at": due_at} if pause else {}
        with transaction.atomic(using=claim.using):
            hold_thread(claim.thread_id)
            changed = Run.objects.filter(
                pk=claim.run_id, fence=claim.fence, status=Run.Status.RUNNING
            ).update(status=Run.Status.PENDING, owner="", lease_until=None, **later)
            if changed:
                told = {
                    "run": claim.run_id,
                    "kind": claim.kind,
                    "status": Run.Status.PENDING.value,
                    "reason": "database_away",
                }
                append_events(
                    claim.using, claim.thread_id, claim.run_id, [("run", told)]
                )
                wake(claim.run_id, due_at if pause else None)
                move_up(claim.line)
                given += 1
        _lost.pop(claim.run_id, None)
        log.info("run %s goes on: the database is back", claim.run_id)
    return given
