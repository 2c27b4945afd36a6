"""What a process was told is saved is there after kill -9, and nothing of what was not."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time

import pytest
from django.db import connection

from tests.storage.conftest import real_transactions
from workflows.engine.checkpoint.base import checkpoint_config
from workflows.models import ChannelValue, Checkpoint, Event, PendingWrite, Thread
from workflows.storage.saver import DjangoSaver

pytestmark = real_transactions

WRITER = """
import sys
import django
django.setup()
from tests.storage.conftest import real_transactions
from tests.storage.commits import History, task
from workflows.storage.saver import DjangoSaver

saver = DjangoSaver()
saver.open("t", None)
history = History(saver)
number = 0
while True:
    log = [*history.values.get("log", []), f"{number:0200d}"]
    task_id = f"task-{number}"
    head = history.commit({"n": number, "log": log}, writes=[task(task_id, n=number)])
    sys.stdout.write(f"{number} {head}\\n")
    sys.stdout.flush()
    number += 1
"""

TOGETHER = """
import asyncio
import operator
import sys
from typing import Annotated, TypedDict
import django
django.setup()
from durableweb.checkpoint.django import DjangoSaver
from durableweb.graph import START, StateGraph

class State(TypedDict, total=False):
    n: int
    log: Annotated[list[str], operator.add]

async def work(state):
    sys.stdout.write(f"{state['log'][0]} {state['n']}\\n")
    sys.stdout.flush()
    return {"n": state["n"] + 1, "log": [f"{state['n']:0200d}"]}

graph = StateGraph(State).add_node("work", work).add_edge(START, "work")
graph = graph.add_edge("work", "work").compile(DjangoSaver())

async def main():
    await asyncio.gather(*(
        graph.ainvoke(
            {"n": 0, "log": [name]},
            {"configurable": {"thread_id": name}, "recursion_limit": 10_000},
        )
        for name in "abcdefgh"
    ))

asyncio.run(main())
"""


def database_url() -> str:
    settings = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{settings['NAME']}"
    user, password = settings["USER"], settings["PASSWORD"]
    place = f"{settings['HOST']}:{settings['PORT']}/{settings['NAME']}"
    return f"postgres://{user}:{password}@{place}"


def other_backends() -> set[int]:
    """The processes of a PostgreSQL server that work for other connections to this database."""
    if connection.vendor == "sqlite":
        return set()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pid FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            " AND backend_type = 'client backend'"
        )
        return {pid for (pid,) in cursor.fetchall()}


def wait_until_gone(before: set[int]) -> None:
    """Wait for the server to see that the killed one is gone: what it was sent last is carried out first."""
    end = time.monotonic() + 60
    while other_backends() - before:
        assert time.monotonic() < end, "a killed process is still served"
        time.sleep(0.01)


def told_before_it_was_killed(program: str, lines: int) -> list[list[str]]:
    """What `program` has printed, a list of words a line, when it was killed after so many lines."""
    before = other_backends()
    writer = subprocess.Popen(
        [sys.executable, "-c", program],
        stdout=subprocess.PIPE,
        text=True,
        env={
            **os.environ,
            "DATABASE_URL": database_url(),
            "DJANGO_SETTINGS_MODULE": "durableweb.settings",
        },
    )
    assert writer.stdout is not None
    told = [writer.stdout.readline().split() for _ in range(lines)]
    writer.kill()
    told += [line.split() for line in writer.stdout.read().splitlines() if " " in line]
    writer.wait(60)
    writer.stdout.close()
    wait_until_gone(before)
    return told


@pytest.mark.parametrize("lines", [9, 50, 200])
def test_runs_that_save_together_are_each_whole_after_kill_9(lines):
    """A node begins when the step before it is on the disk, with however many others it went there."""
    told = told_before_it_was_killed(TOGETHER, lines)

    begun = {name: int(number) for name, number in told if number}
    assert begun.keys() == {*"abcdefgh"}
    saver = DjangoSaver()
    for name, number in begun.items():
        found = [*saver.list(checkpoint_config(name))][::-1]
        values = [item.checkpoint["channel_values"] for item in found]
        assert [each["n"] for each in values[1:]] == [*range(len(found) - 1)]
        assert [len(each["log"]) for each in values[1:]] == [*range(1, len(found))]
        # The step whose node was told of may be saved already; that of the node after it not.
        assert number <= values[-1]["n"] <= number + 1
        thread = Thread.objects.get(id=name)
        numbers = Event.objects.filter(thread=thread).values_list("seq", flat=True)
        assert thread.head == found[-1].checkpoint["id"]
        assert sorted(numbers) == [*range(1, thread.seq + 1)]
        rows = PendingWrite.objects.filter(thread=thread)
        assert rows.values("checkpoint").distinct().count() == len(found) - 1


@pytest.mark.parametrize("lines", [1, 7, 40])
def test_every_acknowledged_commit_is_whole_after_kill_9(lines):
    told = told_before_it_was_killed(WRITER, lines)

    saver = DjangoSaver()
    found = [*saver.list(checkpoint_config("t"))][::-1]

    saved = [(item.metadata["step"] + 1, item.checkpoint["id"]) for item in found]
    acknowledged = [(int(number), head) for number, head in told if len(head) == 36]
    assert saved[: len(acknowledged)] == acknowledged
    assert len(saved) <= len(acknowledged) + 1  # one may be saved and not yet told
    for number, item in enumerate(found):
        assert item.checkpoint["channel_values"]["n"] == number
        assert len(item.checkpoint["channel_values"]["log"]) == number + 1

    # Every commit left all of its rows, and no other commit any.
    thread = Thread.objects.get()
    steps = [
        json.loads(event.data)["checkpoint"]
        for event in Event.objects.filter(kind="step").order_by("seq")
    ]
    assert thread.head == saved[-1][1] == steps[-1]
    assert steps == [checkpoint for _, checkpoint in saved]
    assert thread.seq == Event.objects.count() == 1 + len(saved)
    assert PendingWrite.objects.count() == len(saved)
    written = set(ChannelValue.objects.values_list("checkpoint", flat=True))
    assert written == set(Checkpoint.objects.values_list("id", flat=True))
