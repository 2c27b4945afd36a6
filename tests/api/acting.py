"""What the tests of the acting part of the API share: what was noted of an act."""

import json
import secrets
from typing import Any

from django.contrib.auth.models import User

from tests.api.conftest import Program
from workflows.models import ApiToken, AuditEntry, Event
from workflows.services.tokens import digest_of
from workflows.storage.clock import machine_now

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


def demoted(person: User, *scopes: str) -> Program:
    """A program whose token was made when its owner might do all of this."""
    text = f"dw_{secrets.token_urlsafe(32)}"
    ApiToken.objects.create(
        owner=person,
        name=TOKEN,
        start=text[:11],
        digest=digest_of(text),
        scopes=" ".join(scopes),
        created_at=machine_now(),
    )
    return Program(text)
