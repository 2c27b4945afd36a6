"""The people of the demo: one for each role, and `demo`, who may start and review."""

import secrets
from dataclasses import dataclass

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractUser, Group
from django.db import transaction

from workflows.services import access


@dataclass(frozen=True)
class Sample:
    """Somebody to log in as; `purpose` is what the console says about them."""

    name: str
    roles: tuple[str, ...]
    purpose: str


SAMPLES = (
    Sample("demo", (access.REVIEWER, access.OPERATOR), "starts runs and answers them"),
    Sample("viewer", (access.VIEWER,), "sees everything, changes nothing"),
    Sample("reviewer", (access.REVIEWER,), "answers questions"),
    Sample("operator", (access.OPERATOR,), "starts runs, continues failed ones"),
    Sample("admin", (access.ADMIN,), "may do everything, also in /admin/"),
)


def make(sample: Sample) -> str | None:
    """Make this person and return the password, or None if the name is taken.

    Somebody who is there already keeps password and groups: it may be a real person.
    """
    users = get_user_model()
    if users.objects.filter(username=sample.name).exists():
        return None
    is_admin = access.ADMIN in sample.roles
    password = secrets.token_urlsafe(9)
    with transaction.atomic():
        person = users.objects.create_user(
            sample.name,
            # Of a domain that exists nowhere: without EMAIL_URL mails go to the console.
            email=f"{sample.name}@demo.invalid",
            password=password,
            is_staff=is_admin,
            is_superuser=is_admin,
        )
        access.ensure_groups()
        person.groups.set(Group.objects.filter(name__in=sample.roles))
    return password


def find(name: str) -> AbstractUser:
    """The person of that name."""
    found: AbstractUser = get_user_model().objects.get(username=name)
    return found
