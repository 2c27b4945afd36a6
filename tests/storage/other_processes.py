"""Processes on the database of the tests, and whether the server has seen that they are gone."""

from __future__ import annotations

import os
import time

from django.db import connection


def database_url() -> str:
    settings = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{settings['NAME']}"
    user, password = settings["USER"], settings["PASSWORD"]
    place = f"{settings['HOST']}:{settings['PORT']}/{settings['NAME']}"
    return f"postgres://{user}:{password}@{place}"


def other_backends() -> set[int]:
    """The processes of a PostgreSQL server that work for other connections to this database."""
    if connection.vendor == "sqlite":
        return set()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pid FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            " AND backend_type = 'client backend'"
        )
        return {pid for (pid,) in cursor.fetchall()}


def wait_until_gone(before: set[int]) -> None:
    """Wait for the server to see that the killed one is gone: what it was sent last is carried out first."""
    end = time.monotonic() + 60
    while other_backends() - before:
        assert time.monotonic() < end, "a killed process is still served"
        time.sleep(0.01)


def environment() -> dict[str, str]:
    """That of a process on this database."""
    return {
        **os.environ,
        "DATABASE_URL": database_url(),
        "DJANGO_SETTINGS_MODULE": "durableweb.settings",
    }
