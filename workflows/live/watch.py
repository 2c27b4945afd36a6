"""Looks again, every four seconds, at everyone who has a socket open.

A socket learns nothing by itself of a log-out, a deactivation or a changed role. One round
costs three queries per process, however many sockets there are.
"""

import asyncio
import time
from typing import Protocol

from django.db import Error

from workflows.live import identity
from workflows.live.away import tell_away
from workflows.live.identity import Visitor
from workflows.live.reading import Reader

# Whoever was deactivated is to be out within five.
ROUND_SECONDS = 4.0


class Visit(Protocol):
    """One open socket, as the watch sees it."""

    visitor: Visitor

    async def look_again(self, visitor: Visitor | None) -> None:
        """Take up what the person may do now; None means that they must leave."""

    async def beat(self, now: float) -> None:
        """Ask for a sign of life, or give up on a client that owes one."""


class Watch:
    """The open sockets of this process."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._visits: set[Visit] = set()

    def add(self, visit: Visit) -> None:
        """From now on the visit is looked at in every round."""
        self._visits.add(visit)

    def remove(self, visit: Visit) -> None:
        """The socket is closed."""
        self._visits.discard(visit)

    def count_of(self, person_id: object) -> int:
        """How many sockets this person has open here."""
        return sum(1 for visit in self._visits if visit.visitor.person.pk == person_id)

    async def run(self) -> None:
        """One round after another, until cancelled."""
        while True:
            await asyncio.sleep(ROUND_SECONDS)
            try:
                await self.round()
            except Error as error:
                # Nobody is let in anew while the database is away; those inside wait.
                tell_away("the look at open sockets", error)

    async def round(self) -> None:
        """Look once at every visit."""
        visits = list(self._visits)
        if not visits:
            return
        visitors = {visit.visitor.session_key: visit.visitor for visit in visits}
        found = await self._reader.run(identity.look_again, visitors.values())
        now = time.monotonic()
        for visit in visits:
            await visit.look_again(found[visit.visitor.session_key])
            await visit.beat(now)
