"""Take up what nobody works on: runs whose worker is gone, runs nobody was woken for."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.db.models.functions import Now

from workflows.models import Run
from workflows.services.queueing import wake
from workflows.storage.claims import due_runs, release_dead_leases

# A younger run has most likely a delivery on its way.
OVERDUE_SECONDS = 5.0


def recover_runs() -> int:
    """Release dead claims and wake workers for overdue runs; returns how many were woken."""
    released = release_dead_leases()
    overdue = Run.objects.filter(
        pk__in=due_runs(), due_at__lt=Now() - timedelta(seconds=OVERDUE_SECONDS)
    ).values_list("pk", flat=True)
    woken = {*released, *overdue}
    with transaction.atomic():
        for run_id in sorted(woken):
            wake(run_id)
    return len(woken)
