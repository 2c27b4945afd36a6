"""Events: told once, to all threads that wait for them (RB.3).

Telling writes one row, in the teller's transaction if there is one. The threads that wait are made due after the
commit, so that a task which begins to wait meanwhile either finds the event or is found.
"""

from __future__ import annotations

from typing import Any

from django.db import DEFAULT_DB_ALIAS, transaction

from workflows.engine.events import check_event_key
from workflows.engine.signals import check_topic
from workflows.models import Emitted
from workflows.services.action import InvalidAnswer
from workflows.services.afterwards import after_commit
from workflows.services.sleepers import make_due
from workflows.services.start_run import encode_input
from workflows.storage.clock import database_now
from workflows.storage.emitted import threads_not_told, threads_waiting_for
from workflows.storage.sealing import EVENT, seal


def emit(name: str, payload: Any = None, *, key: str = "") -> None:
    """Tell all threads that wait for it of an event: `wait_event(name, key=...)` returns there (RB.3).

    It is kept for SIGNALS_KEEP_DAYS, for who asks for events since a time that is past, and never changes. `payload`
    is anything a state may hold. Within a transaction it is told when that commits.

    Raises InvalidAnswer for a name, a key or a payload that cannot be kept.
    """
    for place, check, given in (
        ("name", check_topic, name),
        ("key", check_event_key, key),
    ):
        try:
            check(given, "emit()")
        except (TypeError, ValueError) as error:
            raise InvalidAnswer({place: str(error)}) from error
    text = seal(encode_input(payload), name, EVENT)
    with transaction.atomic():
        event = Emitted.objects.create(
            name=name, key=key, payload=text, emitted_at=database_now()
        )
        after_commit(tell, event)


def tell(event: Emitted) -> int:
    """Make the threads due that wait for an event; returns how many.

    The first of them get their run at once, the others by the sweep.
    """
    found = threads_waiting_for(DEFAULT_DB_ALIAS, event)
    make_due(found)
    return len(found)


def tell_again() -> int:
    """Make the threads due that were not told of an event, because its teller died at that moment; how many."""
    found = threads_not_told(DEFAULT_DB_ALIAS)
    make_due(found, with_runs=False)
    return len(found)
