"""Only for the host's settings: the product's own tests have no shop."""

import pytest
from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group

collect_ignore_glob = [] if settings.ROOT_URLCONF == "tests.host.urls" else ["*"]


@pytest.fixture
def people(db):
    """A reviewer, a shop assistant who is on the staff and reviews nothing, a customer."""
    reviewer = Group.objects.get_or_create(name="reviewer")[0]
    make = get_user_model().objects.create_user
    rita = make("rita", password="rita", is_staff=True, is_superuser=False)
    rita.groups.add(reviewer)
    sam = make("sam", password="sam", is_staff=True, is_superuser=False)
    return {"rita": rita, "sam": sam, "carl": make("carl", password="carl")}
