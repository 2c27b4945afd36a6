"""Which processes carry out runs: each tells of itself, and who looks compares its code."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import Error
from django.db.models.functions import Now

from workflows.models import Worker
from workflows.services.code_stamps import code_here
from workflows.storage.clock import database_now
from workflows.storage.owners import is_dead, process_owner
from workflows.version import __version__

TELL_SECONDS = 10.0
# Three signs that did not come.
SILENT = timedelta(seconds=3 * TELL_SECONDS)
# So long one that ended without a word is still shown.
KEPT = timedelta(hours=1)


class SignOfLife:
    """This process as a worker of `hands` runs at once; `tell` is called over and over."""

    def __init__(self, hands: int, every: float = TELL_SECONDS) -> None:
        self._hands = hands
        self._every = every
        self._told_at = float("-inf")

    def tell(self) -> None:
        """Say that this process lives, unless that was said a moment ago."""
        if time.monotonic() - self._told_at < self._every:
            return
        name = process_owner()
        if not Worker.objects.filter(pk=name).update(seen_at=Now()):
            Worker.objects.update_or_create(
                name=name,
                defaults={
                    "hands": self._hands,
                    "version": __version__,
                    "code": code_here(),
                },
            )
            forget_workers()
        self._told_at = time.monotonic()

    def leave(self) -> None:
        """Say that it takes no more runs; where that fails, its row is forgotten with the silent ones."""
        with suppress(Error):
            Worker.objects.filter(pk=process_owner()).delete()


def forget_workers() -> int:
    """Forget those that fell silent long ago; how many."""
    gone, _ = Worker.objects.filter(seen_at__lt=Now() - KEPT).delete()
    return gone


@dataclass(frozen=True)
class Colleague:
    """A worker beside the code that is here.

    `other` are workflows that it has in another form, `lacks` those that it does not have, `more` those
    that are not here.
    """

    name: str
    hands: int
    version: str
    started_at: datetime
    seen_at: datetime
    is_alive: bool
    other: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()
    more: tuple[str, ...] = ()

    @property
    def has_same_code(self) -> bool:
        """Whether it carries out every workflow as this process would."""
        return not (self.other or self.lacks or self.more)

    def knows(self, graph: str) -> bool:
        """Whether it takes runs of a workflow that is known here."""
        return graph not in self.lacks


def workers(now: datetime | None = None) -> list[Colleague]:
    """All that have told of themselves lately: those that live, then those that fell silent."""
    now = now or database_now()
    here = code_here()
    rows = Worker.objects.filter(seen_at__gte=now - KEPT)
    found = [_beside(row, here, now) for row in rows]
    return sorted(found, key=lambda each: (not each.is_alive, each.name))


def _beside(row: Worker, here: Mapping[str, str], now: datetime) -> Colleague:
    return Colleague(
        name=row.name,
        hands=row.hands,
        version=row.version,
        started_at=row.started_at,
        seen_at=row.seen_at,
        # Of the future where the clock was put back: whoever lives has told of itself since.
        is_alive=abs(now - row.seen_at) <= SILENT and not is_dead(row.name),
        other=tuple(k for k in here if k in row.code and row.code[k] != here[k]),
        lacks=tuple(k for k in here if k not in row.code),
        more=tuple(k for k in row.code if k not in here),
    )


def name_of(owner: str) -> str:
    """Host and process of an owner, without when that was started."""
    return owner.rpartition(":")[0] or owner
