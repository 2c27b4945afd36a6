"""The queue's and the runs' sockets: rows by what one may see, at most twice a second."""

import time
from typing import Any

from channels.testing import WebsocketCommunicator
from django.db import transaction

from tests.live.conftest import (
    SECRET_GRAPH,
    handshake,
    log_in,
    make_person,
    make_thread,
    next_frame,
    on_thread,
    open_socket,
)
from workflows.live import feed
from workflows.models import Decision, Interrupt, Run, Thread
from workflows.storage.events import append_events


@transaction.atomic
def ask(thread_id: str, title: str = "Send it?") -> int:
    """An open question, as the saver makes it."""
    row = Interrupt.objects.create(
        thread_id=thread_id,
        graph=Thread.objects.get(pk=thread_id).graph,
        checkpoint="c1",
        interrupt_id=f"{Interrupt.objects.count():032x}",
        task="t",
        node="send",
        title=title,
        value="null",
    )
    told = {"interrupt": row.pk, "node": "send", "title": title, "status": "pending"}
    append_events("default", thread_id, None, [("interrupt", {**told, "round": 1})])
    return row.pk


@transaction.atomic
def decide(number: int, who: str = "maria") -> None:
    """Close a question, as the service does."""
    row = Interrupt.objects.get(pk=number)
    row.status = Interrupt.Status.DECIDED
    row.save()
    Decision.objects.create(
        interrupt=row, round=1, kind="approve", person_name=who, answer="null"
    )
    told = {"interrupt": number, "kind": "approve", "by": who}
    append_events("default", row.thread_id, None, [("decision", told)])


@transaction.atomic
def move(thread_id: str, status: str, run_id: int | None = None) -> int:
    """A run that changes its status."""
    if run_id is None:
        run_id = Run.objects.create(thread_id=thread_id, kind="start").pk
    Run.objects.filter(pk=run_id).update(status=status)
    told = {"run": run_id, "kind": "start", "status": status}
    append_events("default", thread_id, run_id, [("run", told)])
    return run_id


async def frame_with(socket: WebsocketCommunicator, key: str, text: str) -> Any:
    """The first frame that has this under that key.

    What was written before the socket opened may come in a frame of its own before it, if
    the publisher had not read it yet.
    """
    while True:
        frame = await next_frame(socket)
        if text in frame.get(key, ""):
            return frame


async def test_a_new_question_comes_as_a_row_with_the_count(viewer):
    await on_thread(make_thread)
    socket = await open_socket("/ws/queue/", viewer)
    assert (await next_frame(socket))["count"] == 0

    number = await on_thread(ask, "t1")

    frame = await next_frame(socket)
    assert f'id="item-{number}"' in frame["html"]
    assert (frame["count"], frame["waiting"]) == (1, 1)
    await socket.disconnect()


async def test_a_decided_question_goes_with_the_name_of_who_decided(viewer):
    await on_thread(make_thread)
    number = await on_thread(ask, "t1")
    socket = await open_socket("/ws/queue/", viewer)
    assert (await next_frame(socket))["count"] == 1

    await on_thread(decide, number)

    frame = await frame_with(socket, "gone", f"item-{number}")
    assert frame["gone"] == {f"item-{number}": "approved by maria"}
    assert frame["count"] == 0
    await socket.disconnect()


async def test_rows_of_hidden_workflows_are_left_out_and_not_counted(viewer):
    await on_thread(make_thread)
    await on_thread(make_thread, "hidden", SECRET_GRAPH)
    board = await on_thread(lambda: log_in(make_person("bob", "board")))
    seeing = await open_socket("/ws/queue/", board)
    not_seeing = await open_socket("/ws/queue/", viewer)
    await next_frame(seeing)
    await next_frame(not_seeing)

    number = await on_thread(ask, "hidden", "Raise?")

    frame = await next_frame(seeing)
    assert f'id="item-{number}"' in frame["html"]
    assert frame["count"] == 1
    frame = await next_frame(not_seeing)
    assert "html" not in frame
    assert frame["count"] == 0
    await seeing.disconnect()
    await not_seeing.disconnect()


async def test_a_page_of_one_workflow_gets_only_its_rows(viewer):
    await on_thread(make_thread)
    socket = await open_socket("/ws/queue/?workflow=other", viewer)
    await next_frame(socket)

    await on_thread(ask, "t1")

    frame = await next_frame(socket)
    assert "html" not in frame
    assert (frame["count"], frame["waiting"]) == (0, 1)
    await socket.disconnect()


async def test_a_person_without_any_role_has_no_lists(publisher):
    nobody = await on_thread(lambda: log_in(make_person("nina")))

    accepted, _ = await handshake("/ws/queue/", nobody).connect(timeout=5)

    assert not accepted


async def test_a_reconnect_tells_what_changed_meanwhile(viewer):
    await on_thread(make_thread)
    first = await on_thread(ask, "t1")
    socket = await open_socket("/ws/queue/", viewer)
    seq = (await next_frame(socket))["seq"]
    await socket.disconnect()
    await on_thread(decide, first)
    second = await on_thread(ask, "t1")

    socket = await open_socket(f"/ws/queue/?after={seq}", viewer)

    frame = await next_frame(socket)
    assert frame["seq"] > seq
    assert f'id="item-{second}"' in frame["html"]
    assert f"item-{first}" in frame["gone"]
    await socket.disconnect()


async def test_after_too_much_the_page_is_asked_to_come_again(viewer, monkeypatch):
    from workflows.live import consumers

    monkeypatch.setattr(consumers, "MISSED_EVENTS_AT_MOST", 3)
    await on_thread(make_thread)
    for _ in range(5):
        await on_thread(ask, "t1")

    socket = await open_socket("/ws/queue/?after=1", viewer)

    frame = await next_frame(socket)
    assert frame["refresh"] is True
    assert frame["seq"] == await on_thread(feed.newest_event_id)
    await socket.disconnect()


async def test_a_run_that_moves_is_sent_again_at_most_twice_a_second(viewer):
    await on_thread(make_thread)
    socket = await open_socket("/ws/runs/", viewer)
    run_id = await on_thread(move, "t1", "pending")
    await frame_with(socket, "html", f'id="run-{run_id}"')

    began = time.monotonic()
    for status in ["running", "pending"] * 10 + ["success"]:
        await on_thread(move, "t1", status, run_id)
    frames: list[dict[str, Any]] = []
    while not frames or "success" not in frames[-1]["html"].lower():
        frames.append(await next_frame(socket))
    elapsed = time.monotonic() - began

    # One more than fits: the first may have been sent just before the clock was started.
    assert len(frames) <= elapsed / 0.5 + 2
    await socket.disconnect()


async def test_runs_of_hidden_workflows_are_not_told(viewer):
    await on_thread(make_thread, "hidden", SECRET_GRAPH)
    await on_thread(make_thread)
    socket = await open_socket("/ws/runs/", viewer)

    await on_thread(move, "hidden", "running")
    run_id = await on_thread(move, "t1", "running")

    html = (await next_frame(socket))["html"]
    assert html.count('id="run-') == 1
    assert f'id="run-{run_id}"' in html
    await socket.disconnect()
