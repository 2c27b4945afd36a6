"""What a process was told is saved is there after kill -9, and nothing of what was not."""

from __future__ import annotations

import json

import pytest

from tests.storage.conftest import real_transactions
from tests.storage.other_processes import (
    environment,
    other_backends,
    wait_until_gone,
)
from tests.storage.writing_together import (
    NAMES,
    check_each_is_whole,
    told_before_it_was_killed,
)
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


def told_by(arguments: list[str], lines: int) -> list[list[str]]:
    """What a process on this database has told when it was killed, and the server has seen that."""
    before = other_backends()
    told = told_before_it_was_killed(arguments, lines, environment())
    wait_until_gone(before)
    return told


@pytest.mark.parametrize("lines", [9, 50, 200])
def test_runs_that_save_together_are_each_whole_after_kill_9(lines):
    told = told_by(["-m", "tests.storage.writing_together"], lines)

    check_each_is_whole(DjangoSaver(), told)
    for name in NAMES:
        steps = [each["id"] for each in Checkpoint.objects.filter(thread=name).values()]
        thread = Thread.objects.get(id=name)
        numbers = Event.objects.filter(thread=thread).values_list("seq", flat=True)
        assert thread.head == max(steps)
        assert sorted(numbers) == [*range(1, thread.seq + 1)]
        rows = PendingWrite.objects.filter(thread=thread)
        assert rows.values("checkpoint").distinct().count() == len(steps) - 1


@pytest.mark.parametrize("lines", [1, 7, 40])
def test_every_acknowledged_commit_is_whole_after_kill_9(lines):
    told = told_by(["-c", WRITER], lines)

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
