"""The short way to Django's connection leads to the same one (`storage/connections.py`)."""

from __future__ import annotations

import asyncio
import threading

import pytest
from django.db import connections
from django.utils.connection import ConnectionDoesNotExist

from workflows.storage.connections import connection_of


def test_it_is_djangos_own_in_every_thread_and_loop():
    found = []

    def look():
        found.append((connection_of("default"), connections["default"]))

    async def look_in_a_loop():
        look()

    look()
    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    asyncio.run(look_in_a_loop())

    assert all(ours is djangos for ours, djangos in found)
    assert len({id(ours) for ours, _ in found}) == 3


def test_an_alias_that_is_none_is_told_as_by_django():
    with pytest.raises(ConnectionDoesNotExist, match="elsewhere"):
        connection_of("elsewhere")
