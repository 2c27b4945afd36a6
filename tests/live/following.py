"""Programs that follow threads, and what they have read."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import pytest_asyncio
from asgiref.testing import ApplicationCommunicator
from django.contrib.auth import get_user_model
from django.db import connections

from tests.live.conftest import DEADLINE_SECONDS, make_person, on_thread
from workflows.live import event_stream, open_streams
from workflows.live.handler import PooledHandler
from workflows.models import ApiToken
from workflows.services.tokens import MakeToken

THREADS = 2


class Follower:
    """A program that follows a thread."""

    def __init__(self, handler: PooledHandler, path: str, headers: dict[str, str]):
        where, _, query = path.partition("?")
        scope = {
            "type": "http",
            "method": "GET",
            "path": f"/api/v1/threads/{where}",
            "query_string": query.encode(),
            "headers": [(b"host", b"127.0.0.1")]
            + [(k.lower().encode(), v.encode()) for k, v in headers.items()],
        }
        self.line = ApplicationCommunicator(handler, scope)
        self.status = 0
        self.headers: dict[str, str] = {}
        self.text = ""
        self.has_ended = False

    async def come(self) -> "Follower":
        """Ask; returns when the answer has begun."""
        await self.line.send_input({"type": "http.request"})
        start = await self.line.receive_output(DEADLINE_SECONDS)
        self.status = start["status"]
        self.headers = {k.decode().lower(): v.decode() for k, v in start["headers"]}
        return self

    async def read(self) -> None:
        """Take the next part."""
        part = await self.line.receive_output(DEADLINE_SECONDS)
        self.text += part.get("body", b"").decode()
        self.has_ended = not part.get("more_body", False)

    async def problem(self) -> dict[str, Any]:
        """The whole answer, which is no stream."""
        while not self.has_ended:
            await self.read()
        assert self.headers["content-type"] == "application/problem+json"
        found: dict[str, Any] = json.loads(self.text)
        assert found["status"] == self.status
        return found

    async def until(self, is_so: Callable[["Follower"], Any]) -> "Follower":
        """Read until it is so."""
        async with asyncio.timeout(DEADLINE_SECONDS):
            while not is_so(self):
                assert not self.has_ended, self.text
                await self.read()
        return self

    async def up_to(self, seq: int) -> list[int]:
        """The numbers so far, when that one has come."""
        await self.until(lambda me: seq in me.numbers)
        return self.numbers

    async def end(self) -> "Follower":
        """Read until the server ends it."""
        async with asyncio.timeout(DEADLINE_SECONDS):
            while not self.has_ended:
                await self.read()
        await self.line.wait(DEADLINE_SECONDS)
        return self

    async def leave(self) -> None:
        """Close the connection, and wait until the server is done with it."""
        await self.line.send_input({"type": "http.disconnect"})
        await self.line.wait(DEADLINE_SECONDS)

    @property
    def events(self) -> list[dict[str, str]]:
        """Those that have come, as a client reads them."""
        whole = self.text.rpartition("\n\n")[0].split("\n\n")
        fields = [
            dict(line.split(": ", 1) for line in each.split("\n"))
            for each in whole
            if each and not each.startswith(":")
        ]
        return [each for each in fields if "id" in each]

    @property
    def numbers(self) -> list[int]:
        """Their numbers."""
        return [int(each["id"]) for each in self.events]


@pytest_asyncio.fixture
async def follow(publisher: Any, settings: Any) -> AsyncIterator[Any]:
    """`await follow(token, "t1/events/stream?after=2")`; all have left at the end."""
    handler = PooledHandler(THREADS)
    opened: list[Follower] = []

    async def begin(
        token: str, path: str = "t1/events/stream", **headers: str
    ) -> Follower:
        named = {name.replace("_", "-"): text for name, text in headers.items()}
        if token:
            named["Authorization"] = f"Bearer {token}"
        follower = Follower(handler, path, named)
        opened.append(follower)
        return await follower.come()

    yield begin
    for each in opened:
        if not each.has_ended:
            await each.leave()
    assert open_streams.open_streams.count() == 0
    assert publisher.hub.is_empty()
    await let_go(handler)


async def let_go(handler: PooledHandler, threads: int = THREADS) -> None:
    """Close the connections of the handler's threads, and let the threads end."""
    meeting = threading.Barrier(threads)

    def close() -> None:
        connections.close_all()
        meeting.wait(DEADLINE_SECONDS)

    loop = asyncio.get_running_loop()
    closing = [loop.run_in_executor(handler._pool, close) for _ in range(threads)]
    await asyncio.gather(*closing)
    handler._pool.shutdown()


def token_of(
    name: str = "vera", *groups: str, scopes: tuple[str, ...] = ("read",)
) -> str:
    people = get_user_model().objects.filter(username=name)
    person = people.first() or make_person(name, *(groups or ("viewer",)))
    row, text = MakeToken(person, "a program", frozenset({"read"})).execute()
    ApiToken.objects.filter(pk=row.pk).update(scopes=" ".join(scopes))
    return text


@pytest_asyncio.fixture
async def token(publisher: Any) -> str:
    """That of somebody who may look at what is open to the roles."""
    return await on_thread(token_of)


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is time for a sign of life, and for a look at the token, all the time."""
    monkeypatch.setattr(event_stream, "HEARTBEAT_SECONDS", 0.05)
