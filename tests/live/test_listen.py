"""LISTEN on PostgreSQL: what a notification says, and a line that was cut."""

import asyncio

import pytest
from django.db import connection

from tests.live.conftest import (
    log_in,
    make_person,
    make_thread,
    on_thread,
    open_socket,
    read_up_to,
    write_events,
)
from workflows.live.listen import parse_payload


@pytest.mark.parametrize(
    ("payload", "news"),
    [
        ("t1 7", ("t1", 7)),
        ("a thread with spaces 12", ("a thread with spaces", 12)),
        ("t1", None),
        ("t1 x", None),
        (" 3", None),
        ("", None),
    ],
)
def test_a_payload_is_a_thread_and_a_number(payload, news):
    assert parse_payload(payload) == news


def cut_listeners() -> int:
    """End every connection of this database that listens."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
            " WHERE datname = current_database() AND query LIKE 'LISTEN%%'"
        )
        return int(cursor.fetchone()[0])


async def listening() -> None:
    for _ in range(1200):
        if await on_thread(count_listeners):
            return
        await asyncio.sleep(0.05)
    raise AssertionError("nobody listens after a minute")


def count_listeners() -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND query LIKE 'LISTEN%%'"
        )
        return int(cursor.fetchone()[0])


async def test_a_cut_line_is_taken_up_again_and_nothing_is_missed(db_kind, publisher):
    if db_kind != "postgresql":
        pytest.skip("there is no LISTEN on SQLite")
    # So that only notifications, and the look after a new connection, can tell.
    publisher._poll_seconds = 3600
    viewer = await on_thread(lambda: log_in(make_person("vera", "viewer")))
    await on_thread(make_thread)
    await listening()
    socket = await open_socket("/ws/threads/t1/", viewer)
    await on_thread(write_events, "t1", 2)
    assert await read_up_to(socket, 2) == [1, 2]

    assert await on_thread(cut_listeners) == 1
    await on_thread(write_events, "t1", 2)
    assert await read_up_to(socket, 4) == [3, 4]
    await listening()
    await on_thread(write_events, "t1")
    assert await read_up_to(socket, 5) == [5]

    await socket.disconnect()
