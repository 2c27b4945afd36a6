"""Who may do what, and the rows that a person may see.

Access is found, not checked: `find_thread` and its sisters return the row or raise
`NotVisible`, which looks the same for what is missing and for what is hidden. Roles are
Django groups; a superuser is an admin. A workflow that names groups of its own in
`register` is open to those instead of the role, and hidden from everybody else.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import Any, TypeVar

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser, Group
from django.db import models

from workflows.models import Interrupt, Run, Thread
from workflows.services import registry
from workflows.services.action import NotAllowed, NotVisible
from workflows.storage.people import group_names
from workflows.storage.prepared import Prepared

Person = AbstractBaseUser | AnonymousUser
Row = TypeVar("Row", bound=models.Model)

VIEWER = "viewer"
REVIEWER = "reviewer"
OPERATOR = "operator"
ADMIN = "admin"
ROLES = (VIEWER, REVIEWER, OPERATOR, ADMIN)
# Membership lets a reviewer or an operator read secret channels.
SECRETS = "secrets"
# What a token may allow; the word of the group above is the scope for secret channels too.
READ, RUN, EDIT, DECIDE = "read", "run", "edit", "decide"
SCOPES = (READ, RUN, EDIT, DECIDE, SECRETS)
LARGEST_NUMBER = 2**63 - 1
_QUESTION = Prepared(
    "FROM workflows_interrupt q JOIN workflows_thread t ON t.id = q.thread_id "
    "WHERE q.id = %s",
    q=Interrupt,
    t=Thread,
)


class Rights:
    """What one person may do; asks the database once, so make a new one per request."""

    def __init__(self, person: Person | None) -> None:
        self.person = person

    @cached_property
    def groups(self) -> frozenset[str]:
        """The names of the person's groups; none for whoever is not logged in or not active."""
        person = self.person
        if person is None or not (person.is_authenticated and person.is_active):
            return frozenset()
        return frozenset(group_names(person))

    @cached_property
    def scopes(self) -> frozenset[str] | None:
        """What the token allows that the person came with; None where they came themselves."""
        token = came_with(self.person)
        return None if token is None else frozenset(token.scopes.split())

    def allows(self, scope: str) -> bool:
        """Whether the way in which the person came lets them do things of this scope."""
        return self.scopes is None or scope in self.scopes

    def require_scope(self, scope: str) -> None:
        """Raise NotAllowed where the person came with a token that does not allow this."""
        require(
            self.allows(scope), f"The token that you came with has no scope {scope!r}."
        )

    @property
    def is_admin(self) -> bool:
        """The admin group, or a superuser."""
        person = self.person
        if person is None or not (person.is_authenticated and person.is_active):
            return False
        return bool(getattr(person, "is_superuser", False)) or ADMIN in self.groups

    @property
    def has_role(self) -> bool:
        """Whether the person has one of the roles of this site."""
        return self.is_admin or not self.groups.isdisjoint(ROLES)

    @property
    def has_business(self) -> bool:
        """Whether there is anything here for the person: a role, or a workflow of a group."""
        return self.has_role or bool(self.groups and self.visible_graphs())

    def can_see(self, graph: str) -> bool:
        """See the workflow's threads, runs and questions."""
        if self.is_admin:
            return True
        item = registry.find(graph)
        if item is None:
            # Whoever was granted the missing workflow is not known any more.
            return False
        if self._takes_part(item):
            return True
        is_open = item.start_groups is None and item.decide_groups is None
        return is_open and self.has_role

    def can_decide(self, graph: str) -> bool:
        """Answer the workflow's questions."""
        return self.allows(DECIDE) and self.is_reviewer_of(graph)

    def is_reviewer_of(self, graph: str) -> bool:
        """Whether the workflow's questions are put to the person, however they came."""
        return self._decides(registry.find(graph))

    def can_start(self, graph: str) -> bool:
        """Start the workflow."""
        return self.allows(RUN) and self.is_operator_of(graph)

    def is_operator_of(self, graph: str) -> bool:
        """Whether the person operates the workflow, however they came: for what is shown to them."""
        return self._starts(registry.find(graph))

    def can_operate(self, graph: str) -> bool:
        """Continue a run that failed, or cancel one."""
        return self.can_start(graph)

    def can_edit(self, graph: str) -> bool:
        """Change the state of the workflow's threads without answering a question."""
        return self.allows(EDIT) and self._starts(registry.find(graph))

    def can_label(self, graph: str) -> bool:
        """Name steps of the workflow's threads: whoever takes part; it keeps them from being pruned."""
        return self.can_start(graph) or self.can_decide(graph)

    def can_see_secret(self, graph: str) -> bool:
        """Read the channels that the workflow marks as secret; never by merely looking on."""
        if not self.allows(SECRETS):
            return False
        if self.is_admin:
            return True
        item = registry.find(graph)
        return SECRETS in self.groups and item is not None and self._takes_part(item)

    def is_override(self, graph: str) -> bool:
        """Whether a decision here stands on the admin's right alone."""
        item = registry.find(graph)
        named = item.decide_groups if item else None
        wanted = {REVIEWER} if named is None else named
        return self.is_admin and self.groups.isdisjoint(wanted)

    def visible_graphs(self) -> list[str] | None:
        """The workflows that the person may see; None stands for all, known or gone."""
        if self.is_admin:
            return None
        return [item.name for item in registry.all() if self.can_see(item.name)]

    def limit(
        self, rows: models.QuerySet[Row], field: str = "graph"
    ) -> models.QuerySet[Row]:
        """Those of `rows` that the person may see; `field` leads to the workflow's name."""
        graphs = self.visible_graphs()
        return rows if graphs is None else rows.filter(**{f"{field}__in": graphs})

    def _starts(self, item: registry.Registered | None) -> bool:
        return self.is_admin if item is None else self._in(item.start_groups, OPERATOR)

    def _decides(self, item: registry.Registered | None) -> bool:
        return self.is_admin if item is None else self._in(item.decide_groups, REVIEWER)

    def _takes_part(self, item: registry.Registered) -> bool:
        return self._starts(item) or self._decides(item)

    def _in(self, named: Iterable[str] | None, role: str) -> bool:
        wanted = {role} if named is None else named
        return self.is_admin or not self.groups.isdisjoint(wanted)


