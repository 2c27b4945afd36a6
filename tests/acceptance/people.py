"""Run inside `manage.py shell`: what came of what people did."""

import json
import sys
from collections import Counter

from workflows.models import AuditEntry, Interrupt
from workflows.services.desk.audit import verify


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
