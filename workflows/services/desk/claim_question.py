"""Take a question for oneself for a while, give it back, take it over."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from workflows.models import Interrupt
from workflows.services.access import DECIDE, Person, find_interrupt, name_of
from workflows.services.action import InvalidAnswer, NotAllowed
from workflows.services.closed_question import refuse_closed
from workflows.services.desk.deciding import ClaimedByOther, Decider, holder_of
from workflows.services.desk.preferences import LONGEST_CLAIM
from workflows.services.desk.telling import tell
from workflows.storage.clock import machine_now

# A claim that was renewed a moment ago is left as it is: one write for many key presses.
RENEWED_AFTER = timedelta(seconds=5)


@dataclass(frozen=True)
class ClaimQuestion:
    """`person` takes question number `interrupt`, for as long as its policy says, or longer.

    At least `seconds` where they are given. A second claim of the same person lengthens it and
    never shortens it. With `take_over` the claim of somebody else ends; what they have typed
    stays theirs, as a draft.
    """

    person: Person
    interrupt: int
    take_over: bool = False
    seconds: int = 0

    def check(self) -> Interrupt:
        """The open question, where this person may decide it."""
        row = find_interrupt(self.person, self.interrupt)
        reason = Decider(self.person).why_not(row)
        if reason:
            raise NotAllowed(f"You may not claim question #{row.pk}. {reason}")
        refuse_closed(row)
        if not 0 <= self.seconds <= LONGEST_CLAIM:
            raise InvalidAnswer({"seconds": f"a number from 0 to {LONGEST_CLAIM}"})
        return row

    def execute(self) -> Interrupt:
        """The question, now claimed; raises ClaimedByOther where somebody else has it."""
        with transaction.atomic():
            row = self.check()
            lasts = max(Decider(self.person).claim_seconds(row), self.seconds)
            now = machine_now()
            before = holder_of(row, now)
            until = now + timedelta(seconds=lasts)
            if before == self.person.pk and row.claimed_until:
                until = max(until, row.claimed_until)
            mine = Q(claimed_by=None) | Q(claimed_by=self.person.pk)
            free = mine | Q(claimed_until=None) | Q(claimed_until__lte=now)
            rows = Interrupt.objects.filter(pk=row.pk, status=Interrupt.Status.PENDING)
            taken = (rows if self.take_over else rows.filter(free)).update(
                claimed_by=self.person.pk,
                claimed_until=until,
            )
            loser = str(row.claimed_by) if before else ""
            row.refresh_from_db()
            if not taken:
                refuse_closed(row)
                raise ClaimedByOther(
                    f"Question #{row.pk} is claimed by {row.claimed_by}.",
                    who=str(row.claimed_by),
                    when=row.claimed_until,
                    kind="claimed",
                )
            if before != self.person.pk:
                more = {"from": loser} if loser else {}
                tell(row, self.person, "taken_over" if loser else "claimed", **more)
        return row


def renew_claim(person: Person, row: Interrupt) -> datetime | None:
    """Let the claim of whoever is at work on the question run anew; returns until when it lasts.

    Called whenever they type, so that a claim ends by being left alone and not by long thought
    over the words. None where they have no claim on it. Never shortens one.
    """
    now = machine_now()
    if holder_of(row, now) != person.pk or row.claimed_until is None:
        return None
    until = now + timedelta(seconds=Decider(person).claim_seconds(row))
    if until <= row.claimed_until + RENEWED_AFTER:
        return row.claimed_until
    # Only while it is still theirs: somebody may have taken it over in this moment.
    return until if _held(row, person, now).update(claimed_until=until) else None


def until_words(moment: datetime) -> str:
    """The end of a claim: a time of day, with the day where it is not today."""
    local = timezone.localtime(moment)
    is_today = local.date() == timezone.localdate()
    return f"{local:%H:%M}" if is_today else f"{local.day} {local:%b %H:%M}"


def _held(row: Interrupt, person: Person, now: datetime) -> QuerySet[Interrupt]:
    return Interrupt.objects.filter(
        pk=row.pk, claimed_by=person.pk, claimed_until__gt=now
    )


@dataclass(frozen=True)
class ReleaseQuestion:
    """`person` gives a claimed question back; an admin gives anybody's back."""

    person: Person
    interrupt: int

    def check(self) -> Interrupt:
        """The question, where the claim on it is this person's or they are an admin."""
        row = find_interrupt(self.person, self.interrupt)
        holder = holder_of(row)
        decider = Decider(self.person)
        decider.rights.require_scope(DECIDE)
        if holder == self.person.pk or decider.rights.is_admin:
            return row
        if holder is not None:
            raise NotAllowed(
                f"Question #{row.pk} is claimed by {row.claimed_by}, not by "
                f"{name_of(self.person)}."
            )
        if not decider.is_decider(row):
            raise NotAllowed(f"You may not claim question #{row.pk}, nor give it back.")
        return row

    def execute(self) -> Interrupt:
        """The question without a claim; a second call changes nothing."""
        with transaction.atomic():
            row = self.check()
            if row.claimed_by_id is not None:
                row.claimed_by = row.claimed_until = None
                row.save(update_fields=["claimed_by", "claimed_until"])
                tell(row, self.person, "released")
        return row
