"""Who could decide a question, and whether a policy leaves enough of them.

Admins may decide everything, marked as an override; a rule that counts on that is no rule, so
they count only where they are among those who are asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group

from workflows.models import Interrupt, Thread
from workflows.services import registry
from workflows.services.access import REVIEWER, name_of
from workflows.services.desk.deciding import RELATED, Decider
from workflows.services.desk.policies import PolicyBook
from workflows.services.desk.rules import Rules
from workflows.services.review_queue import graph_title

MOST_PEOPLE = 500
MOST_QUESTIONS = 200
# A policy that says none of these leaves everybody who could decide before.
DECIDING = ("decide_groups", "quorum", "four_eyes", "assign_group", "assign_person")


@dataclass(frozen=True)
class Case:
    """A question that too few people could decide; `text` tells it."""

    text: str


class Deciders:
    """Who could decide, by the policies as they stand when this is made."""

    def __init__(self) -> None:
        self._book = PolicyBook()
        self._known: dict[int, Decider] = {}
        self._people: dict[tuple[str, ...], list[Any]] = {}

    def of(self, row: Interrupt, most: int) -> list[Any]:
        """The first `most` people who could decide the question, claims aside."""
        found = []
        for user in self._asked(row):
            decider = self._known.setdefault(user.pk, Decider(user))
            if not decider.why_not(row) and not decider.is_override(row):
                found.append(user)
                if len(found) >= most:
                    break
        return found

    def case_of(self, row: Interrupt) -> Case | None:
        """The question, where too few could decide it."""
        rules = self._book.rules(row)
        found = self.of(row, rules.quorum)
        if len(found) >= rules.quorum:
            return None
        title = f" “{row.title}”" if row.title else ""
        return Case(_told(f"question #{row.pk}{title}", rules, found))

    def case_of_new(self, graph: str, node: str) -> Case | None:
        """A question that might be asked there, where too few could decide it."""
        row = Interrupt(
            graph=graph, node=node, thread=Thread(id="", graph=graph), thread_id=""
        )
        rules = self._book.rules(row)
        _give(row, rules)
        found = self.of(row, rules.quorum + 1)
        where = f"a new question of {graph_title(graph)}"
        if node:
            where += f", step {node}"
        if len(found) < rules.quorum:
            return Case(_told(where, rules, found))
        if rules.four_eyes and len(found) == rules.quorum:
            starter = next(
                (u for u in found if self._known[u.pk].rights.can_start(graph)), None
            )
            if starter is not None:
                others = [each for each in found if each != starter]
                started = f"{where} that {name_of(starter)} started"
                return Case(_told(started, rules, others))
        return None

    def _asked(self, row: Interrupt) -> list[Any]:
        """Active people of the groups that are asked."""
        item = registry.find(row.graph)
        groups = self._book.rules(row).decide_groups
        if groups is None:
            named = item.decide_groups if item else None
            groups = (REVIEWER,) if named is None else tuple(named)
        found = self._people.get(groups)
        if found is None:
            users = get_user_model()._default_manager
            rows = users.filter(is_active=True, groups__name__in=groups)
            found = list(rows.distinct().order_by("pk")[:MOST_PEOPLE])
            self._people[groups] = found
        return found


def nobody_left(graph: str, node: str, body: Mapping[str, Any]) -> Case | None:
    """The first question that the policy just written leaves to too few people.

    Looks at the oldest open questions of its place, and at one that might be asked next.
    """
    if not any(key in body for key in DECIDING):
        return None
    deciders = Deciders()
    for row in _open(graph, node)[:MOST_QUESTIONS]:
        case = deciders.case_of(row)
        if case is not None:
            return case
    graphs = [graph] if graph else [item.name for item in registry.offered()]
    return next(
        filter(None, (deciders.case_of_new(each, node) for each in graphs)), None
    )


def _open(graph: str, node: str) -> Any:
    rows = Interrupt.objects.filter(status=Interrupt.Status.PENDING)
    if graph:
        rows = rows.filter(graph=graph)
    if node:
        rows = rows.filter(node=node)
    return rows.select_related(*RELATED).order_by("asked_at", "id")


def _give(row: Interrupt, rules: Rules) -> None:
    """Give the question to whom it would be given when it is asked."""
    if rules.assign_group:
        row.assigned_group = Group.objects.filter(name=rules.assign_group).first()
    if rules.assign_person:
        model = get_user_model()
        named = {model.USERNAME_FIELD: rules.assign_person}
        row.assignee = model._default_manager.filter(**named).first()


def _told(where: str, rules: Rules, found: list[Any]) -> str:
    if not found:
        return f"no one could decide {where}"
    names = ", ".join(name_of(each) for each in found)
    return f"{where} needs {rules.quorum} approvals, and only {names} could decide it"
