"""Run inside `manage.py shell`: a reviewer who is logged in, and the work they find."""

import sys

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.test import Client

from workflows.models import Interrupt, Policy
from workflows.services.start_run import StartRun

REASONS = ["not allowed", "wrong customer", "ask again next month"]
SHAPES = (
    *("text", "form", "refuse", "text", "change"),
    *("tool", "form", "refuse", "text", "change"),
)


def fill(items: int) -> None:
    """Start that many runs; prints the session of the reviewer."""
    person = get_user_model()(username="reviewer")
    person.set_unusable_password()
    person.save()
    person.groups.set(Group.objects.filter(name__in=["reviewer", "operator"]))
    Policy.objects.create(body='{"reasons": ["' + '", "'.join(REASONS) + '"]}')
    for number in range(items):
        work = {"shape": SHAPES[number % len(SHAPES)], "number": number}
        StartRun(person, "mixed", work).execute()
    client = Client()
    client.force_login(person)
    sys.stdout.write(f"session {client.session.session_key}\n")


def waiting() -> None:
    """Print how many questions are open."""
    sys.stdout.write(f"waiting {Interrupt.objects.filter(status='pending').count()}\n")
