"""People of the tests, made by three statements, and logged in by one for each of them."""

from collections.abc import Sequence
from datetime import timedelta
from importlib import import_module

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group, User
from django.contrib.sessions.backends.base import VALID_KEY_CHARS
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone
from django.utils.crypto import get_random_string

from workflows.services.access import ROLES, ensure_groups


def make_people(people: Sequence[User]) -> dict[str, User]:
    """Save these people, in the group of their name where it is a role; name -> person."""
    unusable = make_password(None)
    for person in people:
        person.password = unusable
    made = {person.username: person for person in User.objects.bulk_create(people)}
    if (groups := _groups()).keys() < set(ROLES):
        ensure_groups()
        groups = _groups()
    User.groups.through.objects.bulk_create(
        User.groups.through(user=made[name], group=groups[name])
        for name in ROLES
        if name in made
    )
    return made


def log_in(client: Client, person: User) -> None:
    """Give that browser a session of this person, as after a log-in long ago.

    `force_login` also makes a session for nobody first, and notes the time: fourteen
    statements and ten times as long.
    """
    key = get_random_string(32, VALID_KEY_CHARS)
    data = {
        SESSION_KEY: str(person.pk),
        BACKEND_SESSION_KEY: settings.AUTHENTICATION_BACKENDS[0],
        HASH_SESSION_KEY: person.get_session_auth_hash(),
    }
    encoded = import_module(settings.SESSION_ENGINE).SessionStore().encode(data)
    ends = timezone.now() + timedelta(days=14)
    Session(key, encoded, ends).save(force_insert=True)
    client.cookies[settings.SESSION_COOKIE_NAME] = key


def _groups() -> dict[str, Group]:
    return {group.name: group for group in Group.objects.filter(name__in=ROLES)}
