"""A thread's socket: who gets in, and that nobody misses or repeats an event."""

import asyncio
import threading

import pytest
from autobahn.exception import Disconnected
from django.contrib.auth import get_user_model
from django.contrib.sessions.models import Session

from tests.live.conftest import (
    DEADLINE_SECONDS,
    SECRET_GRAPH,
    Mute,
    closed_with,
    handshake,
    make_thread,
    next_frame,
    on_thread,
    open_socket,
    read_up_to,
    write_events,
)
from workflows.live import consumers, identity, publish
from workflows.models import Awaited, Thread
from workflows.services import ports
from workflows.storage.events import append_events

PATH = "/ws/threads/t1/"


def person_of(name: str) -> int:
    return get_user_model().objects.get(username=name).pk


async def refused(*args, **kwargs) -> bool:
    accepted, _ = await handshake(*args, **kwargs).connect(timeout=DEADLINE_SECONDS)
    return not accepted


async def test_it_tells_what_was_missed_and_then_what_happens(viewer):
    await on_thread(make_thread, events=5)
    socket = await open_socket(f"{PATH}?after=2", viewer)

    assert await read_up_to(socket, 5) == [3, 4, 5]
    await on_thread(write_events, "t1", 3)
    assert await read_up_to(socket, 8) == [6, 7, 8]
    await socket.disconnect()


async def test_a_frame_ends_with_the_status_of_the_thread(viewer):
    await on_thread(make_thread, events=1)
    socket = await open_socket(PATH, viewer)

    frame = await next_frame(socket)

    assert frame["seq"] == 1
    assert 'id="thread-status"' in frame["html"]
    await socket.disconnect()


@pytest.mark.rule("RB.1")
async def test_the_status_says_what_sleeps_and_until_when(viewer):
    await on_thread(make_thread)
    data = {"task": "a", "node": "nap", "status": "waiting", "namespace": ""}
    await on_thread(append_events, "default", "t1", None, [("task", data)])
    threads = Thread.objects.filter(pk="t1")
    await threads.aupdate(status="waiting", wake_at="2099-11-24T08:49Z")
    socket = await open_socket(PATH, viewer)

    html = (await next_frame(socket))["html"]

    assert "Waiting" in html
    assert "Sleeps in <code>nap</code> until" in html
    assert "24 Nov 2099, 08:49" in html
    await socket.disconnect()


@pytest.mark.rule("RB.5")
async def test_a_thread_that_was_started_is_named_by_the_page_and_not_by_the_frame(
    viewer,
):
    """A frame is for all who watch; some may not see the other thread."""
    await on_thread(make_thread, "t2", SECRET_GRAPH)
    await Thread.objects.filter(pk="t2").aupdate(title="Salaries of May")
    await on_thread(make_thread)
    told = {"thread": "t2", "graph": SECRET_GRAPH, "node": "pay"}
    await on_thread(append_events, "default", "t1", None, [("child", told)])
    thread = await Thread.objects.aget(pk="t1")
    await Awaited.objects.acreate(thread=thread, wait="w", kind="child", topic="t2")
    await Thread.objects.filter(pk="t1").aupdate(status="waiting")
    socket = await open_socket(PATH, viewer)

    frame = await next_frame(socket)

    assert frame["refresh"] is True
    assert "<code>t2</code> as a thread of its own" in frame["html"]
    assert "Waits for thread <code>t2</code>" in frame["html"]
    assert "alaries" not in frame["html"]
    await socket.disconnect()


@pytest.mark.rule("R9.7")
async def test_a_reconnect_with_the_last_number_leaves_no_gap_and_no_repeat(viewer):
    await on_thread(make_thread)
    seen: list[int] = []
    for turn in range(1, 6):
        socket = await open_socket(f"{PATH}?after={seen[-1] if seen else 0}", viewer)
        await on_thread(write_events, "t1", 2)
        seen += await read_up_to(socket, turn * 5 - 3)
        await socket.disconnect()
        await on_thread(write_events, "t1", 3)
    socket = await open_socket(f"{PATH}?after={seen[-1]}", viewer)
    seen += await read_up_to(socket, 25)

    assert seen == list(range(1, 26))
    await socket.disconnect()


