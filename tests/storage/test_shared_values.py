"""What a task wrote is stored once, where the step's checkpoint holds the same text."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.storage.ciphers import BindingCipher
from tests.storage.commits import History, task
from tests.storage.conftest import real_transactions
from workflows.engine.checkpoint.base import checkpoint_config
from workflows.engine.errors import DamagedValueError
from workflows.models import ChannelValue, Checkpoint, PendingWrite
from workflows.storage.prune import prune_thread
from workflows.storage.saver import DjangoSaver

pytestmark = real_transactions

LONG = "x" * 300


def step(history: History, writes: dict[str, Any], task_id: str = "t") -> str:
    """A step whose one task appends to `log` and sets the rest; returns its parent."""
    parent = history.head
    values = dict(writes)
    if "log" in writes:
        values["log"] = [*history.values.get("log", []), *writes["log"]]
    history.commit(values, writes=[task(task_id, **writes)])
    return str(parent)


def begun(saver: DjangoSaver | None = None) -> History:
    history = History(saver or DjangoSaver())
    history.commit({"log": [{"text": LONG, "n": n} for n in range(3)]})
    return history


def pending(history: History, checkpoint_id: str, saver: Any = None) -> Any:
    return history.read(checkpoint_id, saver or DjangoSaver()).pending_writes


def test_the_tail_of_a_list_and_a_value_are_written_once():
    history = begun()
    writes = {"log": [{"text": LONG}], "doc": {"body": LONG}, "n": 5}

    parent = step(history, writes)

    row = PendingWrite.objects.get()
    assert LONG not in row.payload
    assert row.values_at == history.head
    assert pending(history, parent) == [
        ("t", "log", writes["log"]),
        ("t", "doc", writes["doc"]),
        ("t", "n", 5),
    ]
    assert history.read().checkpoint["channel_values"] == history.values


def test_each_task_of_a_step_finds_its_part_of_the_list():
    history = begun()
    parent = history.head
    parts = [[{"text": LONG, "of": n}, f"{LONG}{n}"] for n in range(3)]
    log = [*history.values["log"], *parts[0], *parts[1], *parts[2]]

    history.commit(
        {"log": log}, writes=[task(f"t{n}", log=parts[n]) for n in (2, 0, 1)]
    )

    assert not PendingWrite.objects.filter(payload__contains=LONG).exists()
    assert pending(history, parent) == [(f"t{n}", "log", parts[n]) for n in range(3)]


def test_what_differs_from_the_channel_is_written_with_the_task():
    history = begun()
    parent = history.head
    history.commit(
        {"doc": {"body": LONG, "by": "reducer"}},
        writes=[task(doc={"body": LONG}, gone=LONG)],
    )

    assert PendingWrite.objects.get().values_at == ""
    assert pending(history, parent) == [
        ("task-1", "doc", {"body": LONG}),
        ("task-1", "gone", LONG),
    ]


def test_the_history_shows_them_page_by_page():
    history = begun()
    parents = [step(history, {"log": [{"text": LONG, "n": n}]}) for n in range(5)]

    listed = [*DjangoSaver().list(checkpoint_config("t"), limit=6)]

    found = {each.checkpoint["id"]: each.pending_writes for each in listed}
    assert [found[parent] for parent in parents] == [
        [("t", "log", [{"text": LONG, "n": n}])] for n in range(5)
    ]


def test_a_value_stays_as_long_as_a_task_refers_to_it():
    saver = DjangoSaver()
    history = begun(saver)
    place = saver.open("t", None)
    writes = {"log": [{"text": LONG}], "doc": {"body": LONG}}
    parent = step(history, writes)
    saver.close(place)

    saver.delete_for_runs([place.run_id])

    assert [*Checkpoint.objects.values_list("id", flat=True)] == [parent]
    assert pending(history, parent) == [
        ("t", "log", writes["log"]),
        ("t", "doc", writes["doc"]),
    ]
    saver.delete_thread("t")
    assert not ChannelValue.objects.exists()


def test_pruning_takes_both_together():
    history = begun()
    parents = [step(history, {"doc": {"body": LONG, "n": n}}) for n in range(4)]

    prune_thread("t", keep=2, forks=False)

    assert pending(history, parents[-1]) == [("t", "doc", {"body": LONG, "n": 3})]
    assert ChannelValue.objects.filter(channel="doc").count() == 2


def test_a_copy_has_them_too():
    history = begun()
    writes = {"log": [{"text": LONG}]}
    parent = step(history, writes)

    history.saver.copy_thread("t", "copy")
    history.saver.delete_thread("t")

    found = DjangoSaver().get_tuple(checkpoint_config("copy", "", parent))
    assert found is not None
    assert found.pending_writes == [("t", "log", writes["log"])]


@pytest.mark.rule("R10.9")
def test_encrypted_values_are_found_as_well():
    history = begun(DjangoSaver(cipher=BindingCipher()))
    writes = {"log": [{"text": LONG}], "short": "s"}

    parent = step(history, writes)

    assert PendingWrite.objects.get().values_at == history.head
    found = pending(history, parent, DjangoSaver(cipher=BindingCipher()))
    assert found == [("t", "log", writes["log"]), ("t", "short", "s")]
    assert '"s"' not in json.dumps([*Checkpoint.objects.values_list("channels")])


@pytest.mark.rule("R10.7")
def test_a_value_that_is_gone_is_an_error_not_an_empty_write():
    history = begun()
    parent = step(history, {"doc": {"body": LONG}})
    ChannelValue.objects.filter(channel="doc").delete()

    with pytest.raises(DamagedValueError, match="'doc' stands in a value row"):
        pending(history, parent)
