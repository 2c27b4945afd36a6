"""What the storage tests share."""

from __future__ import annotations

import pytest

from workflows.storage.leases import keeper

# A race needs transactions of its own, and an emptied database after it. Naming the apps
# keeps Django from emptying every table of every app and making all permissions anew.
real_transactions = pytest.mark.django_db(
    transaction=True,
    available_apps=[
        "django.contrib.contenttypes",
        "django.contrib.auth",
        "workflows",
    ],
)


@pytest.fixture(autouse=True)
def _no_leases_left():
    """Runs that a test leaves open are not renewed in the tests after it."""
    yield
    keeper.clear()
