"""A program follows a thread while its server is killed and started again: it misses nothing."""

import contextlib
import json
import signal
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from tests.acceptance.conftest import Site
from tests.acceptance.test_worker_killed import wait_for
from tests.support.server import Server
from workflows.management.commands.serve import DRAIN_SECONDS

PAUSE = {"PAUSE": "0.2"}
WANTED = 8
MAKE_TOKEN = """
from django.contrib.auth.models import User
from workflows.services.tokens import MakeToken
person = User.objects.get(username="ada")
print("token", MakeToken(person, "a program", frozenset({"read"})).execute()[1])
"""


class Follower:
    """Reads a stream as a client of server-sent events does: it comes back by itself."""

    def __init__(self, address: str, token: str) -> None:
        self.address = address
        self.http = httpx.Client(
            headers={"Authorization": f"Bearer {token}"}, timeout=60
        )
        self.events: list[dict[str, Any]] = []
        self.visits = 0
        self.statuses: list[int] = []
        self.is_over = threading.Event()
        self.reading = threading.Thread(target=self._follow, daemon=True)

    def _follow(self) -> None:
        while not self.is_over.is_set():
            with contextlib.suppress(httpx.HTTPError):
                self._visit()
            self.is_over.wait(0.1)

    def _visit(self) -> None:
        last = {"Last-Event-ID": str(self.events[-1]["seq"])} if self.events else {}
        with self.http.stream("GET", self.address, headers=last) as answer:
            self.statuses.append(answer.status_code)
            answer.raise_for_status()
            self.visits += 1
            field: dict[str, str] = {}
            for line in answer.iter_lines():
                name, _, text = line.partition(": ")
                if line:
                    field[name] = text
                    continue
                if "id" in field:
                    told = json.loads(field["data"])
                    assert (field["id"], field["event"]) == (
                        str(told["seq"]),
                        told["kind"],
                    )
                    self.events.append(told)
                field = {}
                if self.is_over.is_set():
                    return

    @property
    def numbers(self) -> list[int]:
        """Of all events that have come."""
        return [each["seq"] for each in self.events]


@contextlib.contextmanager
def following(site: Site, path: str) -> Iterator[Follower]:
    said = site.manage("shell", "-c", MAKE_TOKEN)
    token = said.rpartition("token ")[2].split()[0]
    follower = Follower(f"{site.address}/api/v1{path}", token)
    follower.reading.start()
    try:
        yield follower
    finally:
        follower.is_over.set()
        # It waits for what the server says next, until that is gone.
        site.processes.stop()
        follower.reading.join(60)
        follower.http.close()


def stop(server: Server, how: str) -> None:
    if how == "kill":
        server.kill9()
        return
    began = time.monotonic()
    server.send(signal.SIGTERM)
    server.popen.wait(60)
    # An open stream does not hold up a server that stops.
    assert time.monotonic() - began < DRAIN_SECONDS, server.output()


@pytest.mark.parametrize("how", ["kill", "term"])
def test_nothing_is_missing_and_nothing_comes_twice(
    new_site: Callable[[str], Site], how: str
) -> None:
    site = new_site("sqlite")
    ada = site.enter({"ada": ["reviewer", "operator"]})["ada"]
    server: Server = site.serve(**PAUSE)
    run = ada.start("parcels", **{"input/wanted": str(WANTED)})
    thread = ada.thread(run).split("/")[2]

    with following(site, f"/threads/{thread}/events/stream") as follower:
        site.wait(lambda: follower.events, "first event")
        for line in ("begin 2", "begin 5"):
            wait_for(site, line)
            visits = follower.visits
            stop(server, how)
            server = site.serve(**PAUSE)
            while follower.visits == visits:
                time.sleep(0.05)
        site.wait(lambda: "Waits for a person" in ada.status(run), "question")
        listed = follower.http.get(
            f"{site.address}/api/v1/threads/{thread}/events?limit=1000"
        ).json()["items"]
        site.wait(lambda: len(follower.events) >= len(listed), "last event")

        assert follower.numbers == list(range(1, len(listed) + 1))
        assert follower.events == listed
        assert follower.visits >= 3
        # A server that stops lets nobody in any more.
        assert set(follower.statuses) <= {200, 503}
    site.assert_quiet()
