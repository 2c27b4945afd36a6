"""How a decision stands to the rules that held when it was made, in a reviewer's words."""

from __future__ import annotations

import json
from collections.abc import Collection

from workflows.models import AuditEntry, Decision
from workflows.services.desk.rules import Rules
from workflows.services.shapes import APPROVE, EDIT, RESPOND

_APPROVING = (APPROVE, EDIT, RESPOND)
_TIMEOUTS = {
    "answer": "time ran out: the default answer was given",
    "reject": "time ran out: it was rejected",
    "workflow": "time ran out: the workflow went on without an answer",
}


def policy_result(
    decision: Decision, rules: Rules, approvals: int, is_override: bool
) -> tuple[str, ...]:
    """Such as `2 of 2`, `four eyes kept`. `approvals` is how many votes its round has."""
    if decision.kind == Decision.Kind.TIMEOUT:
        return (_TIMEOUTS.get(rules.timeout_action, "time ran out"),)
    found = []
    if decision.kind in _APPROVING:
        found.append(f"{max(approvals, 1)} of {max(rules.quorum, approvals, 1)}")
    elif rules.quorum > 1:
        found.append(f"one is enough for this; {approvals} of {rules.quorum} approved")
    if is_override:
        found.append("by right of an admin")
    elif rules.four_eyes:
        found.append("four eyes kept")
    return tuple(found)


def overrides(decisions: Collection[Decision]) -> frozenset[int]:
    """Those of these decisions that an admin made who was not asked, as the audit says."""
    threads = {each.interrupt.thread_id for each in decisions}
    numbers = {each.pk for each in decisions}
    entries = AuditEntry.objects.filter(
        thread__in=threads, action="question.decided", data__contains='"override": true'
    )
    found = (json.loads(text) for text in entries.values_list("data", flat=True))
    return frozenset(
        each["decision"] for each in found if each.get("decision") in numbers
    )
