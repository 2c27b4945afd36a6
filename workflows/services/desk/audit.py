"""The audit: one entry for every act that matters, each sealed with the one before it.

An entry is written in the transaction of what it tells of. Entries form one chain, so they
are written one after another: on PostgreSQL an advisory lock, held to the end of the
transaction, keeps the writers in line; on SQLite a writing transaction is alone anyway.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC
from typing import Any

from django.db import connections, router, transaction

from workflows.models import AuditEntry
from workflows.services.access import Person, came_with, name_of, row_of
from workflows.storage.clock import machine_now
from workflows.storage.connections import NOT_IDLE_SQL

LOCK = 0x64757261626C65  # any number that nothing else in the database locks
BATCH = 1_000
API = "api"
LONGEST_SUBJECT = 60


def record(
    person: Person | None,
    action: str,
    *,
    channel: str = "web",
    graph: str = "",
    thread: str = "",
    subject: str = "",
    data: Mapping[str, Any] | None = None,
) -> AuditEntry:
    """Add one entry, in the caller's transaction. `data` is small and holds no secret value.

    `subject` names what was acted on, such as `question 12` or `policy 3`; a long one is cut. What
    was done with a token names it beside its owner.
    """
    token = came_with(person)
    if token is not None:
        data = {**(data or {}), "token": f"{token.name} ({token.start}…)"}
        channel = API if channel == "web" else channel
    using = router.db_for_write(AuditEntry)
    with transaction.atomic(using=using, savepoint=False):
        _stand_in_line(using)
        rows = AuditEntry.objects.using(using).order_by("-id")
        last = rows.values_list("seal", flat=True).first()
        entry = AuditEntry(
            at=machine_now(),
            person=str(getattr(row_of(person), "pk", "") or ""),
            person_name=name_of(person)[:200],
            channel=channel,
            action=action,
            graph=graph,
            thread=thread,
            subject=subject[:LONGEST_SUBJECT],
            data=json.dumps(dict(data or {}), sort_keys=True, ensure_ascii=False),
            previous=last or "",
        )
        entry.seal = seal_of(entry)
        entry.save(using=using, force_insert=True)
    return entry


def record_token(
    person: Person | None,
    action: str,
    *,
    graph: str,
    thread: str,
    subject: str,
    data: Mapping[str, Any] | None = None,
) -> None:
    """The same for an act whose own row says who did it: only of a token, which no row names."""
    if came_with(person) is not None:
        record(person, action, graph=graph, thread=thread, subject=subject, data=data)


def seal_of(entry: AuditEntry) -> str:
    """SHA-256 (hex) over the entry's fields and the seal before it."""
    fields = [
        entry.previous,
        entry.at.astimezone(UTC).isoformat(timespec="microseconds"),
        *(entry.person, entry.person_name, entry.channel, entry.action),
        *(entry.graph, entry.thread, entry.subject, entry.data),
    ]
    text = json.dumps(fields, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True)
class Fault:
    """An entry that is not as it was written, and why."""

    entry: int
    text: str


def verify(known: str = "") -> Iterator[Fault]:
    """Read the whole chain again; yields what does not fit, in order.

    Entries taken away at the end leave a chain that fits. `known` is the last seal of an
    earlier look, kept somewhere else: its entry must still be there.
    """
    previous = ""
    is_missing = bool(known)
    for entry in AuditEntry.objects.order_by("id").iterator(chunk_size=BATCH):
        if entry.previous != previous:
            yield Fault(
                entry.pk,
                "does not follow the entry before it: one is missing or changed",
            )
        if entry.seal != seal_of(entry):
            yield Fault(entry.pk, "was changed after it was written")
        previous = entry.seal
        is_missing = is_missing and entry.seal != known
    if is_missing:
        yield Fault(0, f"no entry has the seal {known}: entries were taken away")


def _stand_in_line(using: str) -> None:
    connection = connections[using]
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT {NOT_IDLE_SQL}, pg_advisory_xact_lock(%s)",
                [LOCK],
            )
