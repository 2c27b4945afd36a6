"""A stream of events: who gets in, that nobody misses or repeats one, and when it ends."""

import asyncio
import json

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from tests.live.conftest import (
    DEADLINE_SECONDS,
    GRAPH,
    SECRET_GRAPH,
    Mute,
    make_thread,
    on_thread,
    write_events,
)
from tests.live.following import Follower, follow, let_go, soon, token, token_of
from workflows.live import event_stream, open_streams
from workflows.live.handler import PooledHandler
from workflows.models import ApiToken, Thread
from workflows.services import ports, registry
from workflows.storage.clock import machine_now

__all__ = ["follow", "soon", "token"]


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
