"""Lists that only grow are stored once, through forks and crashes."""

from __future__ import annotations

import pytest
from django.db.models import Sum
from django.db.models.functions import Length

from tests.storage.commits import History
from tests.storage.conftest import real_transactions
from workflows.models import ChannelValue
from workflows.storage.saver import DjangoSaver

pytestmark = real_transactions


def grow(history: History, count: int, size: int = 500) -> None:
    for number in range(count):
        log = history.values.get("log", [])
        history.commit({"log": [*log, f"{number:0{size}d}"]})


@pytest.mark.parametrize("size", [500, 20])
def test_appends_are_written_once_but_for_what_spares_rows(size):
    saver = DjangoSaver()
    saver.open("t", None)
    history = History(saver)
    for number in range(1, 1001):
        history.commit({"log": [*history.values.get("log", []), f"{number:0{size}d}"]})
        if number % 100 == 0:
            stored = ChannelValue.objects.aggregate(n=Sum(Length("payload")))["n"]
            raw = (size + 4) * number
            # A snapshot is written where it spares rows that weigh as much, 200 bytes each.
            assert stored <= (1.01 * raw if size > 200 else raw + 210 * number)

    assert history.read(saver=DjangoSaver()).checkpoint["channel_values"] == (
        history.values
    )


def test_every_point_of_a_chain_reads_back():
    saver = DjangoSaver()
    history = History(saver)
    states = {}
    for number in range(30):
        log = [*history.values.get("log", []), {"n": number}]
        states[history.commit({"log": log})] = log

    for checkpoint_id, log in states.items():
        found = history.read(checkpoint_id, DjangoSaver())
        assert found.checkpoint["channel_values"]["log"] == log


def test_a_new_process_goes_on_with_deltas():
    history = History(DjangoSaver())
    grow(history, 20)
    history.saver = DjangoSaver()
    history.values = dict(history.read().checkpoint["channel_values"])

    history.commit({"log": [*history.values["log"], "next"]})

    newest = ChannelValue.objects.get(checkpoint=history.head)
    assert newest.kind == "delta"
    assert history.read(saver=DjangoSaver()).checkpoint["channel_values"] == (
        history.values
    )


def test_forks_from_one_point_do_not_mix():
    history = History(DjangoSaver())
    grow(history, 10)
    start = history.head
    branches = {}
    for name in ("left", "right", "middle"):
        history.head = start
        history.values = dict(history.read(start).checkpoint["channel_values"])
        for number in range(5):
            log = [*history.values["log"], f"{name} {number}"]
            branches[history.commit({"log": log})] = log

    for checkpoint_id, log in branches.items():
        found = history.read(checkpoint_id, DjangoSaver())
        assert found.checkpoint["channel_values"]["log"] == log


def test_a_list_that_was_changed_in_the_middle_is_written_in_full():
    history = History(DjangoSaver())
    grow(history, 10)
    log = history.values["log"]

    history.commit({"log": [*log[:4], "changed", *log[5:], "more"]})

    assert ChannelValue.objects.get(checkpoint=history.head).kind == "full"
    assert history.read(saver=DjangoSaver()).checkpoint["channel_values"] == (
        history.values
    )


def test_a_list_that_shrank_is_written_in_full():
    history = History(DjangoSaver())
    grow(history, 10)

    history.commit({"log": history.values["log"][:3]})

    assert history.read(saver=DjangoSaver()).checkpoint["channel_values"] == (
        history.values
    )


def test_a_list_that_is_the_same_object_and_grew_in_place_is_a_delta():
    history = History(DjangoSaver())
    grow(history, 10)
    log = history.values["log"]
    log.append("in place")

    history.commit({"log": log})

    assert ChannelValue.objects.get(checkpoint=history.head).kind == "delta"
    assert history.read(saver=DjangoSaver()).checkpoint["channel_values"]["log"] == log


def test_an_unchanged_list_is_not_written_again():
    history = History(DjangoSaver())
    grow(history, 10)
    rows = ChannelValue.objects.count()

    history.commit({"log": list(history.values["log"])})

    assert ChannelValue.objects.count() == rows
    assert history.read(saver=DjangoSaver()).checkpoint["channel_values"] == (
        history.values
    )


def test_a_failed_commit_leaves_nothing_behind_in_the_memory(monkeypatch):
    saver = DjangoSaver()
    history = History(saver)
    grow(history, 10)
    kept = list(history.values["log"])

    with pytest.raises(TypeError):
        history.commit({"log": [*kept, "lost"], "bad": object()})
    history.values = {"log": kept}
    history.commit({"log": [*kept, "kept"]})

    assert history.read(saver=DjangoSaver()).checkpoint["channel_values"] == (
        history.values
    )
