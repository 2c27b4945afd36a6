"""Which chosen questions one order may decide, in which groups, and why not the others.

Both the sheet and the order itself ask here, so what the page promises is what is checked.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.utils import timezone

from workflows.models import BulkOrder, Interrupt, Vote
from workflows.services.access import Person, Rights
from workflows.services.action import InvalidAnswer, NotPending, Unreadable
from workflows.services.answers import make_answer
from workflows.services.closed_question import refuse_closed
from workflows.services.desk.bulk_selection import Selection, Shown
from workflows.services.desk.deciding import Decider, holder_of
from workflows.services.desk.shape import closes_by_cancelling, narrowed, shape_of
from workflows.services.questions import title_shown
from workflows.services.shapes import (
    BATCH,
    CHANGES,
    CLOSE,
    REJECT,
    RESPOND,
    Shape,
)
from workflows.storage.clock import machine_now

ORDER_KINDS = tuple(BulkOrder.Kind.values)
# With these a reason goes to each workflow, or into the record.
WITH_REASON = frozenset({REJECT, CHANGES, CLOSE})
_ACTION_LENGTH = 200


@dataclass(frozen=True)
class Excluded:
    """A chosen question that this person cannot decide here; `code` names the kind of reason."""

    number: int
    title: str
    code: str
    why: str


@dataclass(frozen=True)
class Candidate:
    """A question that may be decided; `shape` has the decisions that its rules leave.

    `close_ends_run` says that closing it without an answer cancels its run.
    """

    row: Interrupt
    shape: Shape
    close_ends_run: bool = False

    def problem(self, kind: str, value: Any = None, reason: str = "") -> str:
        """Why this question does not take such a decision; empty where it does."""
        if kind == CLOSE and CLOSE not in self.shape.kinds:
            return "it may not be closed without an answer"
        if kind == CLOSE and self.close_ends_run:
            return ""
        try:
            make_answer(self.shape, kind, value, reason)
        except InvalidAnswer as refusal:
            return str(refusal)
        return ""


@dataclass(frozen=True)
class Group:
    """Questions that take the same answer: of one step, one action, one shape.

    `kinds` are the decisions that at least one of them takes.
    """

    key: str
    graph: str
    node: str
    action: str
    shape: str
    kinds: tuple[str, ...]
    items: tuple[Candidate, ...]


@dataclass
class Plan:
    """`missing` counts what this person may not see, or what never was."""

    groups: list[Group] = field(default_factory=list)
    excluded: list[Excluded] = field(default_factory=list)
    missing: int = 0

    def group(self, key: str) -> Group | None:
        """The group of that key; without a key the only one there is."""
        if not key and len(self.groups) == 1:
            return self.groups[0]
        return next((each for each in self.groups if each.key == key), None)


def make_plan(
    person: Person,
    rights: Rights,
    selection: Selection,
    shown: Mapping[int, Shown] | None = None,
) -> Plan:
    """Sort the chosen questions; those that are not any more as `shown` are left out."""
    plan = Plan(missing=selection.missing)
    sorter = _Sorter(person, rights)
    found: dict[str, list[Candidate]] = {}
    for row in selection.rows:
        seen = shown.get(row.pk) if shown is not None else None
        kept = sorter.look(row, seen)
        if isinstance(kept, Excluded):
            plan.excluded.append(kept)
        else:
            found.setdefault(_key(kept), []).append(kept)
    plan.groups = [_group(key, items) for key, items in found.items()]
    plan.groups.sort(key=lambda each: -len(each.items))
    return plan


class _Sorter:
    """Decides for each question whether this person may; reads rules and votes once."""

    def __init__(self, person: Person, rights: Rights) -> None:
        self._decider = Decider(person, rights)
        self._id = getattr(person, "pk", None)
        votes = Vote.objects.filter(
            person=self._id, interrupt__status=Interrupt.Status.PENDING
        )
        self._voted = set(votes.values_list("interrupt_id", "round"))
        self._now = machine_now()

    def look(self, row: Interrupt, shown: Shown | None) -> Candidate | Excluded:
        code, why = self._reason(row, shown)
        if not code:
            try:
                rules = self._decider.rules(row)
                shape = narrowed(shape_of(row), rules)
                return Candidate(row, shape, closes_by_cancelling(rules))
            except Unreadable as refusal:
                code, why = "unreadable", str(refusal)
        return Excluded(row.pk, title_shown(row), code, why)

    def _reason(self, row: Interrupt, shown: Shown | None) -> tuple[str, str]:
        try:
            refuse_closed(row)
        except NotPending as refusal:
            return "closed", str(refusal)
        why = self._decider.why_not(row)
        if why:
            return "policy", why
        holder = holder_of(row, self._now)
        if holder is not None and holder != self._id:
            until = timezone.localtime(row.claimed_until)
            return "claimed", f"Claimed by {row.claimed_by} until {until:%H:%M}."
        if (row.pk, row.round) in self._voted:
            return "voted", "You have approved it already; it waits for others."
        if shown is not None and (shown.version, shown.round) != (
            row.version,
            row.round,
        ):
            return "changed", "It has changed since it was shown to you."
        return "", ""


def _group(key: str, items: Sequence[Candidate]) -> Group:
    first = items[0]
    shapes = {kind for each in items for kind in each.shape.kinds}
    return Group(
        key,
        graph=first.row.thread.graph,
        node=first.row.node,
        action=_action(first.shape)[:_ACTION_LENGTH],
        shape=first.shape.name,
        kinds=tuple(kind for kind in ORDER_KINDS if kind in shapes),
        items=tuple(items),
    )


def _key(item: Candidate) -> str:
    """What two questions have to share to be decided together, as a short text."""
    shape = item.shape
    said = [
        item.row.thread.graph,
        item.row.node,
        shape.name,
        _action(shape),
        list(shape.kinds),
        item.close_ends_run,
        shape.schema,
    ]
    text = json.dumps(said, sort_keys=True, default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:12]


def _action(shape: Shape) -> str:
    """What is asked for: the names of the proposed calls."""
    names = dict.fromkeys(card.name for card in shape.cards)
    if shape.name == BATCH:
        return ", ".join(card.name for card in shape.cards)
    return ", ".join(names)


def count_possible(items: Sequence[Candidate], kind: str) -> int:
    """How many of these questions take a decision of this kind, as they stand."""
    # Any words will do: what counts is whether there is a place for them.
    value = "…" if kind == RESPOND else None
    reason = "…" if kind in WITH_REASON else ""
    return sum(1 for each in items if not each.problem(kind, value, reason))
