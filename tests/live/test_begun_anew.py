"""A thread that was deleted, and one that has begun under the same name since."""

import asyncio

from django.utils.dateformat import format as date_format

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
from workflows.live import feed, frames
from workflows.live.hub import ThreadFrame, thread_topic
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


async def test_so_is_one_that_has_more_events_than_the_one_before(without_poll, viewer):
    await on_thread(make_thread, events=3)
    socket = await open_socket(PATH, viewer)
    assert await read_up_to(socket, 3) == [1, 2, 3]

    await on_thread(delete_thread)
    await on_thread(make_thread, events=5)

    await begun_anew(socket)
    assert await read_up_to(socket, 5) == [1, 2, 3, 4, 5]
    await on_thread(write_events, "t1")
    assert await read_up_to(socket, 6) == [6]
    await socket.disconnect()


async def test_one_with_as_many_events_is_found_by_the_poll(viewer, publisher):
    await on_thread(make_thread, events=1)
    socket = await open_socket(PATH, viewer)
    assert await read_up_to(socket, 1) == [1]
    await on_thread(write_events, "t1", 2)
    assert await read_up_to(socket, 3) == [2, 3]
    ports.install(announcer=Mute())
    publisher._poll_seconds = 0.05

    await on_thread(delete_thread)
    await on_thread(make_thread, events=3)

    await begun_anew(socket)
    assert await read_up_to(socket, 3) == [1, 2, 3]
    await socket.disconnect()


async def test_what_the_poll_finds_of_a_thread_that_was_told_is_read_once(
    viewer, publisher, monkeypatch
):
    await on_thread(make_thread, events=1)
    socket = await open_socket(PATH, viewer)
    assert await read_up_to(socket, 1) == [1]
    asked, read = [], feed.events_of_threads

    def counted(positions):
        asked.append(positions)
        return read(positions)

    monkeypatch.setattr(feed, "events_of_threads", counted)
    await on_thread(write_events, "t1", 2)
    assert await read_up_to(socket, 3) == [2, 3]
    so_far = len(asked)

    for _ in range(3):
        await publisher._poll_once()
    await asyncio.sleep(0.05)

    assert len(asked) == so_far
    await socket.disconnect()


async def test_who_comes_back_with_the_page_of_another_is_told_from_its_beginning(
    viewer,
):
    old = await on_thread(make_thread, events=2)
    await on_thread(delete_thread)
    new = await on_thread(make_thread, events=4)

    socket = await open_socket(f"{PATH}?after=2&begun={stamp(old)}", viewer)
    await begun_anew(socket)
    assert await read_up_to(socket, 4) == [1, 2, 3, 4]
    await socket.disconnect()
    socket = await open_socket(f"{PATH}?after=2&begun={stamp(new)}", viewer)
    assert await read_up_to(socket, 4) == [3, 4]
    await socket.disconnect()


def stamp(thread) -> str:
    """As the pages have it."""
    return date_format(thread.created_at, "U.u")


async def test_late_news_of_a_thread_that_is_gone_is_not_told_of_another(
    viewer, publisher
):
    old = await on_thread(make_thread, events=2)
    await on_thread(delete_thread)
    await on_thread(make_thread, events=2)
    socket = await open_socket(PATH, viewer)
    assert await read_up_to(socket, 2) == [1, 2]

    late = ThreadFrame(3, 3, frames.encode(seq=3, html="late"), True, old.created_at)
    publisher.hub.publish(thread_topic("t1"), late)
    await on_thread(write_events, "t1")

    assert await read_up_to(socket, 3) == [3]
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
