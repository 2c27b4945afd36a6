"""Listing, copying, pruning and removing the history of a thread."""

from __future__ import annotations

from typing import Any

import pytest

from tests.storage.commits import History, asking, task
from tests.storage.conftest import real_transactions
from workflows.engine.checkpoint.base import checkpoint_config
from workflows.engine.errors import ThreadBusyError
from workflows.models import (
    ChannelValue,
    Checkpoint,
    Decision,
    Event,
    Interrupt,
    PendingWrite,
    Run,
    Thread,
)
from workflows.storage.prune import prune
from workflows.storage.saver import DjangoSaver

pytestmark = real_transactions


def grown(saver: DjangoSaver, thread_id: str = "t", count: int = 12) -> History:
    history = History(saver, thread_id)
    for number in range(count):
        log = [*history.values.get("log", []), f"{number:0100d}"]
        history.ids.append(history.commit({"n": number, "log": log}))
        history.commit(writes=[task(f"t{number}", n=number)])
    return history


def values(saver: DjangoSaver, history: History, checkpoint_id: str) -> dict:
    return history.read(checkpoint_id, saver).checkpoint["channel_values"]


def test_history_is_listed_newest_first_with_values_and_writes():
    history = grown(DjangoSaver())
    saver = DjangoSaver()

    listed = [*saver.list(checkpoint_config("t"))]

    assert [item.checkpoint["id"] for item in listed] == history.ids[::-1]
    for number, item in enumerate(reversed(listed)):
        assert item.checkpoint["channel_values"]["n"] == number
        assert len(item.checkpoint["channel_values"]["log"]) == number + 1
        assert item.pending_writes == [(f"t{number}", "n", number)]


def test_a_list_can_be_narrowed():
    saver = DjangoSaver()
    history = grown(saver)
    inner = History(saver, namespace="sub:1")
    inner.commit({"x": 1})
    grown(saver, "other", 2)
    root = checkpoint_config("t")

    def numbers(*args, **options) -> list[int]:
        return [item.metadata["step"] for item in saver.list(*args, **options)]

    before = checkpoint_config("t", "", history.ids[3])
    assert numbers(root, before=before) == [1, 0, -1]
    assert numbers(root, limit=2) == [10, 9]
    assert numbers(root, limit=0) == []
    assert numbers(root, filter={"step": 4}) == [4]
    assert numbers(root, filter={"source": "input"}) == [-1]
    assert numbers(root, filter={"missing": None}) == numbers(root)
    assert numbers(root, filter={"missing": 1}) == []
    assert numbers(before) == [2]
    assert len(numbers({"configurable": {"thread_id": "t"}})) == 13
    assert len(numbers(checkpoint_config("t", "sub:1"))) == 1
    assert len(numbers(None)) == 15


def test_a_long_history_is_listed_without_gaps_or_repeats():
    saver = DjangoSaver()
    history = History(saver)
    ids = [history.commit({"n": number}) for number in range(120)]
    saver.copy_thread("t", "copy")

    listed = [item.config["configurable"] for item in saver.list(None)]

    pairs = [(each["checkpoint_id"], each["thread_id"]) for each in listed]
    assert pairs == [(id, name) for id in reversed(ids) for name in ("copy", "t")]


def test_a_copy_has_the_history_and_the_open_questions_and_lives_its_own_life():
    saver = DjangoSaver(graph="g")
    place = saver.open("t", None)
    history = grown(saver)
    ending, question_id = asking("Really?")
    history.commit(writes=[ending])
    saver.close(place, "interrupted")

    saver.copy_thread("t", "copy")
    twin = History(saver, "copy")

    found, original = twin.read(), history.read()
    assert found.checkpoint == original.checkpoint
    assert found.pending_writes == original.pending_writes
    assert Thread.objects.get(id="copy").head == history.head
    assert Thread.objects.get(id="copy").status == "interrupted"
    item = Interrupt.objects.get(thread_id="copy")
    assert (item.interrupt_id, item.status) == (question_id, "pending")

    twin.head, twin.step, twin.values = history.head, history.step, {"n": 0}
    twin.commit({"n": 99})
    assert history.read().checkpoint == original.checkpoint
    with pytest.raises(ValueError, match="history already"):
        saver.copy_thread("t", "copy")
    with pytest.raises(ValueError, match="does not exist"):
        saver.copy_thread("nothing", "new")