async def test_events_written_while_a_socket_catches_up_are_told_once(viewer):
    await on_thread(make_thread, events=450)
    socket = await open_socket(PATH, viewer)

    async def write_on():
        for _ in range(50):
            await on_thread(write_events, "t1")

    writing = asyncio.create_task(write_on())
    seen = await read_up_to(socket, 500)
    await writing

    assert seen == list(range(1, 501))
    await socket.disconnect()


async def test_a_client_that_has_gone_is_no_fault(
    viewer, publisher, monkeypatch, caplog
):
    """The server refuses to send before it tells of the disconnect."""
    await on_thread(make_thread)
    socket = await open_socket(PATH, viewer)
    refused_sends = []
    has_sent = asyncio.Event()

    async def gone(self, text_data):
        refused_sends.append(text_data)
        has_sent.set()
        raise Disconnected("the line is cut")

    monkeypatch.setattr(consumers.LiveSocket, "send", gone)
    await on_thread(write_events, "t1")
    await asyncio.wait_for(has_sent.wait(), DEADLINE_SECONDS)
    await publisher.watch.round()

    assert len(refused_sends) == 1
    assert publisher.watch.count_of(await on_thread(person_of, "vera")) == 0
    assert "failed" not in caplog.text
    await socket.disconnect()


async def test_a_round_of_the_watch_outlives_a_client_that_has_gone(
    viewer, publisher, monkeypatch
):
    """A ping to it must not end the look at all the others."""
    await on_thread(make_thread)
    socket = await open_socket(PATH, viewer)

    async def gone(self, text_data):
        raise Disconnected("the line is cut")

    monkeypatch.setattr(consumers.LiveSocket, "send", gone)
    monkeypatch.setattr(consumers, "IDLE_SECONDS", -1.0)
    await publisher.watch.round()

    assert publisher.watch.count_of(await on_thread(person_of, "vera")) == 0
    await socket.disconnect()


async def test_events_of_another_process_are_found_by_polling(viewer, publisher):
    await on_thread(make_thread)
    socket = await open_socket(PATH, viewer)

    # Another process has no publisher of ours to wake.
    ports.install(announcer=Mute())
    await on_thread(write_events, "t1", 2)

    assert await read_up_to(socket, 2) == [1, 2]
    await socket.disconnect()


async def test_many_sockets_cost_one_reading_per_event(
    without_poll, viewer, publisher, monkeypatch
):
    await on_thread(make_thread)
    sockets = [await open_socket(PATH, viewer) for _ in range(20)]
    readings = []
    original = publish._read_and_render

    def counted(*args):
        readings.append(args)
        return original(*args)

    monkeypatch.setattr(publish, "_read_and_render", counted)
    await on_thread(write_events, "t1")
    for socket in sockets:
        assert await read_up_to(socket, 1) == [1]

    assert len(readings) == 1
    for socket in sockets:
        await socket.disconnect()


async def test_who_comes_while_the_news_are_read_hears_of_them(
    viewer, publisher, monkeypatch
):
    """The queue's listeners make the process read a thread that nobody watches yet."""
    await on_thread(make_thread, events=1)
    queue = await open_socket("/ws/queue/", viewer)
    reading, go_on = threading.Event(), threading.Event()
    original = publish._read_and_render

    def slowly(*args):
        reading.set()
        assert go_on.wait(DEADLINE_SECONDS)
        return original(*args)

    monkeypatch.setattr(publish, "_read_and_render", slowly)
    await on_thread(write_events, "t1")
    assert await asyncio.to_thread(reading.wait, DEADLINE_SECONDS)
    socket = await open_socket(f"{PATH}?after=1", viewer)
    assert await read_up_to(socket, 2) == [2]  # from the rows
    # Written after the socket has read the rows, read before it counts as a listener.
    ports.install(announcer=Mute())
    await on_thread(write_events, "t1")
    go_on.set()

    assert await read_up_to(socket, 3) == [3]
    await socket.disconnect()
    await queue.disconnect()


async def test_nobody_gets_in_without_a_session(viewer):
    await on_thread(make_thread)

    assert await refused(PATH)
    assert await refused(PATH, "no-such-session")


