"""A stream of events: who gets in, that nobody misses or repeats one, and when it ends."""

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
from django.test import Client

from tests.live.conftest import (
    DEADLINE_SECONDS,
    GRAPH,
    SECRET_GRAPH,
    Mute,
    make_person,
    make_thread,
    on_thread,
    write_events,
)
from workflows.live import event_stream, open_streams
from workflows.live.handler import PooledHandler
from workflows.models import ApiToken, Thread
from workflows.services import ports, registry
from workflows.services.tokens import MakeToken
from workflows.storage.clock import machine_now

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


class TestTelling:
    async def test_what_was_missed_comes_first_and_then_what_happens(
        self, follow, token
    ):
        await on_thread(make_thread, events=5)
        follower = await follow(token, "t1/events/stream?after=2")

        assert follower.status == 200
        assert follower.headers["content-type"] == "text/event-stream"
        assert "private" in follower.headers["cache-control"]
        assert await follower.up_to(5) == [3, 4, 5]
        await on_thread(write_events, "t1", 3)
        assert await follower.up_to(8) == [3, 4, 5, 6, 7, 8]

    async def test_an_event_is_the_same_as_in_the_list(self, follow, token):
        await on_thread(make_thread, events=1)
        follower = await follow(token)
        await follower.up_to(1)
        listed = await on_thread(
            lambda: (
                Client()
                .get(
                    "/api/v1/threads/t1/events",
                    headers={"Authorization": f"Bearer {token}"},
                )
                .json()
            )
        )

        (event,) = follower.events
        assert json.loads(event["data"]) == listed["items"][0]
        assert event["event"] == "custom"

    async def test_who_comes_back_misses_nothing_and_hears_nothing_twice(
        self, follow, token
    ):
        await on_thread(make_thread)
        seen: list[int] = []
        for turn in range(5):
            last = {"Last_Event_ID": str(seen[-1])} if seen else {}
            # The address stays as it was first; the header says more.
            follower = await follow(token, "t1/events/stream?after=0", **last)
            await on_thread(write_events, "t1", 2)
            seen += await follower.up_to(turn * 5 + 2)
            await follower.leave()
            follower.has_ended = True
            await on_thread(write_events, "t1", 3)
        follower = await follow(token, Last_Event_ID=str(seen[-1]))
        seen += await follower.up_to(25)

        assert seen == list(range(1, 26))

    @pytest.mark.parametrize("count", [49, 50, 51, 230])
    async def test_a_long_history_comes_whole(self, follow, token, count):
        await on_thread(make_thread, events=count)

        follower = await follow(token)

        assert await follower.up_to(count) == list(range(1, count + 1))

    async def test_what_is_written_meanwhile_is_told_once(self, follow, token):
        await on_thread(make_thread, events=300)
        followers = [await follow(token) for _ in range(3)]
        writing = [on_thread(write_events, "t1", 2) for _ in range(20)]
        await asyncio.gather(*writing)

        for follower in followers:
            assert await follower.up_to(340) == list(range(1, 341))

    async def test_what_nobody_told_of_is_found(
        self, follow, token, without_poll, soon
    ):
        await on_thread(make_thread)
        follower = await follow(token)
        await follower.until(lambda me: ": still here" in me.text)
        ports.install(announcer=Mute())
        await on_thread(write_events, "t1", 2)

        assert await follower.up_to(2) == [1, 2]

    async def test_a_sign_of_life_comes_when_nothing_happens(self, follow, token, soon):
        await on_thread(make_thread)
        follower = await follow(token)

        await follower.until(lambda me: me.text.count(": still here\n\n") >= 3)
        assert follower.numbers == []

    async def test_other_threads_are_not_told_of(self, follow, token):
        await on_thread(make_thread)
        await on_thread(make_thread, "t2")
        follower = await follow(token)
        await on_thread(write_events, "t2", 2)
        await on_thread(write_events, "t1", 1)

        await follower.up_to(1)
        assert follower.numbers == [1]

    async def test_any_id_stands_in_the_address(self, follow, token):
        await on_thread(make_thread, "customers/7", events=1)

        # A server has decoded the path once.
        follower = await follow(token, "customers%2F7/events/stream")

        assert await follower.up_to(1) == [1]

    async def test_pages_are_answered_beside_any_number_of_them(self, follow, token):
        await on_thread(make_thread, events=1)
        followers = [await follow(token) for _ in range(10)]
        for follower in followers:
            await follower.up_to(1)

        other = await follow("")
        assert (await other.problem())["code"] == "unauthorized"


