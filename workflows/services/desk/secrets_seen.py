"""Note in the audit who has read secret channels."""

from __future__ import annotations

from datetime import timedelta

from workflows.models import AuditEntry, Thread
from workflows.services import registry
from workflows.services.access import Rights, came_with, row_of
from workflows.services.desk import audit
from workflows.storage.clock import machine_now

SEEN = "secret.seen"
# One visit asks more than once: the page, its fragments, the form that is sent.
ONE_VISIT = timedelta(minutes=1)


def note_secrets_seen(rights: Rights, thread: Thread) -> None:
    """Add an entry where this person is shown the thread's secret channels; once a visit."""
    item = registry.find(thread.graph)
    if item is None or not item.secret or not rights.can_see_secret(thread.graph):
        return
    mine = AuditEntry.objects.filter(
        thread=thread.pk,
        action=SEEN,
        person=str(getattr(row_of(rights.person), "pk", "")),
        at__gt=machine_now() - ONE_VISIT,
    )
    token = came_with(rights.person)
    # What a program reads is no part of its owner's visit, nor of another program's.
    by_token = {"channel": audit.API}
    mine = (
        mine.exclude(**by_token)
        if token is None
        else mine.filter(**by_token, data__contains=token.start)
    )
    if not mine.exists():
        audit.record(
            rights.person,
            SEEN,
            graph=thread.graph,
            thread=thread.pk,
            subject=f"thread {thread.pk}",
            data={"channels": sorted(item.secret)},
        )
