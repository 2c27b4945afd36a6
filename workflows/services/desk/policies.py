"""Which rules hold for a question, or held: those of the code, and what people changed since."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cached_property
from typing import Any

from workflows.models import Interrupt, Policy
from workflows.services import registry
from workflows.services.desk.policy_words import LABELS, Said, described
from workflows.services.desk.rules import InvalidPolicy, Rules, read_part
from workflows.storage.prepared import Prepared

Place = tuple[str, str]
_POLICIES = Prepared("FROM workflows_policy p ORDER BY p.version", p=Policy)


class PolicyBook:
    """The policies as they stand now, read once; make a new one per request.

    `versions` are the rows to go by instead of all that there are, older versions first.
    """

    def __init__(self, versions: Sequence[Policy] | None = None) -> None:
        self._versions = versions
        self._rules: dict[tuple[str, str, str], Rules] = {}

    @cached_property
    def newest(self) -> dict[Place, Policy]:
        """The newest policy of each (graph, node), where it is active."""
        found: dict[Place, Policy] = {}
        rows = self._versions
        if rows is None:
            rows = [each for (each,) in _POLICIES.rows()]
        for each in rows:
            found[(each.graph, each.node)] = each
        return {place: each for place, each in found.items() if each.is_active}

    def rules(self, row: Interrupt) -> Rules:
        """The rules that hold for the question. A part that cannot be read is left out."""
        key = (row.graph, row.node, row.policy)
        if key not in self._rules:
            self._rules[key] = self._read(*key)
        return self._rules[key]

    def said(self, row: Interrupt) -> list[Said]:
        """Each rule that differs from the default, in words, with the part that says it last."""
        found: dict[str, Said] = {}
        for part, source in self._parts(row.graph, row.node, row.policy):
            try:
                read_part(part)
            except InvalidPolicy:
                continue
            for each in described(part):
                found[each.key] = replace(each, source=source)
        return [found[key] for key in LABELS if key in found]

    def _read(self, graph: str, node: str, policy: str) -> Rules:
        found = Rules()
        for part, source in self._parts(graph, node, policy):
            try:
                found = found.with_part(part, source)
            except InvalidPolicy:
                continue
        return found

    def _parts(
        self, graph: str, node: str, policy: str
    ) -> list[tuple[Mapping[str, Any], str]]:
        item = registry.find(graph)
        parts: list[tuple[Mapping[str, Any], str]] = []
        if item is not None and item.policy:
            parts.append((item.policy, "register"))
        if policy:
            parts.append((_mapping(policy), "interrupt"))
        for place in (("", ""), (graph, ""), (graph, node)):
            row = self.newest.get(place)
            if row is not None:
                parts.append((_mapping(row.body), str(row)))
        return parts


class PolicyHistory:
    """The rules that held at a moment; all versions are read once.

    What the code of a workflow says is known as it is now only.
    """

    def __init__(self) -> None:
        self._versions = list(Policy.objects.order_by("version"))
        self._books: dict[frozenset[int], PolicyBook] = {}

    def rules(self, row: Interrupt, at: datetime) -> Rules:
        """The rules that held for the question at this moment."""
        then = [each for each in self._versions if each.created_at <= at]
        key = frozenset(each.pk for each in then)
        if key not in self._books:
            self._books[key] = PolicyBook(then)
        return self._books[key].rules(row)


def rules_for(row: Interrupt) -> Rules:
    """The rules that hold for one question."""
    return PolicyBook().rules(row)


def _mapping(text: str) -> Mapping[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
