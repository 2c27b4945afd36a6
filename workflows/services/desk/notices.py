"""A person's own notices: what they should know, until they have read it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from workflows.models import Notice
from workflows.services.access import Person
from workflows.storage.clock import machine_now

MOST = 200
MOST_AT_ONCE = 5


@dataclass(frozen=True)
class NoticeLine:
    """One notice; `url` leads to what it is about."""

    number: int
    kind: str
    text: str
    url: str
    at: datetime
    is_read: bool


def notices_of(person: Person, limit: int = 50) -> list[NoticeLine]:
    """The newest notices of this person."""
    rows = Notice.objects.filter(person=person.pk).order_by("-id")
    return [_line(row) for row in rows[: max(1, min(limit, MOST))]]


def newer_notices(person: Person, after: int | None) -> tuple[int, list[NoticeLine]]:
    """The number of the newest notice, and the unread ones after number `after`, oldest first.

    At most five of them; none where `after` is None.
    """
    rows = Notice.objects.filter(person=person.pk)
    last = rows.order_by("-id").values_list("pk", flat=True).first() or 0
    if after is None:
        return last, []
    found = rows.filter(pk__gt=after, pk__lte=last, read_at=None).order_by("-id")
    return last, [_line(row) for row in reversed(found[:MOST_AT_ONCE])]


def unread(person: Person, question: int | None = None) -> int:
    """How many this person has not read, of all or about one question."""
    rows = Notice.objects.filter(person=person.pk, read_at=None)
    return (rows if question is None else rows.filter(interrupt=question)).count()


@dataclass(frozen=True)
class ReadNotices:
    """`person` has read their notices up to number `upto`, and has been at `question`."""

    person: Person
    upto: int | None = None
    question: int | None = None

    def check(self) -> None:
        """Everybody may read their own."""

    def execute(self) -> int:
        """How many were new."""
        rows = Notice.objects.filter(person=self.person.pk, read_at=None)
        if self.upto is not None:
            rows = rows.filter(pk__lte=self.upto)
        if self.question is not None:
            rows = rows.filter(interrupt=self.question)
        # Looking at a page must not wait for whoever writes.
        return rows.update(read_at=machine_now()) if rows.exists() else 0


def _line(row: Notice) -> NoticeLine:
    return NoticeLine(
        row.pk, row.kind, row.text, row.url, row.created_at, row.read_at is not None
    )
