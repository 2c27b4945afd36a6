"""Pages on threads that stay: order, connections, those who leave, answers in parts."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from asgiref.testing import ApplicationCommunicator
from django.db import connection, connections
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import path

from workflows.live.handler import PooledHandler

PATIENCE_SECONDS = 60

gate = threading.Event()
entered = threading.Event()
seen: list[tuple[str, int]] = []
used: list[Any] = []
awaited: list["Awaited"] = []


def plain(request: HttpRequest) -> HttpResponse:
    """Notes the visit with its thread."""
    seen.append((request.GET.get("n", ""), threading.get_ident()))
    return HttpResponse("here")


def slow(request: HttpRequest) -> HttpResponse:
    """Holds its thread until the test opens the gate."""
    entered.set()
    gate.wait(PATIENCE_SECONDS)
    return plain(request)


def parts(request: HttpRequest) -> StreamingHttpResponse:
    """Sent piece by piece, each made on the thread of the request."""

    def pieces() -> Iterator[str]:
        for number in range(3):
            seen.append((str(number), threading.get_ident()))
            yield f"piece {number};"

    return StreamingHttpResponse(pieces())


class Awaited:
    """Parts that are awaited; the second one comes when the test says so."""

    def __init__(self) -> None:
        self.go_on = asyncio.Event()
        self.made_by = threading.get_ident()
        self.told = 0
        self.has_closed = False
        awaited.append(self)

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        self.told += 1
        if self.told == 2:
            await self.go_on.wait()
        if self.told > 2:
            raise StopAsyncIteration
        return b"part;"

    def close(self) -> None:
        self.has_closed = True


def awaiting(request: HttpRequest) -> StreamingHttpResponse:
    """Told on the event loop, as things happen."""
    if request.GET:
        slow(request)
    return StreamingHttpResponse(Awaited())


def fault(request: HttpRequest) -> HttpResponse:
    """Fails as no view should."""
    raise RuntimeError("out of order")


def ask(request: HttpRequest) -> HttpResponse:
    """Asks the database, and notes by which connection."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    used.append(connection.connection)
    return HttpResponse("asked")


def sorry(request: HttpRequest) -> HttpResponse:
    """What is shown after a fault."""
    return HttpResponse("sorry", status=500)


handler500 = sorry
urlpatterns = [
    path("ask", ask),
    path("plain", plain),
    path("slow", slow),
    path("parts", parts),
    path("awaited", awaiting),
    path("fault", fault),
]


@pytest.fixture(autouse=True)
def own_pages(settings: Any) -> Iterator[None]:
    settings.ROOT_URLCONF = __name__
    settings.MIDDLEWARE = []
    gate.clear()
    entered.clear()
    seen.clear()
    used.clear()
    awaited.clear()
    yield
    gate.set()


@asynccontextmanager
async def visit(
    handler: PooledHandler, address: str
) -> AsyncIterator[ApplicationCommunicator]:
    where, _, query = address.partition("?")
    scope = {
        "type": "http",
        "method": "GET",
        "path": where,
        "query_string": query.encode(),
        "headers": [],
    }
    visitor = ApplicationCommunicator(handler, scope)
    await visitor.send_input({"type": "http.request"})
    yield visitor


async def answer(visitor: ApplicationCommunicator) -> tuple[int, bytes]:
    start = await visitor.receive_output(PATIENCE_SECONDS)
    body, more = b"", True
    while more:
        message = await visitor.receive_output(PATIENCE_SECONDS)
        body += message.get("body", b"")
        more = message.get("more_body", False)
    await visitor.wait(PATIENCE_SECONDS)
    return start["status"], body


def test_every_request_is_answered_on_a_thread_that_stays():
    handler = PooledHandler(1)

    async def story() -> list[tuple[int, bytes]]:
        found = []
        for _ in range(3):
            async with visit(handler, "/plain") as visitor:
                found.append(await answer(visitor))
        return found

    assert asyncio.run(story()) == [(200, b"here")] * 3
    assert len({thread for _, thread in seen}) == 1


