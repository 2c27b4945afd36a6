"""One round of sending: what is due in the outbox, by mail and to webhooks."""

from __future__ import annotations

import logging
from collections.abc import Callable

from workflows.models import Delivery
from workflows.services.outbound import calling, mailing, outbox

log = logging.getLogger(__name__)


def deliver_due(limit: int = outbox.AT_ONCE) -> int:
    """Send what is due, each by one sender only; returns how many rows were taken.

    Called again and again by every worker, in a thread of its own: a slow receiver holds up
    neither runs nor the sweep.
    """
    return _mails(limit) + _calls(limit)


def _mails(limit: int) -> int:
    def send(row: Delivery) -> bool:
        return mailing.deliver(row)

    return _round(Delivery.Channel.MAIL, limit, send)


def _calls(limit: int) -> int:
    def send(row: Delivery) -> bool:
        calling.deliver(row)
        return True

    return _round(Delivery.Channel.WEBHOOK, limit, send)


def _round(channel: str, limit: int, send: Callable[[Delivery], bool]) -> int:
    """Take and send up to `limit` rows, one after the other, until `send` says stop.

    The row is looked for anew each time: a webhook that has just failed pauses, and its
    other calls are not due any more.
    """
    tried: set[int] = set()
    taken = 0
    while len(tried) < limit:
        row = outbox.due(channel, tried).first()
        if row is None:
            break
        tried.add(row.pk)
        if not outbox.take(row):
            continue
        taken += 1
        try:
            goes_on = send(row)
        except Exception as error:
            log.exception("delivery %s could not be sent", row.pk)
            outbox.failed(row, f"{type(error).__name__} here: see the log")
            continue
        if not goes_on:
            break
    return taken
