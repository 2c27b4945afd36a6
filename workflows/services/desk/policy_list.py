"""Policies as pages show them, and what they mean for one question."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from workflows.models import Interrupt, Policy
from workflows.services import registry
from workflows.services.access import Person, Rights, find_interrupt, name_of, require
from workflows.services.action import NotVisible
from workflows.services.desk.deciding import Decider
from workflows.services.desk.notify import people_of
from workflows.services.desk.policies import PolicyBook
from workflows.services.desk.policy_words import (
    ChangedKey,
    Said,
    changed_keys,
    described,
)
from workflows.services.desk.possible import Deciders
from workflows.services.desk.rules import Rules
from workflows.services.desk.steps import steps_of
from workflows.services.desk.words import in_words
from workflows.services.review_queue import graph_title

MAX_VERSIONS = 50
MOST_NAMES = 20


@dataclass(frozen=True)
class PolicyLine:
    """One policy as it stands, or an earlier version of one.

    `changes` is what leads to it from the version before.
    """

    graph: str
    graph_title: str
    node: str
    version: int
    rules: tuple[Said, ...]
    is_active: bool
    who: str
    reason: str
    at: datetime
    changes: tuple[ChangedKey, ...] = ()


@dataclass(frozen=True)
class PolicyToEdit:
    """A policy for its form: what it says, its newest version, and the rules beneath it.

    `version` is 0 where there is none; `shown` is the version whose `body` this is.
    `otherwise` is what holds for each key that the policy does not say.
    """

    graph: str
    graph_title: str
    node: str
    body: Mapping[str, Any]
    version: int
    shown: int
    is_active: bool
    otherwise: Rules


@dataclass(frozen=True)
class Simulated:
    """What holds for one question: each rule and who says so, who may decide, who is told, what happens when."""

    number: int
    title: str
    graph_title: str
    node: str
    is_open: bool
    rules: tuple[Said, ...]
    words: str
    sources: tuple[str, ...]
    deciders: tuple[str, ...]
    has_more_deciders: bool
    people: tuple[str, ...]
    steps: tuple[tuple[datetime, str], ...]
    why_not: str


def policy_list(person: Person) -> list[PolicyLine]:
    """The newest versions for workflows that the person may see; also those out of force."""
    rights = _see(person)
    newest: dict[tuple[str, str], Policy] = {}
    for each in Policy.objects.select_related("created_by").order_by("version"):
        newest[(each.graph, each.node)] = each
    rows = [r for r in newest.values() if not r.graph or rights.can_see(r.graph)]
    return [_line(row) for row in sorted(rows, key=lambda r: (r.graph, r.node))]


def policy_to_edit(
    person: Person, graph: str, node: str, version: int = 0
) -> PolicyToEdit:
    """The policy of a place; with `version`, what that earlier one said."""
    rows = _versions(person, graph, node)
    row = rows.first()
    shown = rows.filter(version=version).first() if version else row
    if version and shown is None:
        raise NotVisible("version", version)
    below = [
        each
        for each in Policy.objects.order_by("version")
        if (each.graph, each.node) != (graph, node)
    ]
    place = Interrupt(graph=graph, node=node)
    return PolicyToEdit(
        graph,
        graph_title(graph) if graph else "",
        node,
        _body(shown) if shown else {},
        row.version if row else 0,
        shown.version if shown else 0,
        row.is_active if row else False,
        PolicyBook(below).rules(place),
    )


def versions_of(person: Person, graph: str, node: str) -> list[PolicyLine]:
    """All versions of a policy, the newest first, each with what it changed."""
    rows = list(
        _versions(person, graph, node).select_related("created_by")[: MAX_VERSIONS + 1]
    )
    befores = [*(_body(each) for each in rows[1:]), {}]
    lines = [_line(row, befores[at]) for at, row in enumerate(rows)]
    return lines[:MAX_VERSIONS]


def simulate(person: Person, number: int) -> Simulated:
    """Which rules hold for a question and what follows from them; raises NotVisible."""
    row = find_interrupt(person, number, "assignee", "assigned_group")
    decider = Decider(person)
    book = PolicyBook()
    rules = book.rules(row)
    deciders = Deciders().of(row, MOST_NAMES + 1)
    return Simulated(
        row.pk,
        row.title,
        graph_title(row.graph),
        row.node,
        row.status == Interrupt.Status.PENDING,
        tuple(book.said(row)),
        in_words(rules),
        rules.sources,
        tuple(name_of(each) for each in deciders[:MOST_NAMES]),
        len(deciders) > MOST_NAMES,
        tuple(name_of(each) for each in people_of(row)),
        tuple((step.at, step.kind) for step in steps_of(row, rules)),
        decider.why_not(row),
    )


def step_names(person: Person) -> list[str]:
    """The names of the steps of all workflows that the person may see, for a list to choose from."""
    rights = Rights(person)
    found: set[str] = set()
    for item in registry.offered():
        program = getattr(item.graph, "program", None)
        if rights.can_see(item.name) and program is not None:
            found.update(n for n in program.nodes if not n.startswith("__"))
    return sorted(found)


def _see(person: Person) -> Rights:
    rights = Rights(person)
    require(rights.has_business, "You have no role here.")
    return rights


def _versions(person: Person, graph: str, node: str) -> QuerySet[Policy]:
    """The versions of a policy, newest first; NotVisible where the workflow is hidden or none."""
    rows = Policy.objects.filter(graph=graph, node=node).order_by("-version")
    is_known = registry.find(graph) is not None or rows.exists()
    if graph and not (is_known and Rights(person).can_see(graph)):
        raise NotVisible("workflow", graph)
    _see(person)
    return rows


def _line(row: Policy, before: Mapping[str, Any] | None = None) -> PolicyLine:
    body = _body(row)
    return PolicyLine(
        row.graph,
        graph_title(row.graph) if row.graph else "Every workflow",
        row.node,
        row.version,
        tuple(described(body)),
        row.is_active,
        name_of(row.created_by),
        row.reason,
        row.created_at,
        tuple(changed_keys(before, body)) if before is not None else (),
    )


def _body(row: Policy) -> dict[str, Any]:
    try:
        found = json.loads(row.body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