async def test_a_foreign_or_missing_origin_does_not_get_in(viewer):
    await on_thread(make_thread)

    assert await refused(PATH, viewer, origin=b"http://127.0.0.1:9999")
    assert await refused(PATH, viewer, origin=b"http://evil.example")
    assert await refused(PATH, viewer, origin=None)


async def test_unknown_and_hidden_threads_are_alike(viewer):
    await on_thread(make_thread, "hidden", SECRET_GRAPH)

    assert await refused("/ws/threads/hidden/", viewer)
    assert await refused("/ws/threads/nowhere/", viewer)
    assert await refused("/ws/else/", viewer)


@pytest.mark.parametrize("after", ["-1", "x", "1e3", "٣", "9" * 30, ""])
async def test_a_number_that_is_none_is_refused(viewer, after):
    await on_thread(make_thread)

    path = f"{PATH}?after={after}"
    if after:
        assert await refused(path, viewer)
    else:
        assert not await refused(path, viewer)


@pytest.mark.parametrize(
    "text", ['{"type":"disconnect"}', "pong pong", " ", "x" * 70_000]
)
async def test_anything_but_a_sign_of_life_ends_the_socket(viewer, text):
    await on_thread(make_thread)
    socket = await open_socket(PATH, viewer)

    await socket.send_to(text_data=text)

    assert await closed_with(socket) == 4400


async def test_bytes_end_the_socket(viewer):
    await on_thread(make_thread)
    socket = await open_socket(PATH, viewer)

    await socket.send_to(bytes_data=b"\x00\xff")

    assert await closed_with(socket) == 4400


async def test_a_ping_is_answered(viewer):
    await on_thread(make_thread)
    socket = await open_socket(PATH, viewer)

    await socket.send_to(text_data="ping")

    assert await next_frame(socket) == {"pong": 1}
    await socket.disconnect()


async def test_a_client_that_does_not_read_is_let_go(viewer, publisher, monkeypatch):
    monkeypatch.setattr(consumers, "WINDOW_CHARACTERS", 2_000)
    monkeypatch.setattr(consumers, "PONG_SECONDS", 0)
    await on_thread(make_thread, events=1)
    silent = await open_socket(PATH, viewer)
    answering = await open_socket(PATH, viewer)
    assert (await next_frame(answering))["seq"] == 1
    for _ in range(60):
        await on_thread(write_events, "t1")
    # It has more than its window holds, and was asked whether it still reads.
    while (await silent.receive_output(DEADLINE_SECONDS)).get("text") != consumers.PING:
        pass

    await publisher.watch.round()

    assert await closed_with(silent) == 4408
    assert (await next_frame(answering))["seq"] > 1


async def test_a_deactivated_person_is_sent_out(viewer, publisher):
    await on_thread(make_thread)
    socket = await open_socket(PATH, viewer)

    await on_thread(get_user_model().objects.update, is_active=False)
    await publisher.watch.round()

    assert await closed_with(socket) == 4401


async def test_a_logged_out_session_is_sent_out(viewer, publisher):
    await on_thread(make_thread)
    socket = await open_socket(PATH, viewer)

    await on_thread(Session.objects.all().delete)
    await publisher.watch.round()

    assert await closed_with(socket) == 4401


async def test_a_person_who_loses_the_role_is_sent_out(viewer, publisher):
    await on_thread(make_thread)
    socket = await open_socket(PATH, viewer)

    person = await on_thread(get_user_model().objects.get)
    await on_thread(person.groups.clear)
    await publisher.watch.round()

    assert await closed_with(socket) == 4401


async def test_who_stays_is_not_disturbed(viewer, publisher):
    await on_thread(make_thread)
    socket = await open_socket(PATH, viewer)

    await publisher.watch.round()
    await on_thread(write_events, "t1")

    assert await read_up_to(socket, 1) == [1]
    await socket.disconnect()


async def test_looking_again_costs_three_queries_for_many(
    viewer, publisher, django_assert_num_queries
):
    await on_thread(make_thread)
    found = await on_thread(
        identity.visitor_of,
        {"headers": [(b"cookie", f"sessionid={viewer}".encode())]},
    )

    def ask():
        with django_assert_num_queries(3):
            return identity.look_again([found] * 50)

    assert list((await on_thread(ask)).values()) == [found]
