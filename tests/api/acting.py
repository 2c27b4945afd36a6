"""What the tests of the acting part of the API share: what was noted of an act."""

import json
from typing import Any

from workflows.models import AuditEntry, Event

TOKEN = "a program"


def noted(action: str) -> dict[str, Any]:
    """The one entry of the audit about this act, with channel and token checked."""
    entry = AuditEntry.objects.get(action=action)
    assert entry.channel == "api"
    data: dict[str, Any] = json.loads(entry.data)
    assert data["token"].startswith(f"{TOKEN} (dw_")
    return {"person": entry.person_name, "subject": entry.subject, **data}


def told(kind: str, thread_id: str) -> dict[str, Any]:
    """What the last event of this kind says."""
    rows = Event.objects.filter(thread=thread_id, kind=kind).order_by("-seq")
    data: dict[str, Any] = json.loads(rows[0].data)
    return data
