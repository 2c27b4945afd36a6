"""People with a session in the database of a server process, without a process for it."""

from __future__ import annotations

from contextlib import closing
from datetime import timedelta
from importlib import import_module
from typing import Any

from django.conf import settings
from django.contrib.auth import (
    BACKEND_SESSION_KEY,
    HASH_SESSION_KEY,
    SESSION_KEY,
    get_user_model,
)
from django.contrib.sessions.backends.base import VALID_KEY_CHARS
from django.utils import timezone
from django.utils.crypto import get_random_string

from tests.support.databases import open_database


def enter(database_url: str, people: dict[str, list[str]]) -> dict[str, str]:
    """Make these people (name -> groups) and log them in; returns the session of each.

    It speaks to the database by itself: a `manage.py shell` for it takes more than a second
    of a processor, and the ORM refuses a thread in which a browser's loop runs.
    """
    with closing(open_database(database_url)) as connection:
        into = _Rows(connection, "?" if database_url.startswith("sqlite") else "%s")
        sessions = {name: _enter(into, name, groups) for name, groups in people.items()}
        connection.commit()
    return sessions


class _Rows:
    """Finds and adds rows with the sign for a parameter that the database has."""

    def __init__(self, connection: Any, sign: str) -> None:
        self._cursor = connection.cursor()
        self._sign = sign

    def add(self, table: str, key: str, **values: Any) -> Any:
        """Add a row; returns its `key`."""
        signs = ", ".join([self._sign] * len(values))
        self._cursor.execute(
            f"INSERT INTO {table} ({', '.join(values)}) VALUES ({signs}) RETURNING {key}",
            tuple(values.values()),
        )
        return self._cursor.fetchone()[0]

    def group(self, name: str) -> int:
        """The number of the group of that name, which is made if there is none."""
        self._cursor.execute(
            f"SELECT id FROM auth_group WHERE name = {self._sign}", (name,)
        )
        found = self._cursor.fetchone()
        return int(found[0] if found else self.add("auth_group", "id", name=name))


def _enter(into: _Rows, name: str, groups: list[str]) -> str:
    person = get_user_model()(username=name, is_staff="admin" in groups)
    person.set_unusable_password()
    now = timezone.now()
    columns = {field.column: getattr(person, field.attname) for field in _fields()}
    columns |= {"date_joined": str(now), "last_login": str(now)}
    person.pk = into.add("auth_user", "id", **columns)
    for group in groups:
        into.add(
            "auth_user_groups", "id", user_id=person.pk, group_id=into.group(group)
        )
    store = import_module(settings.SESSION_ENGINE).SessionStore()
    data = {
        SESSION_KEY: str(person.pk),
        BACKEND_SESSION_KEY: settings.AUTHENTICATION_BACKENDS[0],
        HASH_SESSION_KEY: person.get_session_auth_hash(),
    }
    return str(
        into.add(
            "django_session",
            "session_key",
            session_key=get_random_string(32, VALID_KEY_CHARS),
            session_data=store.encode(data),
            expire_date=str(now + timedelta(days=14)),
        )
    )


def _fields() -> list[Any]:
    return [field for field in get_user_model()._meta.fields if not field.primary_key]