class TestComing:
    @pytest.mark.parametrize("text", ["", "dw_nothing", "x"])
    async def test_nobody_comes_without_a_token(self, follow, publisher, text):
        await on_thread(make_thread)
        follower = await follow(text)

        assert (await follower.problem())["code"] == "unauthorized"
        assert follower.headers["www-authenticate"].startswith("Bearer")

    async def test_the_scope_to_read_is_asked_for(self, follow, publisher):
        await on_thread(make_thread)
        other = await on_thread(token_of, "olga", "operator", scopes=("run",))

        assert (await (await follow(other)).problem())["code"] == "not_allowed"

    async def test_unknown_and_hidden_look_alike(self, follow, token):
        await on_thread(make_thread, "t2", SECRET_GRAPH)

        for name in ("t2", "t3"):
            follower = await follow(token, f"{name}/events/stream")
            found = await follower.problem()
            assert (found["code"], found["detail"]) == (
                "not_found",
                f"There is no thread {name} that you may see.",
            )

    @pytest.mark.parametrize(
        ("query", "last", "place"),
        [
            ("?after=x", "", "query.after"),
            ("?after=-1", "", "query.after"),
            ("?after=4", "", "query.after"),
            ("?after=" + "9" * 30, "", "query.after"),
            ("", "x", "Last-Event-ID"),
            ("", "4", "Last-Event-ID"),
            ("?aftre=1", "", "query.aftre"),
            ("?after=0&token=dw_x", "", "query.token"),
        ],
    )
    async def test_it_says_what_it_does_not_take(
        self, follow, token, query, last, place
    ):
        await on_thread(make_thread, events=3)
        headers = {"Last_Event_ID": last} if last else {}

        follower = await follow(token, f"t1/events/stream{query}", **headers)

        found = await follower.problem()
        assert (found["code"], [*found["errors"]]) == ("invalid", [place])

    async def test_a_token_has_so_many_places(self, follow, token, monkeypatch):
        monkeypatch.setattr(open_streams, "MOST_OF_A_TOKEN", 2)
        await on_thread(make_thread, events=1)
        first, _ = [await follow(token) for _ in range(2)]

        refused = await follow(token)
        assert (refused.status, (await refused.problem())["code"]) == (
            429,
            "too_many_streams",
        )
        # Another one's are another one's, and who leaves makes room.
        other = await on_thread(token_of, "olga")
        assert (await follow(other)).status == 200
        await first.leave()
        first.has_ended = True
        assert (await follow(token)).status == 200

    async def test_a_person_has_so_many_places_with_all_their_tokens(
        self, follow, token, monkeypatch
    ):
        monkeypatch.setattr(open_streams, "MOST_OF_A_PERSON", 2)
        await on_thread(make_thread, events=1)
        for _ in range(2):
            assert (await follow(await on_thread(token_of))).status == 200

        assert (await follow(await on_thread(token_of))).status == 429

    def test_a_server_that_cannot_says_so(self, db):
        token = token_of()
        make_thread()
        headers = {"Authorization": f"Bearer {token}"}
        client = Client(headers=headers)

        answer = client.get("/api/v1/threads/t1/events/stream")
        assert (answer.status_code, answer.json()["code"]) == (501, "no_streams")
        answer = client.post("/api/v1/threads/t1/events/stream")
        assert (answer.status_code, answer["Allow"]) == (405, "GET")


class TestEnd:
    async def ends(self, follow, token, change) -> str:
        await on_thread(make_thread, events=1)
        follower = await follow(token)
        await follower.up_to(1)
        await on_thread(change)
        await on_thread(write_events, "t1", 1)
        return (await follower.end()).text

    async def test_a_revoked_token(self, follow, token, soon):
        await self.ends(
            follow, token, lambda: ApiToken.objects.update(revoked_at=machine_now())
        )

    async def test_an_inactive_owner(self, follow, token, soon):
        people = get_user_model().objects
        await self.ends(follow, token, lambda: people.update(is_active=False))

    async def test_a_lost_role(self, follow, token, soon):
        vera = await get_user_model().objects.aget(username="vera")
        await self.ends(follow, token, vera.groups.clear)

    async def test_a_workflow_that_is_hidden_now(self, follow, token, soon):
        await on_thread(make_thread, events=1)
        follower = await follow(token)
        await follower.up_to(1)
        registry.unregister(GRAPH)
        registry.register(object(), name=GRAPH, decide_groups=["board"])

        await follower.end()

    async def test_a_thread_that_has_begun_anew(self, follow, token, soon):
        await on_thread(make_thread, events=3)
        follower = await follow(token)
        await follower.up_to(3)
        await on_thread(lambda: Thread.objects.all().delete())
        await on_thread(make_thread, events=5)

        assert (await follower.end()).numbers == [1, 2, 3]

    async def test_the_end_of_the_server(self, follow, token, monkeypatch):
        monkeypatch.setattr(open_streams.open_streams, "is_ending", False)
        await on_thread(make_thread, events=1)
        follower = await follow(token)
        await follower.up_to(1)

        open_streams.open_streams.end_all()

        await follower.end()
        late = await follow(token)
        assert (late.status, (await late.problem())["code"]) == (503, "stopping")

    async def test_a_fault_of_ours_is_logged_and_ends_it(
        self, follow, token, monkeypatch, caplog
    ):
        await on_thread(make_thread, events=1)
        follower = await follow(token)
        await follower.up_to(1)
        monkeypatch.setattr(event_stream, "events_after", lambda *_: 1 / 0)
        await on_thread(write_events, "t1", 1)

        await follower.end()
        assert "an event stream of thread t1 failed" in caplog.text

    async def test_who_leaves_before_it_begins_leaves_no_place_taken(
        self, follow, token, publisher
    ):
        await on_thread(make_thread)
        handler = PooledHandler(1)
        headers = {"Authorization": f"Bearer {token}"}
        for _ in range(5):
            follower = Follower(handler, "t1/events/stream", headers)
            await follower.line.send_input({"type": "http.request"})
            await follower.line.send_input({"type": "http.disconnect"})
            await follower.line.wait(DEADLINE_SECONDS)
        await let_go(handler, 1)

        assert open_streams.open_streams.count() == 0
