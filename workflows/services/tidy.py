"""What every site forgets by itself, now and then: each part on its own."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta

from django.conf import settings

from workflows.services.ends import forget_children
from workflows.services.forget_expired import forget_expired
from workflows.services.outbound.links import forget_links, revoke_lost
from workflows.services.outbound.outbox import forget_deliveries
from workflows.services.retention import apply_retention
from workflows.services.schedules.forgetting import forget_ticks
from workflows.services.send_update import tidy_updates
from workflows.services.signals import tidy_signals
from workflows.services.tokens import forget_tokens
from workflows.services.workers import forget_workers
from workflows.storage.clock import machine_now

log = logging.getLogger(__name__)


def tidy() -> None:
    """Forget what threads, store, cache and outbox need no more, and workers that are gone; a part that fails stops no other.

    Called by every worker about once an hour.
    """
    parts: tuple[Callable[[], object], ...] = (
        apply_retention,
        forget_expired,
        revoke_lost,
        forget_outbound,
        tidy_signals,
        tidy_updates,
        forget_children,
        forget_ticks,
        forget_tokens,
        forget_workers,
    )
    for part in parts:
        try:
            part()
        except Exception:
            log.exception("%s failed; trying again in an hour", part.__name__)


def forget_outbound() -> int:
    """Forget what was sent and links that expired, after OUTBOX_KEEP_DAYS; how many rows."""
    if not settings.OUTBOX_KEEP_DAYS:
        return 0
    before = machine_now() - timedelta(days=settings.OUTBOX_KEEP_DAYS)
    return forget_deliveries(before) + forget_links(before)
