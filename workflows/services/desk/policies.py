"""Which rules hold for a question: those of the code, and what people changed since."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from workflows.models import Interrupt, Policy
from workflows.services import registry
from workflows.services.desk.rules import InvalidPolicy, Rules


def rules_for(row: Interrupt) -> Rules:
    """The rules that hold for this question now. A part that cannot be read is left out."""
    found = Rules()
    for part, source in _parts(row):
        try:
            found = found.with_part(part, source)
        except InvalidPolicy:
            continue
    return found


def _parts(row: Interrupt) -> list[tuple[Mapping[str, Any], str]]:
    item = registry.find(row.graph)
    parts: list[tuple[Mapping[str, Any], str]] = []
    if item is not None and item.policy:
        parts.append((item.policy, "register"))
    if row.policy:
        parts.append((_mapping(row.policy), "interrupt"))
    parts += [(_mapping(each.body), str(each)) for each in policies_of(row)]
    return parts


def policies_of(row: Interrupt) -> list[Policy]:
    """The newest active policy for every workflow, for the row's, and for its node."""
    places = [("", ""), (row.graph, ""), (row.graph, row.node)]
    newest: dict[tuple[str, str], Policy] = {}
    rows = Policy.objects.filter(graph__in=["", row.graph], node__in=["", row.node])
    for each in rows.order_by("version"):
        newest[(each.graph, each.node)] = each
    return [newest[p] for p in places if p in newest and newest[p].is_active]


def _mapping(text: str) -> Mapping[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
