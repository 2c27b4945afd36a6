"""The world of the table, and a browser for each person."""

from typing import Any

import pytest
from django.test import Client

from tests.live.conftest import publisher
from tests.permissions.world import World, make_world
from tests.support.persons import log_in
from tests.web.conftest import own_registry

__all__ = ["own_registry", "publisher"]


@pytest.fixture
def world(db: Any, own_registry: None) -> World:
    """People, workflows and rows."""
    return make_world()


@pytest.fixture
def browsers(world: World) -> dict[str, Client]:
    """One browser a person, logged in; nobody's is `anonymous`."""
    found = {"anonymous": Client()}
    for name, user in world.people.items():
        found[name] = Client()
        log_in(found[name], user)
    return found
