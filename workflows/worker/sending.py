"""The thread of a worker that sends what is in the outbox; it decides nothing."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from django.db import connections

from workflows.services.outbound.delivering import deliver_due
from workflows.storage.outage import is_away
from workflows.worker.failing import one_line

log = logging.getLogger(__name__)

PAUSE_SECONDS = 1.0


def send_until(
    stopping: threading.Event,
    *,
    pause: float = PAUSE_SECONDS,
    deliver: Callable[[], object] = deliver_due,
) -> None:
    """Send what is due, again and again, until `stopping` is set."""
    said = False
    try:
        while not stopping.wait(pause):
            try:
                deliver()
                said = False
            except Exception as error:
                if not is_away(error):
                    log.exception("sending from the outbox failed; trying again")
                elif not said:
                    said = True  # once in an outage, not every second of it
                    log.warning("nothing can be sent: %s", one_line(error))
                connections.close_all()
    finally:
        connections.close_all()