def find_thread(
    person: Person | None, thread_id: str, *, rights: Rights | None = None
) -> Thread:
    """The thread, where this person may see it; `rights` as for `find_interrupt`."""
    return _find(rights or Rights(person), Thread, "thread", thread_id)


def find_interrupt(
    person: Person | None,
    number: int,
    *related: str,
    rights: Rights | None = None,
) -> Interrupt:
    """The question of that number, with its thread, where this person may see it.

    `related` names what else is read with it; `rights` are the person's, where they are at
    hand and may be as old as they are.
    """
    known = rights or Rights(person)
    if related:
        return _find(known, Interrupt, "question", number, "thread", *related)
    is_number = isinstance(number, int) and 0 < number <= LARGEST_NUMBER
    for row, thread in _QUESTION.rows(number) if is_number else ():
        if known.can_see(thread.graph):
            question: Interrupt = row
            question.thread = thread
            return question
    raise NotVisible("question", number)


def find_run(person: Person | None, run_id: int) -> Run:
    """The run, with its thread, where this person may see it."""
    return _find(Rights(person), Run, "run", run_id, "thread")


def _find(rights: Rights, model: type[Row], what: str, key: Any, *related: str) -> Row:
    rows = model._default_manager.all()
    if related:
        rows = rows.select_related(*related)
    field = "thread__graph" if related else "graph"
    if isinstance(key, str) and "\x00" in key:
        raise NotVisible(what, key.replace("\x00", "?"))
    try:
        # Not first(): that would put one row into an order.
        found = rights.limit(rows, field).filter(pk=key)[:1]
        row = next(iter(found), None)
    except (ValueError, TypeError, OverflowError):
        row = None
    if row is None:
        raise NotVisible(what, key)
    return row


def require(allowed: bool, text: str) -> None:
    """Raise NotAllowed with `text` unless `allowed`."""
    if not allowed:
        raise NotAllowed(text)


def name_of(person: Person | None) -> str:
    """What to call a person in history."""
    if person is None:
        return "system"
    full = getattr(person, "get_full_name", lambda: "")()
    return str(full or person.get_username())


def came_with(person: Person | None) -> Any:
    """The token (`ApiToken`) that the person came with; None where they came themselves."""
    return getattr(person, "api_token", None)


def by_of(person: Person | None) -> str:
    """The same for what a thread's history tells, with the token that the person came with."""
    token = came_with(person)
    name = name_of(person)
    return name if token is None else f"{name} (token {token.name})"


def row_of(person: Person | None) -> Any:
    """The person as a foreign key takes it: None for nobody."""
    return person if person is not None and person.is_authenticated else None


def ensure_groups(using: str = "default", **_: object) -> None:
    """Create the groups of the roles; runs after every migrate."""
    for name in (*ROLES, SECRETS):
        Group.objects.using(using).get_or_create(name=name)
