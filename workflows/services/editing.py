"""Who may edit the state of a thread, and how new values are written to its channels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workflows.engine.channels import BinaryOperatorAggregate
from workflows.engine.types import Overwrite
from workflows.models import Interrupt, Thread
from workflows.services import registry
from workflows.services.access import EDIT, Person
from workflows.services.action import NotAllowed
from workflows.services.desk.deciding import (
    RELATED,
    ClaimedByOther,
    Decider,
    holder_of,
)
from workflows.storage.clock import machine_now


def check_editor(
    person: Person, thread: Thread, question: int = 0, scope: str = EDIT
) -> None:
    """Raise NotAllowed or ClaimedByOther unless the person may edit this thread now.

    Who operates the workflow may. Whoever else edits it does so as a reviewer: while it waits
    for an answer to a question that is put to them, number `question` or any. `scope` is what
    a token needs for it.
    """
    decider = Decider(person)
    decider.rights.require_scope(scope)
    rows = _asked_of(decider, thread, question, scope)
    if rows is None:
        return
    if not rows:
        raise NotAllowed(
            "You may see this thread but not edit its state: reviewers edit it while it "
            "waits for an answer that they may give."
        )
    now = machine_now()
    me = getattr(person, "pk", None)
    holders = [holder_of(row, now) for row in rows]
    if all(holder not in {None, me} for holder in holders):
        row = rows[0]
        raise ClaimedByOther(
            f"Question #{row.pk} is claimed by {row.claimed_by}. Take it over to edit "
            "the state that it was asked on.",
            who=str(row.claimed_by),
            when=row.claimed_until,
            kind="claimed",
        )


def may_edit(
    decider: Decider, thread: Thread, question: int = 0, scope: str = EDIT
) -> bool:
    """Whether the person has business in the editor of this thread, claims aside."""
    if not decider.rights.allows(scope):
        return False
    rows = _asked_of(decider, thread, question, scope)
    return rows is None or bool(rows)


def _asked_of(
    decider: Decider, thread: Thread, question: int, scope: str
) -> list[Interrupt] | None:
    """The open questions that let a reviewer edit; None for whoever needs no question."""
    rights = decider.rights
    may = rights.can_edit if scope == EDIT else rights.can_operate
    if may(thread.graph):
        return None
    rows = Interrupt.objects.filter(thread=thread, status=Interrupt.Status.PENDING)
    if question:
        rows = rows.filter(pk=question)
    return [row for row in rows.select_related(*RELATED) if decider.is_asked(row)]


def as_written(
    graph: str, values: Mapping[str, Any], updates: Mapping[str, Any]
) -> dict[str, Any]:
    """What goes to the channels: `values` take the place of what is there, `updates` are folded in.

    A channel with a reducer would fold a new value into the old one, so there the value is
    marked to replace it (R2.5).
    """
    with_reducer = reducers(graph)
    return {
        **{
            name: Overwrite(value) if name in with_reducer else value
            for name, value in values.items()
        },
        **updates,
    }


def reducers(graph: str) -> dict[str, str]:
    """The channels that fold what they are given, with the name of the function that does it."""
    item = registry.find(graph)
    program = getattr(item.graph, "program", None) if item else None
    if program is None:
        return {}
    return {
        name: getattr(channel.operator, "__name__", type(channel.operator).__name__)
        for name, channel in program.channels.items()
        if isinstance(channel, BinaryOperatorAggregate)
    }
