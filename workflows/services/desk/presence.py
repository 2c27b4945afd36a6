"""Who looks at a question and who is typing an answer, so that two do not do the same work.

It is a hint and no lock: a claim is what keeps others out. A browser says again every ten
seconds that it is there; half a minute of silence, and its person is gone.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from workflows.models import Interrupt, Presence
from workflows.services.access import Person, Rights, find_interrupt, name_of
from workflows.services.desk.claim_question import renew_claim
from workflows.services.desk.deciding import holder_of
from workflows.storage.clock import machine_now

FADES_AFTER = timedelta(seconds=30)
# Typing is told of a little longer: people stop to think.
EDIT_FADES_AFTER = timedelta(seconds=60)
ASKED_AT_MOST = 200
SHOWN_AT_MOST = 5
KEPT_FOR = timedelta(hours=1)


@dataclass(frozen=True)
class Here:
    """Somebody at a question; `edits` where they have typed in the last minute."""

    name: str
    edits: bool


@dataclass(frozen=True)
class BePresent:
    """`person` has question `interrupt` open; `edits` while they type, `leaves` when they go.

    Typing renews the claim that they have on it.
    """

    person: Person
    interrupt: int
    edits: bool = False
    leaves: bool = False

    def check(self) -> Interrupt:
        """The question, where this person may see it."""
        return find_interrupt(self.person, self.interrupt)

    def execute(self) -> datetime | None:
        """Note it; returns until when the question is claimed by this person, if it is."""
        row = self.check()
        if self.leaves:
            Presence.objects.filter(interrupt=row, person=self.person.pk).delete()
            return None
        now = machine_now()
        values = {"seen_at": now} | ({"edited_at": now} if self.edits else {})
        Presence.objects.update_or_create(
            interrupt=row, person_id=self.person.pk, defaults=values
        )
        if self.edits:
            return renew_claim(self.person, row)
        return row.claimed_until if holder_of(row, now) == self.person.pk else None


def present_at(person: Person, numbers: Iterable[int]) -> dict[int, list[Here]]:
    """Who else is at these questions, of those that `person` may see; editors come first."""
    wanted = [*dict.fromkeys(numbers)][:ASKED_AT_MOST]
    now = machine_now()
    rows = Presence.objects.filter(
        interrupt__in=wanted, seen_at__gt=now - FADES_AFTER, person__is_active=True
    ).exclude(person=person.pk)
    visible = Rights(person).limit(rows, "interrupt__thread__graph")
    found: dict[int, list[Here]] = {}
    for row in visible.select_related("person").order_by("interrupt_id", "id"):
        edits = row.edited_at is not None and row.edited_at > now - EDIT_FADES_AFTER
        found.setdefault(row.interrupt_id, []).append(Here(name_of(row.person), edits))
    return {
        number: sorted(people, key=lambda each: not each.edits)[:SHOWN_AT_MOST]
        for number, people in found.items()
    }


def forget_faded() -> int:
    """Remove what has faded long ago; returns how many rows those were."""
    old = machine_now() - KEPT_FOR
    return Presence.objects.filter(seen_at__lt=old).delete()[0]
