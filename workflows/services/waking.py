"""What a run that wakes gives to the engine: which sleeps are over, which signals and events came, which children ended (RB.1 to RB.3, RB.5).

It asks the thread itself what waits there, and sets anew what its row says of that: an instant or a topic that an
edit has outdated does no harm, and a run that is cancelled before it begins has taken nothing away.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.db import transaction

from workflows.engine import serde
from workflows.engine.types import Command
from workflows.engine.waits import TIME_IS_UP, EventWait, Wait
from workflows.models import Run, Signal, Thread
from workflows.services.ends import ending_of
from workflows.services.queueing import hold_thread
from workflows.services.sleepers import EARLY
from workflows.storage.arrivals import set_awaited
from workflows.storage.awaited import may_wait
from workflows.storage.claims import Claim
from workflows.storage.clock import database_now
from workflows.storage.emitted import event_for
from workflows.storage.sealing import RUN, SIGNAL, seal, unseal


def woken_by(claim: Claim, graph: Any) -> Command[Any] | None:
    """What a run that wakes gives to `graph`, whose saver is the claim's; None where nothing is to be woken.

    It is kept on the run's row before: whoever takes the run over gives the same.
    """
    kept = (
        serde.loads(unseal(claim.payload, claim.thread_id, RUN))
        if claim.payload
        else {}
    )
    if "woken" in kept:
        return _command(kept)
    state = graph.get_state({"configurable": {"thread_id": claim.thread_id}})
    sleeps = [each for task in state.tasks for each in task.sleeps]
    waits = [each for task in state.tasks for each in task.waits]
    ended = _ends_for(claim, waits)
    now = database_now(claim.using)
    with transaction.atomic(using=claim.using):
        hold_thread(claim.thread_id)  # a signal that comes from now on finds us waiting
        woken: dict[str, Any] = {}
        for sleep in sleeps:
            if sleep.until <= now:
                woken[sleep.id] = True
            elif kept == EARLY:
                woken[sleep.id] = False
        woken |= _signals_for(claim, waits) | _events_for(claim, waits)
        woken |= ended
        up = [
            each.id
            for each in waits
            if each.id not in woken
            and each.until is not None
            and (each.until <= now or kept == EARLY)
        ]
        over = {*woken, *up}
        _wait_on(claim, [each for each in (*sleeps, *waits) if each.id not in over])
        found = {"woken": woken, "time_is_up": up} if over else {}
        text = seal(serde.dumps(found), claim.thread_id, RUN) if found else ""
        Run.objects.using(claim.using).filter(
            pk=claim.run_id, fence=claim.fence
        ).update(payload=text)
    return _command(found) if found else None


def note_what_waits(claim: Claim, graph: Any) -> None:
    """Set anew what the thread waits for, where something is known that may have been withdrawn.

    Of a `first_of` that is over the others wait no more (RB.4), nor does anything that new work has taken the place of.
    """
    if not may_wait(claim.using, claim.thread_id):
        return
    state = graph.get_state({"configurable": {"thread_id": claim.thread_id}})
    left = [each for task in state.tasks for each in (*task.sleeps, *task.waits)]
    with transaction.atomic(using=claim.using):
        hold_thread(claim.thread_id)
        _wait_on(claim, left)


def _command(kept: dict[str, Any]) -> Command[Any]:
    up = dict.fromkeys(kept.get("time_is_up", ()), TIME_IS_UP)
    return Command(resume={**kept["woken"], **up})


def _signals_for(claim: Claim, waits: Sequence[Wait]) -> dict[str, Any]:
    """The payloads of the signals that these waits get, by the ids of the waits: the oldest first, each once.

    Which wait each is for is noted on its row, so that it counts as handed over when the answer is saved.
    """
    found: dict[str, Any] = {}
    mailbox = Signal.objects.using(claim.using).filter(
        thread_id=claim.thread_id, handed=False
    )
    mailbox.exclude(taken_for="").update(taken_for="")
    for topic, alike in _by_topic(waits).items():
        oldest = mailbox.filter(topic=topic).order_by("id")[: len(alike)]
        for wait, signal in zip(alike, oldest, strict=False):
            text = unseal(signal.payload, claim.thread_id, SIGNAL)
            found[wait.id] = serde.loads(text)
            signal.taken_for = wait.id
            signal.save(update_fields=["taken_for"])
    return found


def _events_for(claim: Claim, waits: Sequence[Wait]) -> dict[str, Any]:
    """The events that these waits get, by the ids of the waits."""
    asked = [each for each in waits if isinstance(each, EventWait)]
    found = {each.id: event_for(claim.using, each) for each in asked}
    return {wait_id: event for wait_id, event in found.items() if event is not None}


def _ends_for(claim: Claim, waits: Sequence[Wait]) -> dict[str, Any]:
    """How the threads have ended that are waited for, by the ids of the waits.

    It stays so: one that ends while we look is found when the run has ended.
    """
    asked = [each for each in waits if each.kind == "child"]
    found = {each.id: ending_of(claim.using, each.topic) for each in asked}
    return {wait_id: ending for wait_id, ending in found.items() if ending is not None}


def _by_topic(waits: Iterable[Wait]) -> dict[str, list[Wait]]:
    found: dict[str, list[Wait]] = {}
    for each in waits:
        if each.kind == "signal":
            found.setdefault(each.topic, []).append(each)
    return found


def _wait_on(claim: Claim, left: Sequence[Wait]) -> None:
    """Write on the thread's row and beside it what is waited for still."""
    ends = [each.until for each in left if each.until is not None]
    Thread.objects.using(claim.using).filter(pk=claim.thread_id).update(
        wake_at=min(ends, default=None)
    )
    set_awaited(claim.using, claim.thread_id, [each for each in left if each.kind])