def test_requests_wait_in_line():
    handler = PooledHandler(1)

    async def story() -> None:
        async with (
            visit(handler, "/slow?n=1") as first,
            visit(handler, "/plain?n=2") as second,
            visit(handler, "/plain?n=3") as third,
        ):
            gate.set()
            await asyncio.gather(answer(first), answer(second), answer(third))

    asyncio.run(story())

    assert [name for name, _ in seen] == ["1", "2", "3"]


def test_who_leaves_the_line_is_not_worked_for():
    handler = PooledHandler(1)

    async def story() -> None:
        async with (
            visit(handler, "/slow?n=1") as first,
            visit(handler, "/plain?n=2") as second,
        ):
            await asyncio.to_thread(entered.wait, PATIENCE_SECONDS)
            await second.send_input({"type": "http.disconnect"})
            await second.wait(PATIENCE_SECONDS)
            gate.set()
            await answer(first)

    asyncio.run(story())

    assert [name for name, _ in seen] == ["1"]


def test_an_answer_in_parts_is_made_on_one_thread():
    handler = PooledHandler(4)

    async def story() -> tuple[int, bytes]:
        async with visit(handler, "/parts") as visitor:
            return await answer(visitor)

    assert asyncio.run(story()) == (200, b"piece 0;piece 1;piece 2;")
    assert len({thread for _, thread in seen}) == 1


def test_an_answer_that_is_awaited_holds_no_thread():
    handler = PooledHandler(1)

    async def story() -> tuple[Any, Any]:
        async with visit(handler, "/awaited") as visitor:
            await visitor.receive_output(PATIENCE_SECONDS)
            first = await visitor.receive_output(PATIENCE_SECONDS)
            async with visit(handler, "/plain") as other:
                beside = await answer(other)
            awaited[0].go_on.set()
            second = await visitor.receive_output(PATIENCE_SECONDS)
            last = await visitor.receive_output(PATIENCE_SECONDS)
            await visitor.wait(PATIENCE_SECONDS)
        return beside, [each.get("body") for each in (first, second, last)]

    assert asyncio.run(story()) == ((200, b"here"), [b"part;", b"part;", None])
    assert awaited[0].has_closed
    assert awaited[0].made_by != threading.get_ident()


@pytest.mark.parametrize("is_begun", [True, False])
def test_one_whose_reader_leaves_is_closed(is_begun):
    handler = PooledHandler(1)

    async def story() -> None:
        address = "/awaited" if is_begun else "/awaited?slow"
        async with visit(handler, address) as visitor:
            if is_begun:
                await visitor.receive_output(PATIENCE_SECONDS)
            else:
                await asyncio.to_thread(entered.wait, PATIENCE_SECONDS)
            await visitor.send_input({"type": "http.disconnect"})
            await visitor.wait(PATIENCE_SECONDS)
        gate.set()
        handler._pool.shutdown()

    asyncio.run(story())

    assert awaited[0].has_closed


def test_a_fault_is_an_answer_and_the_thread_goes_on():
    handler = PooledHandler(1)

    async def story() -> list[int]:
        found = []
        for address in ("/fault", "/plain"):
            async with visit(handler, address) as visitor:
                found.append((await answer(visitor))[0])
        return found

    assert asyncio.run(story()) == [500, 200]


@pytest.mark.django_db(transaction=True)
def test_the_thread_keeps_its_connection(settings, monkeypatch):
    monkeypatch.setitem(connection.settings_dict, "CONN_MAX_AGE", None)
    handler = PooledHandler(1)

    async def story() -> None:
        for _ in range(2):
            async with visit(handler, "/ask") as visitor:
                assert (await answer(visitor))[0] == 200
        await asyncio.get_running_loop().run_in_executor(
            handler._pool, connections.close_all
        )

    asyncio.run(story())

    assert used[0] is used[1]
