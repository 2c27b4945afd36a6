"""What the storage tests share: a file database on SQLite, and builders of commits."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="session")
def django_db_modify_db_settings(tmp_path_factory):
    """Races need real connections, so SQLite is a file and not memory."""
    from django.conf import settings

    database = settings.DATABASES["default"]
    if "sqlite" in database["ENGINE"]:
        folder = tmp_path_factory.mktemp("db")
        database.setdefault("TEST", {})["NAME"] = str(folder / "storage.sqlite3")


@pytest.fixture(autouse=True)
def _no_leases_left():
    """Runs that a test leaves open are not renewed in the tests after it."""
    yield
    from workflows.storage.leases import keeper

    keeper.clear()
