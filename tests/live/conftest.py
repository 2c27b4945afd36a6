"""People, a workflow that nobody runs, threads with events, and sockets to watch them."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable, Iterator
from functools import cache
from importlib import import_module
from typing import Any, NamedTuple

import pytest
import pytest_asyncio
from asgiref.sync import sync_to_async
from channels.testing import WebsocketCommunicator
from django.conf import settings
from django.contrib.auth import (
    BACKEND_SESSION_KEY,
    HASH_SESSION_KEY,
    SESSION_KEY,
    get_user_model,
)
from django.contrib.auth.models import Group
from django.db import connections, transaction

from durableweb.asgi import application
from tests.support.databases import Databases
from tests.support.server import manage
from workflows.live.publish import current_publisher, stop_publisher
from workflows.models import Thread
from workflows.services import ports, registry
from workflows.storage.events import append_events

GRAPH = "letters"
SECRET_GRAPH = "salaries"
ORIGIN = b"http://127.0.0.1:8000"
HOST = b"127.0.0.1:8000"
# Long, because a machine may be slow: nothing waits for it where all is well.
DEADLINE_SECONDS = 60


PREPARE = """
from tests.live.conftest import log_in, make_person, make_thread
make_thread(graph="gone", events=2)
person = make_person("root")
person.is_superuser = True
person.save()
print("session", log_in(person))
"""


class Prepared(NamedTuple):
    """A database to copy, with one thread of two events and one person who may see all."""

    url: str
    session: str


Prepare = Callable[[str], Prepared]


@pytest.fixture(scope="session")
def prepared(databases: Databases) -> Prepare:
    """Such a database of each kind, made once: one process does it for all tests."""

    @cache
    def prepare(kind: str) -> Prepared:
        url = databases.new(kind)
        said = manage(url, "shell", "-c", PREPARE)
        return Prepared(url, re.search(r"session (\w+)", said).group(1))

    return prepare


@pytest.fixture(autouse=True)
def graphs() -> Iterator[None]:
    """Two workflows: one open to the roles, one to its own group only."""
    registry.register(object(), name=GRAPH)
    registry.register(object(), name=SECRET_GRAPH, decide_groups=["board"])
    yield
    registry.unregister(GRAPH)
    registry.unregister(SECRET_GRAPH)


@pytest.fixture(autouse=True)
def announcer() -> Iterator[None]:
    """The announcer that the product has installed, put back after each test."""
    before = ports.announcer()
    yield
    ports.install(announcer=before)


@pytest_asyncio.fixture
async def publisher(transactional_db: None) -> AsyncIterator[Any]:
    """The publisher of this test's loop, stopped with it."""
    found = current_publisher()
    yield found
    await stop_publisher()
    await on_thread(connections.close_all)


@pytest_asyncio.fixture
async def viewer(publisher: Any) -> str:
    """The session of a person who may look at what is open to the roles."""
    return await on_thread(lambda: log_in(make_person("vera", "viewer")))


@pytest.fixture
def without_poll(publisher: Any) -> None:
    """The poll would mend what is to be right without it, and read some news once more."""
    publisher._poll_seconds = 3600


class Mute:
    """An announcer that tells nobody."""

    def announce(self, thread_id: str, seq: int) -> None:
        """Nothing."""


async def on_thread(function: Any, *args: Any, **kwargs: Any) -> Any:
    """Call something that uses the ORM."""
    return await sync_to_async(function)(*args, **kwargs)


def make_person(name: str, *groups: str) -> Any:
    """An active person in these groups; enters by a session, never by a password."""
    person = get_user_model().objects.create_user(name)
    for group in groups:
        person.groups.add(Group.objects.get_or_create(name=group)[0])
    return person


def log_in(person: Any) -> str:
    """A session of that person; returns its key."""
    store = import_module(settings.SESSION_ENGINE).SessionStore()
    store[SESSION_KEY] = str(person.pk)
    store[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    store[HASH_SESSION_KEY] = person.get_session_auth_hash()
    store.create()
    return str(store.session_key)


def make_thread(thread_id: str = "t1", graph: str = GRAPH, events: int = 0) -> Thread:
    """A thread with that many events."""
    thread = Thread.objects.create(id=thread_id, graph=graph, title=thread_id)
    if events:
        write_events(thread_id, events)
    return thread


def write_events(thread_id: str, count: int = 1, kind: str = "custom") -> int:
    """Events in one transaction, as the saver writes them; returns the last seq."""
    with transaction.atomic():
        told = [(kind, {"data": number}) for number in range(count)]
        return append_events("default", thread_id, None, told)


class PatientSocket(WebsocketCommunicator):
    """Waits as long for the end of a socket as for all else; its own way is a second."""

    async def disconnect(
        self,
        code: int = 1000,
        timeout: float = DEADLINE_SECONDS,  # noqa: ASYNC109 - the name it overrides
    ) -> None:
        """Close it from the client's side, and wait until the server is done with it."""
        await super().disconnect(code, timeout)


def handshake(
    path: str,
    session_key: str | None = None,
    *,
    origin: bytes | None = ORIGIN,
    host: bytes = HOST,
) -> WebsocketCommunicator:
    """A socket that is about to be opened."""
    headers = [(b"host", host)]
    if origin is not None:
        headers.append((b"origin", origin))
    if session_key is not None:
        cookie = f"{settings.SESSION_COOKIE_NAME}={session_key}"
        headers.append((b"cookie", cookie.encode()))
    return PatientSocket(application, path, headers=headers)


async def open_socket(path: str, session_key: str) -> WebsocketCommunicator:
    """An accepted socket."""
    socket = handshake(path, session_key)
    accepted, code = await socket.connect(timeout=DEADLINE_SECONDS)
    assert accepted, code
    return socket


async def next_frame(socket: WebsocketCommunicator) -> dict[str, Any]:
    """The next frame that is not a sign of life; those are answered, as browsers do.

    Signs of life do not prolong the wait: a frame that never comes is a failure, not a test without end.
    """
    async with asyncio.timeout(DEADLINE_SECONDS):
        while True:
            text = await socket.receive_from(timeout=DEADLINE_SECONDS)
            frame: dict[str, Any] = json.loads(text)
            if "ping" not in frame:
                return frame
            await socket.send_to(text_data="pong")


def seqs_in(frame: dict[str, Any]) -> list[int]:
    """The numbers of the events whose fragments the frame holds."""
    return [int(found) for found in re.findall(r'id="event-(\d+)"', frame["html"])]


async def read_up_to(socket: WebsocketCommunicator, seq: int) -> list[int]:
    """All event numbers until the frame that ends with `seq`."""
    seen: list[int] = []
    while not seen or seen[-1] < seq:
        frame = await next_frame(socket)
        seen += seqs_in(frame)
        assert frame["seq"] == seen[-1]
    return seen


async def closed_with(socket: WebsocketCommunicator) -> int:
    """The code with which the server closes the socket."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        while True:
            message = await socket.receive_output(timeout=DEADLINE_SECONDS)
            if message["type"] == "websocket.close":
                return int(message["code"])
