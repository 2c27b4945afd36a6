"""Live pages while the database does not answer: few words, no traceback, and news after it."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from django.db import OperationalError

from tests.live.conftest import (
    DEADLINE_SECONDS,
    closed_with,
    handshake,
    make_thread,
    on_thread,
    open_socket,
    read_up_to,
)
from workflows.live import away, consumers, feed, identity

PATH = "/ws/threads/t1/"


class Line:
    """The line to the database, which may be cut."""

    def __init__(self) -> None:
        self.is_cut = True

    def behind(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, while the line holds."""

        def ask(*args: Any) -> Any:
            if self.is_cut:
                raise OperationalError("connection refused\nIs the server running?")
            return function(*args)

        return ask


@pytest.fixture
def line() -> Line:
    away.seldom.forget()
    return Line()


def said(caplog) -> list[str]:
    assert not [each for each in caplog.records if each.exc_info]
    return [each.getMessage() for each in caplog.records if each.name == away.__name__]


async def test_sockets_that_cannot_be_opened_are_refused_in_one_line(
    viewer, line, monkeypatch, caplog
):
    monkeypatch.setattr(identity, "visitor_of", line.behind(identity.visitor_of))
    await on_thread(make_thread, events=1)
    for _ in range(3):
        socket = handshake(PATH, viewer)
        assert (await socket.connect(timeout=DEADLINE_SECONDS))[0] is False

    assert said(caplog) == [
        "the database did not answer a live socket that was to be opened; "
        "live pages wait until it does: connection refused"
    ]
    line.is_cut = False
    socket = await open_socket(PATH, viewer)
    assert await read_up_to(socket, 1) == [1]
    await socket.disconnect()


async def test_sockets_that_cannot_catch_up_end_in_one_line(
    viewer, line, monkeypatch, caplog
):
    monkeypatch.setattr(consumers, "_missed", line.behind(consumers._missed))
    await on_thread(make_thread, events=1)
    for _ in range(3):
        socket = await open_socket(PATH, viewer)
        assert await closed_with(socket) == consumers.FAILED

    assert len(said(caplog)) == 1


async def test_what_looks_again_and_again_says_so_once(
    publisher, line, monkeypatch, caplog
):
    looks, enough = [], asyncio.Event()

    def count(*_: Any) -> None:
        looks.append(1)
        if len(looks) == 5:
            publisher.loop.call_soon_threadsafe(enough.set)
        raise OperationalError("connection refused")

    await publisher.ready.wait()
    monkeypatch.setattr(feed, "threads_with_news", count)
    publisher._poll_seconds = 0.01
    async with asyncio.timeout(DEADLINE_SECONDS):
        await enough.wait()

    assert len(said(caplog)) == 1
