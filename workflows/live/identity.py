"""Who is at the other end of a socket, and whether that is still so.

The session cookie is read without ever writing: the look-up that Channels ships flushes a
session whose hash does not fit, so rotating SECRET_KEY would log people out through their
sockets. Fallback keys are honoured as Django's own log-in does.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from importlib import import_module
from typing import Any

from django.conf import settings
from django.contrib.auth import (
    BACKEND_SESSION_KEY,
    HASH_SESSION_KEY,
    SESSION_KEY,
    get_user_model,
    load_backend,
)
from django.contrib.sessions.models import Session
from django.utils import timezone
from django.utils.crypto import constant_time_compare

SESSIONS_IN_DATABASE = (
    "django.contrib.sessions.backends.db",
    "django.contrib.sessions.backends.cached_db",
    "workflows.web.signed_in",
)


@dataclass(frozen=True, slots=True)
class Visitor:
    """A logged-in person as of the moment they were looked up.

    `standing` is everything that rights are made from: when it differs, they are made anew.
    """

    person: Any
    session_key: str
    session_hash: str
    standing: tuple[Any, ...]


def session_key_of(scope: dict[str, Any]) -> str | None:
    """The session cookie of a websocket handshake, if there is exactly a readable one."""
    for name, value in scope["headers"]:
        if name == b"cookie":
            try:
                cookies = SimpleCookie(value.decode("latin1"))
            except CookieError:
                return None
            morsel = cookies.get(settings.SESSION_COOKIE_NAME)
            return morsel.value if morsel else None
    return None


def visitor_of(scope: dict[str, Any]) -> Visitor | None:
    """The active person whose session the handshake carries, or None."""
    session_key = session_key_of(scope)
    if not session_key:
        return None
    store = import_module(settings.SESSION_ENGINE).SessionStore(session_key)
    data = store.load()
    path = data.get(BACKEND_SESSION_KEY)
    if path not in settings.AUTHENTICATION_BACKENDS or SESSION_KEY not in data:
        return None
    person_id = get_user_model()._meta.pk.to_python(data[SESSION_KEY])
    person = load_backend(path).get_user(person_id)
    session_hash = data.get(HASH_SESSION_KEY, "")
    if person is None or not person.is_active or not _fits(person, session_hash):
        return None
    return Visitor(person, session_key, session_hash, _standing(person))


def _fits(person: Any, session_hash: str) -> bool:
    own = [person.get_session_auth_hash(), *person.get_session_auth_fallback_hash()]
    return any(constant_time_compare(session_hash, each) for each in own)


def _standing(person: Any) -> tuple[Any, ...]:
    groups = frozenset(group.name for group in person.groups.all())
    return (person.is_superuser, groups)


def look_again(visitors: Iterable[Visitor]) -> dict[str, Visitor | None]:
    """Everyone's present standing by session key; None for who may not stay.

    Three queries for however many sockets: people, their groups, their sessions.
    """
    visitors = list(visitors)
    ids = {visitor.person.pk for visitor in visitors}
    people = {
        person.pk: person
        for person in get_user_model()
        .objects.filter(pk__in=ids, is_active=True)
        .prefetch_related("groups")
    }
    alive = _alive_sessions({visitor.session_key for visitor in visitors})
    found: dict[str, Visitor | None] = {}
    for visitor in visitors:
        key = visitor.session_key
        person = people.get(visitor.person.pk)
        if (
            person is None
            or key not in alive
            or not _fits(person, visitor.session_hash)
        ):
            found[key] = None
        else:
            found[key] = Visitor(person, key, visitor.session_hash, _standing(person))
    return found


def _alive_sessions(keys: set[str]) -> set[str]:
    if settings.SESSION_ENGINE in SESSIONS_IN_DATABASE:
        rows = Session.objects.filter(
            session_key__in=keys, expire_date__gt=timezone.now()
        )
        return set(rows.values_list("session_key", flat=True))
    store = import_module(settings.SESSION_ENGINE).SessionStore()
    return {key for key in keys if store.exists(key)}