def test_delete_leaves_no_row():
    saver = DjangoSaver()
    place = saver.open("t", None)
    history = grown(saver)
    ending, _ = asking("Really?")
    history.commit(writes=[ending])
    saver.close(place)
    Decision.objects.create(
        interrupt=Interrupt.objects.get(), round=1, kind="approve", answer="1"
    )
    other = grown(saver, "other", 1)

    saver.delete_thread("t")

    for model in (Checkpoint, ChannelValue, PendingWrite, Event, Interrupt, Run):
        assert not model.objects.filter(thread_id="t").exists()
    assert not Decision.objects.exists()
    assert [*Thread.objects.values_list("id", flat=True)] == ["other"]
    assert other.read() is not None


@pytest.mark.parametrize("keep", [1, 3, 50])
def test_pruning_keeps_the_newest_and_all_that_they_need(keep):
    saver = DjangoSaver()
    history = grown(saver)
    before = {id: values(saver, history, id) for id in history.ids}

    gone = prune("t", keep=keep)

    kept = history.ids[-keep:]
    assert gone == len(history.ids) - len(kept)
    assert [i.checkpoint["id"] for i in saver.list(checkpoint_config("t"))] == kept[
        ::-1
    ]
    for checkpoint_id in kept:
        assert values(DjangoSaver(), history, checkpoint_id) == before[checkpoint_id]
    assert PendingWrite.objects.count() == len(kept)
    history.commit({"log": [*history.values["log"], "more"]})
    assert values(DjangoSaver(), history, history.head) == history.values


def test_pruning_removes_values_that_nothing_needs():
    saver = DjangoSaver()
    history = grown(saver)
    history.commit({"n": "x" * 100})
    history.commit({"n": "y" * 100})

    saver.prune(["t"])

    assert ChannelValue.objects.filter(channel="n").count() == 1
    assert values(DjangoSaver(), history, history.head) == history.values


def test_pruning_keeps_open_questions_and_decisions():
    saver = DjangoSaver()
    history = History(saver)
    first = history.commit({"n": 0})
    ending, _ = asking("Really?")
    place = saver.open("t", None)
    history.commit(writes=[ending])
    saver.close(place, "interrupted")
    second = history.commit({"n": 1})
    item = Interrupt.objects.get()
    Decision.objects.create(
        interrupt=item, round=1, kind="approve", answer="1", checkpoint=second
    )
    history.commit({"n": 2})
    last = history.commit({"n": 3})

    prune("t", keep=1)

    kept = set(Checkpoint.objects.values_list("id", flat=True))
    assert kept == {first, second, last}


def test_a_busy_thread_is_not_pruned():
    saver = DjangoSaver()
    saver.open("t", None)
    history = grown(saver)

    with pytest.raises(ThreadBusyError):
        saver.prune(["t"])

    assert Checkpoint.objects.count() == len(history.ids)


def test_what_a_run_wrote_can_be_removed_and_the_head_goes_back():
    saver = DjangoSaver()
    history = grown(saver, count=3)
    head = history.head
    place = saver.open("t", head)
    history.commit({"n": 100, "log": [*history.values["log"], "by the run"]})
    saver.close(place)
    tagged = History(saver, "tagged")
    tagged.checkpoint({"x": 1})
    metadata: Any = {"run_id": "r1"}
    saver.put(checkpoint_config("tagged"), tagged.checkpoint({"x": 1}), metadata, {})

    saver.delete_for_runs([place.run_id, "r1"])

    assert saver.head("t") == head
    assert values(saver, history, head)["n"] == 2
    assert saver.head("tagged") is None
    assert ChannelValue.objects.filter(thread_id="tagged").count() == 0


def test_an_unknown_strategy_is_refused():
    with pytest.raises(ValueError, match="strategy"):
        DjangoSaver().prune(["t"], strategy="everything")
