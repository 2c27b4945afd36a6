"""Which rules hold for a question: those of the code, and what people changed since."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cached_property
from typing import Any

from workflows.models import Interrupt, Policy
from workflows.services import registry
from workflows.services.desk.rules import InvalidPolicy, Rules
from workflows.storage.prepared import Prepared

Place = tuple[str, str]
_POLICIES = Prepared("FROM workflows_policy p ORDER BY p.version", p=Policy)


class PolicyBook:
    """The policies as they stand now, read once; make a new one per request."""

    def __init__(self) -> None:
        self._rules: dict[tuple[str, str, str], Rules] = {}

    @cached_property
    def newest(self) -> dict[Place, Policy]:
        """The newest policy of each (graph, node), where it is active."""
        found: dict[Place, Policy] = {}
        for (each,) in _POLICIES.rows():
            found[(each.graph, each.node)] = each
        return {place: each for place, each in found.items() if each.is_active}

    def rules(self, row: Interrupt) -> Rules:
        """The rules that hold for the question. A part that cannot be read is left out."""
        key = (row.graph, row.node, row.policy)
        if key not in self._rules:
            self._rules[key] = self._read(*key)
        return self._rules[key]

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


def rules_for(row: Interrupt) -> Rules:
    """The rules that hold for one question."""
    return PolicyBook().rules(row)


def _mapping(text: str) -> Mapping[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
