"""Whether one person may decide one question, by its rules, and why not.

The one place that answers this: the gate of every decision, the queue, the review page, the
bulk sheet and the approval link ask here.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from functools import cached_property

from django.conf import settings
from django.utils import timezone

from workflows.models import Interrupt, Preference
from workflows.services.access import DECIDE, Person, Rights
from workflows.services.action import NotAllowed, NotPending
from workflows.services.desk.hands import hands_on
from workflows.services.desk.policies import PolicyBook
from workflows.services.desk.rules import Rules
from workflows.storage.clock import machine_now
from workflows.storage.people import preference_of

RELATED = ("thread", "assignee", "assigned_group")


class ClaimedByOther(NotPending):
    """Somebody else is at work on the question; take it over before deciding it."""


class Decider:
    """One person; reads each rule once, so make a new one per request."""

    def __init__(self, person: Person | None, rights: Rights | None = None) -> None:
        self.person = person
        self.rights = rights or Rights(person)
        self._book = PolicyBook()
        self._hands: dict[str, frozenset[object]] = {}

    def look_ahead(self, rows: Iterable[Interrupt]) -> None:
        """Read at once what the rules of these questions ask of their threads; for a list of them."""
        threads = {row.thread_id for row in rows if self.rules(row).four_eyes}
        if threads:
            self._hands.update(hands_on(threads))

    def rules(self, row: Interrupt) -> Rules:
        """The rules that hold for the question."""
        return self._book.rules(row)

    def why_not(self, row: Interrupt) -> str:
        """Why this person may never decide this question; empty where they may.

        `row` comes with its thread. A claim is no such reason: it ends.
        """
        return self.why_not_assign(row) or self._why_not_theirs(row)

    def why_not_assign(self, row: Interrupt) -> str:
        """Why the question cannot be given to this person; empty where it can."""
        if not self.rights.allows(DECIDE):
            return f"The token that you came with has no scope {DECIDE!r}."
        rules = self.rules(row)
        if not self._in_groups(row, rules):
            whom = ", ".join(rules.decide_groups or ())
            return "Only " + (whom or "reviewers of this workflow") + " may decide it."
        if rules.four_eyes and self._had_a_hand(row):
            return (
                "Whoever started this work or edited its state last may not decide it: "
                "the policy asks for a second pair of eyes."
            )
        return ""

    def is_decider(self, row: Interrupt) -> bool:
        """Whether questions of this kind are the person's to decide, whoever has this one."""
        return self._in_groups(row, self.rules(row))

    def may(self, row: Interrupt) -> bool:
        """Whether the person may decide the question, claims aside."""
        return not self.why_not(row)

    def is_asked(self, row: Interrupt) -> bool:
        """Whether the question is put to this person, whatever hand they had in it."""
        theirs = not self._why_not_theirs(row)
        return theirs and self._in_groups(row, self.rules(row))

    def check(self, row: Interrupt) -> None:
        """Raise NotAllowed or ClaimedByOther unless the person may decide it now."""
        self.check_right(row)
        holder = holder_of(row)
        if holder is not None and holder != self._id:
            raise ClaimedByOther(
                f"Question #{row.pk} is claimed by {row.claimed_by} until "
                f"{timezone.localtime(row.claimed_until):%H:%M:%S}. Take it over to decide it.",
                who=str(row.claimed_by),
                when=row.claimed_until,
                kind="claimed",
            )

    def check_right(self, row: Interrupt) -> None:
        """Raise NotAllowed unless the person may decide it, claims aside."""
        reason = self.why_not(row)
        if reason:
            raise NotAllowed(
                f"You may see question #{row.pk} but not decide it. {reason}"
            )

    def is_override(self, row: Interrupt) -> bool:
        """Whether a decision here stands on the admin's right alone."""
        groups = self.rules(row).decide_groups
        if groups is None:
            return self.rights.is_override(row.graph)
        return self.rights.is_admin and self.rights.groups.isdisjoint(groups)

    def undo_seconds(self, row: Interrupt) -> int:
        """How long a decision of this person can be taken back; never shorter than the rules."""
        rules = self.rules(row)
        base = settings.UNDO_SECONDS if rules.undo is None else rules.undo
        return max(base, self._own_undo_seconds) if base else 0

    def claim_seconds(self, row: Interrupt) -> int:
        """How long a claim of this person lasts; never shorter than the rules."""
        own = self._preference.claim_seconds if self._preference else None
        return max(self.rules(row).claim, own or 0)

    @property
    def _own_undo_seconds(self) -> int:
        return (self._preference.undo_seconds or 0) if self._preference else 0

    @cached_property
    def _preference(self) -> Preference | None:
        return preference_of(self._id) if self._id else None

    @property
    def _id(self) -> int | None:
        return getattr(self.person, "pk", None)

    def _in_groups(self, row: Interrupt, rules: Rules) -> bool:
        if rules.decide_groups is None:
            return self.rights.is_reviewer_of(row.graph)
        named = set(rules.decide_groups)
        seen = self.rights.can_see(row.graph)
        return self.rights.is_admin or (
            seen and not self.rights.groups.isdisjoint(named)
        )

    def _why_not_theirs(self, row: Interrupt) -> str:
        """Why a question that somebody was given is not this person's; admins override."""
        if self.rights.is_admin or row.assignee_id is row.assigned_group_id is None:
            return ""
        group = row.assigned_group.name if row.assigned_group else ""
        is_mine = row.assignee_id is not None and row.assignee_id == self._id
        if is_mine or group in self.rights.groups:
            return ""
        whom = " or ".join(str(each) for each in (row.assignee, group) if each)
        return f"It is assigned to {whom}. Assign it to yourself to decide it."

    def _had_a_hand(self, row: Interrupt) -> bool:
        if self._id is None:
            return False
        known = self._hands.get(row.thread_id)
        if known is None:
            known = hands_on([row.thread_id])[row.thread_id]
        return self._id in known


def why_apart(row: Interrupt, rules: Rules) -> str:
    """Why an edit of the state and an approval have to be two steps; empty where one will do."""
    if rules.four_eyes:
        return (
            f"Question #{row.pk} asks for a second pair of eyes, so whoever edits the "
            "state may not decide it. Save the edit only; somebody else decides."
        )
    if rules.quorum > 1:
        return (
            f"Question #{row.pk} needs {rules.quorum} approvals, and all have to see "
            "the same state. Save the edit only; then approve it."
        )
    return ""


def holder_of(row: Interrupt, now: datetime | None = None) -> int | None:
    """The primary key of whoever has claimed the question just now, or None."""
    until = row.claimed_until
    if row.claimed_by_id is None or until is None or until <= (now or machine_now()):
        return None
    return row.claimed_by_id
