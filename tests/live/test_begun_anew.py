"""A thread that was deleted, and one that has begun under the same name since."""

import asyncio

from durableweb.checkpoint.django import DjangoSaver
from tests.live.conftest import (
    Mute,
    make_thread,
    next_frame,
    on_thread,
    open_socket,
    read_up_to,
    write_events,
)
from workflows.services import ports

PATH = "/ws/threads/t1/"


def delete_thread(thread_id: str = "t1") -> None:
    DjangoSaver().delete_thread(thread_id)


async def begun_anew(socket) -> None:
    """The frame that tells so; what is known of the old thread's numbers does not count."""
    frame = await next_frame(socket)
    assert frame == {"seq": 0, "refresh": True}


async def test_a_thread_begun_anew_under_its_name_is_told_from_its_beginning(viewer):
    await on_thread(make_thread, events=50)
    socket = await open_socket(PATH, viewer)
    assert (await read_up_to(socket, 50))[-1] == 50

    await on_thread(delete_thread)
    await on_thread(make_thread, events=2)

    await begun_anew(socket)
    assert await read_up_to(socket, 2) == [1, 2]
    await on_thread(write_events, "t1")
    assert await read_up_to(socket, 3) == [3]
    await socket.disconnect()


async def test_who_comes_back_to_a_thread_begun_anew_is_told_from_its_beginning(viewer):
    await on_thread(make_thread, events=2)

    socket = await open_socket(f"{PATH}?after=50", viewer)

    await begun_anew(socket)
    assert await read_up_to(socket, 2) == [1, 2]
    await socket.disconnect()


async def test_events_of_a_thread_that_is_gone_are_not_shown_for_those_of_another(
    viewer,
):
    await on_thread(make_thread)
    await on_thread(write_events, "t1", 1, "warning")
    socket = await open_socket(PATH, viewer)
    before = (await next_frame(socket))["html"]
    await socket.disconnect()

    await on_thread(delete_thread)
    await on_thread(make_thread, events=1)
    socket = await open_socket(PATH, viewer)

    assert (await next_frame(socket))["html"] != before
    await socket.disconnect()


async def test_a_late_word_of_a_thread_that_is_gone_holds_nobody_up(
    without_poll, viewer, publisher
):
    """It comes when nobody listens."""
    await on_thread(make_thread, events=1)
    publisher.wake("t1", 500)
    await asyncio.sleep(0.05)
    socket = await open_socket(PATH, viewer)
    assert await read_up_to(socket, 1) == [1]

    await on_thread(write_events, "t1")

    assert await read_up_to(socket, 2) == [2]
    await socket.disconnect()


async def test_a_late_word_in_front_of_the_news_holds_nobody_up(
    without_poll, viewer, publisher
):
    await on_thread(make_thread, events=1)
    socket = await open_socket(PATH, viewer)
    assert await read_up_to(socket, 1) == [1]
    ports.install(announcer=Mute())
    await on_thread(write_events, "t1")
    publisher._positions.clear()  # as after a thousand other threads

    publisher.wake("t1", 500)
    publisher.wake("t1", 2)

    assert await read_up_to(socket, 2) == [2]
    await socket.disconnect()
