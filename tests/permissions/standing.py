"""The world of a module that only looks at it: made once, in a transaction around its tests.

Import both fixtures into the module. What a test writes is taken back after it, as always.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import transaction
from django.test import Client

from tests.permissions.world import World, make_world
from tests.support.persons import log_in
from tests.support.registered import Books, put_back, registered

Made = tuple[World, Books, dict[str, Any]]


@pytest.fixture(scope="module")
def made_once(django_db_setup: None, django_db_blocker: Any) -> Iterator[Made]:
    """The world, its workflows, and the cookies of its people."""
    before = registered()
    put_back()
    with django_db_blocker.unblock(), transaction.atomic():
        world = make_world()
        graphs = registered()
        clients = {name: Client() for name in world.people}
        for name, client in clients.items():
            log_in(client, world.people[name])
        put_back(before)
        yield world, graphs, {name: each.cookies for name, each in clients.items()}
        transaction.set_rollback(True)


@pytest.fixture
def world(made_once: Made, db: None, own_registry: None) -> World:
    """The world, with its workflows registered for this test."""
    found, graphs, _ = made_once
    put_back(graphs)
    return found


@pytest.fixture
def browsers(made_once: Made, world: World) -> dict[str, Client]:
    """One browser a person, logged in; nobody's is `anonymous`."""
    found = {"anonymous": Client()}
    for name, cookies in made_once[2].items():
        found[name] = Client()
        found[name].cookies.update(cookies)
    return found
