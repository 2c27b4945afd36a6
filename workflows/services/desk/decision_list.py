"""The decisions of this site, newest first, as their page lists them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth import get_user_model
from django.db.models import Count, Q, QuerySet

from workflows.models import Decision, Run, Vote
from workflows.services.access import SECRETS, Person, Rights
from workflows.services.action import NotVisible
from workflows.services.desk.decision_changes import NO_CHANGES, Changes, changes_of
from workflows.services.desk.forks import Fork, forks_of
from workflows.services.desk.holding import is_held
from workflows.services.desk.policies import PolicyHistory
from workflows.services.desk.policy_result import overrides, policy_result
from workflows.services.desk.undo_decision import may_take_back
from workflows.services.questions import title_shown
from workflows.services.review_queue import graph_title

MAX_PAGE = 500
MINE, TEAM, ALL = "mine", "team", "all"
SCOPES = (MINE, TEAM, ALL)
_RELATED = ("interrupt__thread", "run", "undo")


@dataclass(frozen=True)
class DecisionFilter:
    """What to list: by whom, of which workflow, kind and channel; before a decision's number.

    Made at `since` or later, and before `until`.

    `scope` is `mine`, `team` (whoever shares a group with me, and I) or `all`.
    """

    scope: str = ALL
    graph: str = ""
    kind: str = ""
    channel: str = ""
    since: datetime | None = None
    until: datetime | None = None
    before: int | None = None


@dataclass(frozen=True)
class DecisionLine:
    """One decision in the list; `outcome` is the status of the run that went on with it.

    `policy` says how it stands to the rules of its day. `again_of` is the decision whose
    question was asked anew here, on a fork.
    """

    number: int
    question: int
    title: str
    graph: str
    graph_title: str
    node: str
    thread_id: str
    round: int
    kind: str
    who: str
    channel: str
    reason: str
    at: datetime
    undone_by: str
    run: int | None
    outcome: str
    is_held: bool
    is_mine: bool
    may_undo: bool
    may_operate: bool
    changes: Changes = NO_CHANGES
    policy: tuple[str, ...] = ()
    reopened: tuple[Fork, ...] = ()
    again_of: int | None = None

    @property
    def is_reopening(self) -> bool:
        """Whether a fork is on its way to ask the question again."""
        return any(each.is_under_way for each in self.reopened)


def decision_list(
    person: Person,
    wanted: DecisionFilter,
    limit: int = 50,
    rights: Rights | None = None,
    *,
    with_changes: bool = True,
) -> list[DecisionLine]:
    """One page of decisions on questions that the person may see.

    What each changed of the state is looked up for it, `with_changes`.
    """
    rights = rights or Rights(person)
    rows = decision_rows(person, wanted, rights)[: max(1, min(limit, MAX_PAGE))]
    return decision_lines(list(rows), rights, with_changes=with_changes)


def find_decision(rights: Rights, number: int) -> Decision:
    """The decision, with its question, thread, run and undo; raises NotVisible."""
    rows = rights.limit(Decision.objects.all(), "interrupt__thread__graph")
    row = rows.filter(pk=number).select_related(*_RELATED).first()
    if row is None:
        raise NotVisible("decision", number)
    return row


def decision_rows(
    person: Person, wanted: DecisionFilter, rights: Rights
) -> QuerySet[Decision]:
    """The rows of the filter, newest first, as far as the person may see them."""
    rows = rights.limit(Decision.objects.all(), "interrupt__thread__graph")
    if wanted.scope == MINE:
        rows = rows.filter(person=person.pk)
    elif wanted.scope == TEAM:
        users = get_user_model()._default_manager
        shared = rights.groups - {SECRETS}
        team = users.filter(Q(pk=person.pk) | Q(groups__name__in=shared))
        rows = rows.filter(person__in=team.values("pk"))
    if wanted.graph:
        rows = rows.filter(interrupt__thread__graph=wanted.graph)
    if wanted.kind:
        rows = rows.filter(kind=wanted.kind)
    if wanted.channel:
        rows = rows.filter(channel=wanted.channel)
    if wanted.since is not None:
        rows = rows.filter(created_at__gte=wanted.since)
    if wanted.until is not None:
        rows = rows.filter(created_at__lt=wanted.until)
    if wanted.before is not None:
        rows = rows.filter(pk__lt=wanted.before)
    return rows.select_related(*_RELATED).order_by("-id")


def decision_lines(
    rows: Sequence[Decision], rights: Rights, *, with_changes: bool = True
) -> list[DecisionLine]:
    """What a page or a file says of these rows; what belongs to them is read at once."""
    votes = _votes(rows)
    overridden = overrides(rows)
    history = PolicyHistory()
    forks = forks_of({row.interrupt.thread_id for row in rows})
    origins = {each.question: each.decision for each in forks if each.question}
    return [
        plain_line(
            row,
            rights,
            changes_of(row, rights) if with_changes else NO_CHANGES,
            policy_result(
                row,
                history.rules(row.interrupt, row.created_at),
                votes.get((row.interrupt_id, row.round), 0),
                row.pk in overridden,
            ),
            tuple(each for each in forks if each.decision == row.pk),
            origins.get(row.interrupt_id),
        )
        for row in rows
    ]


def _votes(rows: Sequence[Decision]) -> dict[tuple[int, int], int]:
    questions = {row.interrupt_id for row in rows}
    counted = (
        Vote.objects.filter(interrupt__in=questions)
        .values_list("interrupt_id", "round")
        .annotate(Count("id"))
    )
    return {(question, round): count for question, round, count in counted}


def plain_line(
    row: Decision,
    rights: Rights,
    changes: Changes = NO_CHANGES,
    policy: tuple[str, ...] = (),
    reopened: tuple[Fork, ...] = (),
    again_of: int | None = None,
) -> DecisionLine:
    """What the row itself says, with what was found out about it beside."""
    question = row.interrupt
    undo = getattr(row, "undo", None)
    graph = question.thread.graph
    return DecisionLine(
        number=row.pk,
        question=question.pk,
        title=title_shown(question),
        graph=graph,
        graph_title=graph_title(graph),
        node=question.node,
        thread_id=question.thread_id,
        round=row.round,
        kind=row.kind,
        who=row.person_name or "system",
        channel=row.channel,
        reason=row.reason,
        at=row.created_at,
        undone_by=undo.person_name or "system" if undo else "",
        run=row.run_id,
        outcome=row.run.status if row.run else "",
        is_held=is_held(row.start_at) and _waits(row.run),
        is_mine=row.person_id is not None
        and row.person_id == getattr(rights.person, "pk", None),
        may_undo=may_take_back(row, rights),
        may_operate=rights.can_operate(graph),
        changes=changes,
        policy=policy,
        reopened=reopened,
        again_of=again_of,
    )


def _waits(run: Run | None) -> bool:
    return run is not None and run.status == Run.Status.PENDING
