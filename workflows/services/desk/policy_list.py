"""Policies as pages show them, and what they mean for one question."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet

from workflows.models import Policy
from workflows.services import registry
from workflows.services.access import Person, Rights, find_interrupt, name_of, require
from workflows.services.action import NotVisible
from workflows.services.desk.deciding import Decider
from workflows.services.desk.notify import people_of
from workflows.services.desk.policies import PolicyBook
from workflows.services.desk.rules import as_mapping
from workflows.services.desk.steps import steps_of
from workflows.services.desk.words import in_words
from workflows.services.review_queue import graph_title

MAX_VERSIONS = 50


@dataclass(frozen=True)
class PolicyLine:
    """One policy in force, or an earlier version of one."""

    graph: str
    graph_title: str
    node: str
    version: int
    body: str
    is_active: bool
    who: str
    reason: str
    at: datetime


@dataclass(frozen=True)
class Simulated:
    """What holds for one question: the rules, where they come from, who is told, what happens when."""

    number: int
    title: str
    rules: str
    words: str
    sources: tuple[str, ...]
    people: tuple[str, ...]
    steps: tuple[tuple[datetime, str], ...]
    why_not: str


def policy_list(person: Person) -> list[PolicyLine]:
    """The policies in force for workflows that the person may see."""
    rights = _see(person)
    found = PolicyBook().newest.values()
    rows = [each for each in found if not each.graph or rights.can_see(each.graph)]
    return [_line(row) for row in sorted(rows, key=lambda r: (r.graph, r.node))]


def policy_text(person: Person, graph: str, node: str) -> tuple[str, int]:
    """The newest version's body as indented JSON, and its number; 0 where there is none."""
    rows = _versions(person, graph, node)
    row = rows.first()
    if row is None:
        return "{}", 0
    body = json.loads(row.body)
    return json.dumps(body, indent=2, ensure_ascii=False), row.version


def versions_of(person: Person, graph: str, node: str) -> list[PolicyLine]:
    """All versions of a policy, the newest first."""
    rows = _versions(person, graph, node)
    return [_line(row) for row in rows.select_related("created_by")[:MAX_VERSIONS]]


def simulate(person: Person, number: int) -> Simulated:
    """Which rules hold for a question and what follows from them; raises NotVisible."""
    row = find_interrupt(person, number)
    decider = Decider(person)
    rules = decider.rules(row)
    return Simulated(
        row.pk,
        row.title,
        json.dumps(as_mapping(rules), indent=2, ensure_ascii=False),
        in_words(rules),
        rules.sources,
        tuple(str(each) for each in people_of(row)),
        tuple((step.at, step.kind) for step in steps_of(row, rules)),
        decider.why_not(row),
    )


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


def _line(row: Policy) -> PolicyLine:
    return PolicyLine(
        row.graph,
        graph_title(row.graph) if row.graph else "every workflow",
        row.node,
        row.version,
        row.body,
        row.is_active,
        name_of(row.created_by),
        row.reason,
        row.created_at,
    )
