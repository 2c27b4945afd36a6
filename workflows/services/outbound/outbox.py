"""The outbox: rows that wait to be sent, taken by one sender at a time, tried again later.

A row is written in the transaction of what it tells, so it is there if and only if that is. A
sender takes it by moving `next_at` ahead in a conditional update, sends without a transaction
open, and notes how that went. Who dies in between leaves a row that comes due again: what is
sent is sent at least once, always under the same `message_id`.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from django.db.models import F, Q, QuerySet

from workflows.models import Delivery
from workflows.services.one_line import one_line
from workflows.storage.clock import database_now

# Seconds before the second try, the third and so on; after the last one it is given up.
BACKOFF = (5, 60, 300, 1_800, 7_200, 18_000, 36_000)
MOST_ATTEMPTS = len(BACKOFF) + 1
# Longer than any sending takes.
TAKEN_SECONDS = 60
AT_ONCE = 50


def due(channel: str, skip: Collection[int] = ()) -> QuerySet[Delivery]:
    """What is to be sent now by that channel, oldest first; nothing to webhooks that pause."""
    now = database_now()
    rows = Delivery.objects.filter(
        channel=channel, status=Delivery.Status.PENDING, next_at__lte=now
    ).exclude(pk__in=skip)
    if channel == Delivery.Channel.WEBHOOK:
        awake = Q(webhook__paused_until=None) | Q(webhook__paused_until__lte=now)
        rows = rows.filter(awake)
    return rows.order_by("next_at", "id")


def take(row: Delivery) -> bool:
    """Take a due row for one try; False where another sender has it."""
    until = database_now() + timedelta(seconds=TAKEN_SECONDS)
    taken = Delivery.objects.filter(
        pk=row.pk, status=Delivery.Status.PENDING, next_at=row.next_at
    ).update(next_at=until, attempts=F("attempts") + 1)
    if taken:
        row.next_at = until
        row.attempts += 1
    return bool(taken)


def postpone(row: Delivery, seconds: int) -> None:
    """Come back later to a row that was taken; that was no try."""
    _held(row).update(
        next_at=database_now() + timedelta(seconds=seconds), attempts=F("attempts") - 1
    )


def sent(row: Delivery, status: int | None = None) -> None:
    """It has arrived, with that HTTP status if there is one."""
    _end(row, Delivery.Status.SENT, status, "")


def dropped(row: Delivery, why: str) -> None:
    """There is no reason left to send it."""
    _end(row, Delivery.Status.DROPPED, None, why)


def failed(row: Delivery, why: str, status: int | None = None) -> bool:
    """It did not arrive: try again later, or give up. Returns whether it was given up."""
    if row.attempts >= MOST_ATTEMPTS:
        _end(row, Delivery.Status.DEAD, status, why)
        return True
    _held(row).update(
        next_at=database_now() + backoff(row.attempts),
        last_status=status,
        last_error=one_line(why),
    )
    return False


def backoff(attempts: int) -> timedelta:
    """How long to wait after so many tries that failed."""
    return timedelta(seconds=BACKOFF[min(max(attempts, 1), len(BACKOFF)) - 1])


def forget_deliveries(before: datetime) -> int:
    """Remove what ended before that moment; returns how many rows went."""
    ended = Delivery.objects.filter(ended_at__lt=before).exclude(
        status=Delivery.Status.PENDING
    )
    return ended.delete()[0]


def _end(row: Delivery, status: str, http_status: int | None, why: str) -> None:
    _held(row).update(
        status=status,
        last_status=http_status,
        last_error=one_line(why),
        ended_at=database_now(),
    )


def _held(row: Delivery) -> QuerySet[Delivery]:
    """The row, unless somebody else has taken it since."""
    return Delivery.objects.filter(
        pk=row.pk, status=Delivery.Status.PENDING, next_at=row.next_at
    )
