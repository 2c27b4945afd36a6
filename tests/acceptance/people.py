"""Run inside `manage.py shell`: what people start, and what came of what they did."""

import json
import sys
import time
from collections import Counter
from typing import Any

from django.contrib.auth import get_user_model

from workflows.models import AuditEntry, Interrupt, Run
from workflows.services.access import Rights
from workflows.services.desk.audit import verify
from workflows.services.start_run import StartRun
from workflows.services.state import read_state
from workflows.services.tokens import MakeToken


def start(
    name: str, graph: str, count: int, given: dict[str, Any] | None = None
) -> None:
    """Start so many runs and wait until each asks; prints the numbers of the questions."""
    given = {"wanted": 1} if given is None else given
    person = get_user_model()._default_manager.get(username=name)
    runs = [StartRun(person, graph, given).execute().pk for _ in range(count)]
    asked = Interrupt.objects.filter(run__in=runs, status=Interrupt.Status.PENDING)
    deadline = time.monotonic() + 60 + count
    while asked.count() < count:
        if time.monotonic() > deadline:
            sys.exit(f"{asked.count()} of {count} runs ask")
        time.sleep(0.2)
    numbers = [*asked.order_by("pk").values_list("pk", flat=True)]
    sys.stdout.write(f"asked {json.dumps(numbers)}\n")


def make_tokens(names: list[str]) -> None:
    """Make a token for each of these people, with which programs decide; prints their texts by name."""
    people = get_user_model()._default_manager.filter(username__in=names)
    scopes = frozenset({"read", "decide"})
    texts = {
        str(person.get_username()): MakeToken(person, "races", scopes).execute()[1]
        for person in people
    }
    sys.stdout.write(f"tokens {json.dumps(texts)}\n")


def tell_edits() -> None:
    """Print of each question how often its state was edited, and what the state says now."""
    audited = Counter(
        AuditEntry.objects.filter(action="state.edited").values_list(
            "thread", flat=True
        )
    )
    rights = Rights(get_user_model()._default_manager.get(username="admin"))
    found = {}
    for row in Interrupt.objects.select_related("thread").order_by("id"):
        state = {part.name: part.tree for part in read_state(row.thread, rights).fields}
        found[row.pk] = {
            "edits": row.thread.runs.filter(kind=Run.Kind.EDIT).count(),
            "audited": audited[row.thread_id],
            "decisions": row.decisions.count(),
            "said": (state.get("more") or {}).get("said", ""),
        }
    sys.stdout.write(f"edits {json.dumps(found)}\n")


def tell_questions() -> None:
    """Print every question: number, version, round, status, and what was decided about it.

    `audited` counts the audit's entries of a decision, which are of the same transaction.
    """
    audited = Counter(
        AuditEntry.objects.filter(action="question.decided").values_list(
            "subject", flat=True
        )
    )
    found = [
        {
            "number": row.pk,
            "version": row.version,
            "round": row.round,
            "status": row.status,
            "decisions": [
                [each.kind, each.person_name, each.idempotency_key]
                for each in row.decisions.all()
            ],
            "audited": audited[f"question {row.pk}"],
        }
        for row in Interrupt.objects.order_by("id").prefetch_related("decisions")
    ]
    sys.stdout.write(f"questions {json.dumps(found)}\n")
    sys.stdout.write(f"faults {json.dumps([each.text for each in verify()])}\n")
