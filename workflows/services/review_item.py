"""One question with all that a review page needs to decide it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property

from workflows.models import Decision, Interrupt
from workflows.services.access import (
    Person,
    Rights,
    find_interrupt,
    name_of,
    row_of,
)
from workflows.services.action import NotPending
from workflows.services.asleep import sleep_of
from workflows.services.closed_question import why_closed
from workflows.services.desk.deciding import Decider, holder_of
from workflows.services.desk.rules import Rules
from workflows.services.desk.secrets_seen import note_secrets_seen
from workflows.services.desk.shape import closes_by_cancelling, narrowed, shape_shown
from workflows.services.desk.undo_decision import may_take_back
from workflows.services.desk.words import in_words
from workflows.services.display import show_stored, show_tree
from workflows.services.questions import (
    title_shown,
    why_unreadable,
    with_titles,
)
from workflows.services.records import (
    ClaimRecord,
    CommentRecord,
    DecisionRecord,
    ReviewItem,
    Sibling,
    State,
    VoteRecord,
)
from workflows.services.review_queue import graph_title
from workflows.services.state import read_state
from workflows.services.state_to_edit import can_open_editor
from workflows.services.thread_family import named_in, others_of
from workflows.services.thread_history import decision_record, last_events
from workflows.storage.prepared import Prepared
from workflows.storage.sealing import QUESTION

MAX_SIBLINGS = 100
MAX_COMMENTS = 200
LATEST_EVENTS = 20
_MADE = Prepared(
    "FROM workflows_decision d WHERE d.interrupt_id = %s ORDER BY d.round DESC",
    d=Decision,
)
# What a page shows beside the question itself.
_SHOWN = ("thread__created_by", "assignee", "assigned_group", "claimed_by")


@dataclass(frozen=True)
class Look:
    """A question as it was read once, for whoever looks at it or decides it."""

    row: Interrupt
    decider: Decider

    @property
    def is_closed(self) -> bool:
        """Whether it takes no answer any more."""
        return self.row.status != Interrupt.Status.PENDING

    @cached_property
    def item(self) -> ReviewItem:
        """The question as far as an answer is read by it: no state, no history, no rights."""
        return _to_decide(self.row, self.decider, _siblings(self.row))

    @cached_property
    def made(self) -> list[Decision]:
        """The decisions on it, the newest first."""
        return [made for (made,) in _MADE.rows(self.row.pk)]

    def made_with(self, key: str) -> Decision | None:
        """The decision that its person made with this idempotency key, if one was."""
        owner = getattr(row_of(self.decider.person), "pk", None)
        mine = (each for each in self.made if each.person_id == owner)
        return next(
            (each for each in mine if key and each.idempotency_key == key), None
        )

    def why_closed(self) -> NotPending:
        """What tells its person why it takes no answer; NotAllowed where it never took theirs.

        By what was read, without the thread's lock: what is closed stays so for this round.
        """
        self.decider.check_right(self.row)
        return why_closed(self.row, self.made)

    def late(self) -> ReviewItem:
        """What whoever is late is shown: the question without neighbours, and its decision."""
        row, rights = self.row, self.decider.rights
        made = next(iter(self.made), None)
        item = _to_decide(row, self.decider)
        if made is None or made.round != row.round:
            return item
        return replace(item, decision=decision_record(made, row.thread, rights))

    def whole(self) -> ReviewItem:
        """The same with all that a page shows; notes in the audit that secrets were shown."""
        row, decider, item = self.row, self.decider, self.item
        rights, thread = decider.rights, row.thread
        me = getattr(rights.person, "pk", None)
        note_secrets_seen(rights, thread)
        made = list(row.decisions.select_related("run").order_by("-round"))
        decisions = [decision_record(each, thread, rights) for each in made]
        is_open = row.status == Interrupt.Status.PENDING
        why_not = decider.why_not(row)
        events = last_events(thread, LATEST_EVENTS)
        sleep = None if is_open else sleep_of(thread)
        votes = row.votes.filter(round=row.round).order_by("id")
        return replace(
            item,
            state=read_state(thread, rights),
            started_by=name_of(thread.created_by) if thread.created_by else "",
            events=events,
            sleep=sleep,
            others=others_of(named_in(events, sleep), rights),
            decision=_present(row, decisions),
            earlier=tuple(each for each in decisions if each.round < row.round),
            assignee=str(row.assignee or ""),
            group=str(row.assigned_group or ""),
            claim=_claim(row, me),
            votes=tuple(
                VoteRecord(each.person_name, each.created_at, each.person_id == me)
                for each in (votes if item.needed > 1 else ())
            ),
            comments=tuple(
                CommentRecord(each.pk, each.person_name, each.text, each.created_at)
                for each in row.comments.all()[:MAX_COMMENTS]
            ),
            why_not=why_not if is_open else "",
            may_arrange=is_open
            and (decider.is_decider(row) or rights.can_operate(thread.graph)),
            may_undo=bool(made) and may_take_back(made[0], rights),
            may_decide=is_open and not why_not and not item.problem,
            may_edit=can_open_editor(decider, thread, row.pk),
        )


def look_at(decider: Decider, number: int) -> Look:
    """The question of that number, where its person may see it; raises NotVisible."""
    return Look(find_interrupt(decider.person, number, rights=decider.rights), decider)


def review_item(
    person: Person, number: int, decider: Decider | None = None
) -> ReviewItem:
    """The question of that number for its page; raises NotVisible.

    `decider` is that of the person, where rights and rules were read for them already.
    """
    decider = decider or Decider(person)
    row = find_interrupt(person, number, *_SHOWN, rights=decider.rights)
    return Look(row, decider).whole()


def _to_decide(
    row: Interrupt, decider: Decider, siblings: Sequence[Sibling] = ()
) -> ReviewItem:
    thread = row.thread
    rules = decider.rules(row)
    payload = show_stored(row.value, row.thread_id, QUESTION)
    shape = narrowed(shape_shown(row), rules)
    is_open = row.status == Interrupt.Status.PENDING
    places = [each.number for each in siblings if each.status == "pending"]
    return ReviewItem(
        number=row.pk,
        title=title_shown(row),
        question=shape.question or title_shown(row),
        shape=shape.name,
        kinds=shape.kinds,
        payload=payload.tree,
        proposed=show_tree(shape.proposed).tree,
        schema=shape.schema,
        cards=shape.cards,
        graph=thread.graph,
        graph_title=graph_title(thread.graph),
        node=row.node,
        thread_id=thread.pk,
        thread_title=thread.title,
        thread_status=thread.status,
        run=row.run_id,
        status=row.status,
        version=row.version,
        round=row.round,
        checkpoint=thread.head,
        asked_at=row.asked_at,
        state=State(""),
        saying=shape.saying,
        has_cards=shape.has_cards,
        close_ends_run=closes_by_cancelling(rules),
        problem=payload.problem or (why_unreadable(row) if is_open else ""),
        siblings=tuple(each for each in siblings if each.number != row.pk),
        refusal=row.reason,
        is_cut=payload.is_cut,
        due_at=row.due_at,
        ends_at=_end(row, rules),
        priority=row.priority,
        snoozed_until=row.snoozed_until,
        needed=rules.quorum,
        policy=in_words(rules),
        reasons=rules.reasons,
        position=places.index(row.pk) + 1 if row.pk in places else 1,
        of=max(len(places), 1),
        seq=thread.seq,
    )


def _claim(row: Interrupt, me: int | None) -> ClaimRecord | None:
    holder = holder_of(row)
    if holder is None or row.claimed_until is None:
        return None
    return ClaimRecord(str(row.claimed_by), row.claimed_until, holder == me)


def last_decision(person: Person, number: int) -> DecisionRecord | None:
    """The newest decision on a question, for a page that tells of a conflict."""
    row = find_interrupt(person, number)
    last: Decision | None = row.decisions.order_by("-round").first()
    if last is None:
        return None
    return decision_record(last, row.thread, Rights(person))


def _present(row: Interrupt, decisions: list[DecisionRecord]) -> DecisionRecord | None:
    return next((each for each in decisions if each.round == row.round), None)


def _siblings(row: Interrupt) -> list[Sibling]:
    rows = Interrupt.objects.filter(thread_id=row.thread_id).order_by("asked_at", "id")
    return [
        Sibling(each.pk, title_shown(each), each.node, each.status, each.asked_at)
        for each in with_titles(rows)[:MAX_SIBLINGS]
    ]


def _end(row: Interrupt, rules: Rules) -> datetime | None:
    """When the question is given up; None where it waits as long as it takes."""
    return None if rules.ends is None else row.asked_at + timedelta(seconds=rules.ends)
