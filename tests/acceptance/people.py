"""Run inside `manage.py shell`: what people start, and what came of what they did."""

import json
import sys
import time
from collections import Counter

from django.contrib.auth import get_user_model

from workflows.models import AuditEntry, Interrupt
from workflows.services.desk.audit import verify
from workflows.services.start_run import StartRun


def start(name: str, graph: str, count: int) -> None:
    """Start so many runs and wait until each asks; prints the numbers of the questions."""
    person = get_user_model()._default_manager.get(username=name)
    runs = [StartRun(person, graph, {"wanted": 1}).execute().pk for _ in range(count)]
    asked = Interrupt.objects.filter(run__in=runs, status=Interrupt.Status.PENDING)
    deadline = time.monotonic() + 60 + count
    while asked.count() < count:
        if time.monotonic() > deadline:
            sys.exit(f"{asked.count()} of {count} runs ask")
        time.sleep(0.2)
    numbers = [*asked.order_by("pk").values_list("pk", flat=True)]
    sys.stdout.write(f"asked {json.dumps(numbers)}\n")


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
