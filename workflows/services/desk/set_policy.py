"""Change the rules for a workflow's questions, or for those of one node."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.db import IntegrityError, transaction

from workflows.models import Policy
from workflows.services import registry
from workflows.services.access import Person, Rights, require, row_of
from workflows.services.action import StaleQuestion
from workflows.services.desk import audit
from workflows.services.desk.possible import DECIDING, nobody_left
from workflows.services.desk.rules import InvalidPolicy, read_part
from workflows.services.desk.steps import plan_again

MAX_REASON = 1_000


@dataclass(frozen=True)
class SetPolicy:
    """`person`, an admin, writes the next version of a policy.

    `graph` "" means every workflow, `node` "" every node of it. `version` is the one they
    have seen, 0 for none. An empty `body` takes the policy out of force.
    """

    person: Person
    graph: str
    node: str
    body: Mapping[str, Any]
    version: int = 0
    reason: str = ""

    def check(self) -> None:
        """Raise NotAllowed, or InvalidPolicy with a text per key."""
        require(Rights(self.person).is_admin, "Only an admin changes policies.")
        read_part(self.body)
        errors = {}
        if self.graph and registry.find(self.graph) is None:
            errors["workflow"] = f"no workflow is called {self.graph!r}"
        if self.node and not self.graph:
            errors["node"] = "a node needs a workflow"
        if len(self.node) > 200 or not self.node.isprintable():
            errors["node"] = "at most 200 characters"
        if len(self.reason) > MAX_REASON:
            errors["reason"] = f"at most {MAX_REASON} characters"
        errors |= self._unknown_names()
        if errors:
            raise InvalidPolicy(errors)

    def execute(self) -> Policy:
        """The new version; raises StaleQuestion where somebody else was faster.

        Raises InvalidPolicy with the case, where a question would be left to too few people.
        """
        self.check()
        try:
            with transaction.atomic():
                if (self._newest() or 0) != self.version:
                    raise self._stale()
                row = Policy.objects.create(
                    graph=self.graph,
                    node=self.node,
                    version=self.version + 1,
                    body=json.dumps(dict(self.body), ensure_ascii=False),
                    is_active=bool(self.body),
                    reason=self.reason,
                    created_by=row_of(self.person),
                )
                self._refuse_if_nobody_is_left()
                audit.record(
                    self.person,
                    "policy.changed",
                    graph=self.graph,
                    subject=f"policy {row}"[:60],
                    data={"body": dict(self.body), "reason": self.reason},
                )
                plan_again(self.graph, self.node)
        except IntegrityError as error:
            raise self._stale() from error
        return row

    def _newest(self) -> int | None:
        rows = Policy.objects.filter(graph=self.graph, node=self.node)
        return rows.order_by("-version").values_list("version", flat=True).first()

    def _stale(self) -> StaleQuestion:
        return StaleQuestion(
            "Somebody has changed this policy since you read it; look at it again."
        )

    def _refuse_if_nobody_is_left(self) -> None:
        """Called with the new version in place; what raises takes it away again."""
        case = nobody_left(self.graph, self.node, self.body)
        if case is not None:
            key = next(key for key in DECIDING if key in self.body)
            raise InvalidPolicy({key: f"with this rule {case.text}"})

    def _unknown_names(self) -> dict[str, str]:
        """Groups and people that are not there, each at its key."""
        named = {
            "decide_groups": tuple(self.body.get("decide_groups") or ()),
            "assign_group": (str(self.body.get("assign_group") or ""),),
        }
        for at, step in enumerate(self.body.get("escalate") or ()):
            named[f"escalate.{at}.group"] = (str(step.get("group") or ""),)
        wanted = {name for names in named.values() for name in names if name}
        known = set(
            Group.objects.filter(name__in=wanted).values_list("name", flat=True)
        )
        errors = {}
        for key, names in named.items():
            missing = sorted(set(names) - known - {""})
            if missing:
                errors[key] = f"there is no group {', '.join(missing)}"
        person = self.body.get("assign_person")
        model = get_user_model()
        users = model._default_manager.filter(is_active=True)
        if person and not users.filter(**{model.USERNAME_FIELD: person}).exists():
            errors["assign_person"] = f"there is nobody called {person}"
        return errors
