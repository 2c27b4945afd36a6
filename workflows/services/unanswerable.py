"""Which open questions too few people may decide."""

from __future__ import annotations

from django.contrib.auth import get_user_model
from django.db.models import Q

from workflows.models import Interrupt
from workflows.services import registry
from workflows.services.access import ADMIN
from workflows.services.desk.policies import PolicyBook
from workflows.services.desk.possible import Deciders

DO = (
    "give the role or the group to somebody, assign it to somebody else, or change the "
    "policy of its step"
)


class Unanswerable:
    """One look at who may decide what, by the policies as they stand when this is made.

    An admin may decide each question, marked as an override. Where there is one, a question that
    nothing but the usual role asks for is not stuck.
    """

    def __init__(self) -> None:
        self._has_admin = _has_admin()
        self._deciders, self._book = Deciders(), PolicyBook()

    def why(self, row: Interrupt) -> str:
        """Why too few people may decide the question; "" where enough may."""
        if self._has_admin and _is_usual(row, self._book):
            return ""
        case = self._deciders.case_of(row)
        if case is None:
            return ""
        but = "; an admin may, by an override" if self._has_admin else ""
        return f"{case.text}{but}"


def _is_usual(row: Interrupt, book: PolicyBook) -> bool:
    rules, item = book.rules(row), registry.find(row.graph)
    named = item.decide_groups if item else None
    is_open = rules.decide_groups is None and named is None
    is_assigned = row.assignee_id is not None or row.assigned_group_id is not None
    return is_open and not is_assigned and rules.quorum <= 1 and not rules.four_eyes


def _has_admin() -> bool:
    users = get_user_model()._default_manager.filter(is_active=True)
    return users.filter(Q(is_superuser=True) | Q(groups__name=ADMIN)).exists()
