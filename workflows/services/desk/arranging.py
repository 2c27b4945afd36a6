"""A question was asked: apply its rules, and note what the queue filters by."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.db.models import F

from workflows.engine import serde
from workflows.engine.errors import SerdeError
from workflows.models import Interrupt, QuestionField
from workflows.models.interrupt import END_OF_TIME
from workflows.services import registry
from workflows.services.access import Rights
from workflows.services.desk.notify import tell_reviewers
from workflows.services.desk.policies import rules_for
from workflows.services.desk.rules import InvalidPolicy, read_part
from workflows.services.desk.steps import next_step
from workflows.services.outbound.events import ASKED, tell_question
from workflows.services.state import read_state
from workflows.storage.events import append_events
from workflows.storage.sealing import vault

MOST_FIELDS = 60
DEEPEST = 3
LONGEST_TEXT = 300


def arrange_new(thread_id: str, using: str = "default") -> int:
    """Arrange the questions of a thread that were asked since; returns how many.

    Called in the transaction that ends the run which asked.
    """
    rows = Interrupt.objects.using(using).filter(
        thread_id=thread_id, status=Interrupt.Status.PENDING
    )
    fresh = list(rows.exclude(arranged_round=F("round")).select_related("thread"))
    for row in fresh:
        _arrange(row, using)
    return len(fresh)


def _arrange(row: Interrupt, using: str) -> None:
    problem = _problem_of(row.policy)
    if problem:
        told = {"text": f"The policy of question #{row.pk} is not used: {problem}"}
        append_events(using, row.thread_id, row.run_id, [("warning", told)])
    rules = rules_for(row)
    first = row.arranged_round == 0
    if first:
        row.priority = rules.priority
        if rules.assign_group:
            row.assigned_group = Group.objects.filter(name=rules.assign_group).first()
        if rules.assign_person:
            users = get_user_model()._default_manager
            name = get_user_model().USERNAME_FIELD
            row.assignee = users.filter(**{name: rules.assign_person}).first()
    if rules.due is not None and (first or row.due_at is None):
        row.due_at = row.asked_at + timedelta(seconds=rules.due)
    row.due_order = row.due_at or END_OF_TIME
    row.next_step_at = next_step(row, rules, row.asked_at)
    row.arranged_round = row.round
    row.save(
        update_fields=[
            *("priority", "assigned_group", "assignee", "due_at", "due_order"),
            *("next_step_at", "arranged_round"),
        ]
    )
    if vault() is None:  # what is encrypted is not written down beside it
        note_fields(row)
    tell_reviewers(row, "asked", f"“{row.title}” waits for an answer")
    tell_question(ASKED, row)


def note_fields(row: Interrupt) -> None:
    """Write down the scalar values of payload and state, for the queue's filters."""
    item = registry.find(row.graph)
    secret = item.secret if item else frozenset()
    found: dict[tuple[str, str], Any] = {}
    try:
        payload = serde.tree(row.value)
    except SerdeError:
        payload = None
    if isinstance(payload, Mapping):
        found.update((("payload", n), v) for n, v in _scalars(payload))
    state = read_state(row.thread, Rights(None)) if item else None
    for each in state.fields if state else ():
        if each.name not in secret and not each.is_masked:
            values = _scalars({each.name: each.tree})
            found.update((("state", n), v) for n, v in values)
    QuestionField.objects.filter(interrupt=row).delete()
    QuestionField.objects.bulk_create(
        QuestionField(
            interrupt=row,
            source=source,
            name=name,
            text=_text(value)[:LONGEST_TEXT],
            number=_number(value),
        )
        for (source, name), value in [*found.items()][:MOST_FIELDS]
    )


def _scalars(
    tree: Mapping[str, Any], prefix: str = "", depth: int = 1
) -> Iterator[tuple[str, Any]]:
    for key, value in tree.items():
        name = f"{prefix}{key}"
        if len(name) > 200 or "$" in str(key):
            continue
        if value is None or isinstance(value, str | int | float | bool):
            yield name, value
        elif isinstance(value, Mapping) and depth < DEEPEST:
            yield from _scalars(value, f"{name}.", depth + 1)


def _text(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return text.replace("\0", "").encode("utf-8", "replace").decode("utf-8")


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or value is None:
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if abs(number) < 1e300 else None


def _problem_of(policy: str) -> str:
    if not policy:
        return ""
    try:
        read_part(json.loads(policy))
    except (InvalidPolicy, ValueError, AttributeError) as error:
        return str(error)
    return ""
