"""The workflows of this site as a person may see them: what each is, and what they may do with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from workflows.services import registry
from workflows.services.access import Person, Rights
from workflows.services.action import NotVisible
from workflows.services.send_update import updates_of


@dataclass(frozen=True)
class WorkflowRecord:
    """One workflow. `input_schema` (JSON Schema) is given to those who start it, where it can be described."""

    name: str
    title: str
    description: str
    may_start: bool
    may_decide: bool
    may_edit: bool
    editable: tuple[str, ...]
    queue: str
    input_schema: Mapping[str, Any] | None = None
    updates: tuple[str, ...] = ()


def workflow_list(person: Person) -> list[WorkflowRecord]:
    """Those that the person may see and lists offer, by title; without their schemas."""
    rights = Rights(person)
    return [
        _record(item, rights)
        for item in registry.offered()
        if rights.can_see(item.name)
    ]


def workflow_detail(person: Person, name: str) -> WorkflowRecord:
    """One of them; raises NotVisible."""
    item, rights = registry.find(name), Rights(person)
    if item is None or item.hidden or not rights.can_see(name):
        raise NotVisible("workflow", name)
    # As the page of its start: nobody else is shown what it takes.
    schema = item.input_jsonschema() if rights.is_operator_of(name) else None
    return _record(item, rights, schema)


def _record(
    item: registry.Registered,
    rights: Rights,
    schema: Mapping[str, Any] | None = None,
) -> WorkflowRecord:
    return WorkflowRecord(
        name=item.name,
        title=item.title,
        description=item.description,
        may_start=rights.can_start(item.name),
        may_decide=rights.can_decide(item.name),
        may_edit=bool(item.editable) and rights.can_edit(item.name),
        editable=tuple(sorted(item.editable)),
        queue=item.queue,
        input_schema=schema,
        updates=tuple(sorted(updates_of(item.name))),
    )
