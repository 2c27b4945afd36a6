"""The in-memory saver keeps to the contract of savers, and has upkeep of its own."""

from __future__ import annotations

import threading

import pytest

from tests.storage.saver_contract import Chain, SaverContract, checkpoint, meta
from workflows.engine.checkpoint.base import checkpoint_config
from workflows.engine.checkpoint.memory import InMemorySaver, MemorySaver
from workflows.engine.errors import ThreadBusyError
from workflows.engine.serde import Serde


@pytest.fixture
def saver():
    return InMemorySaver()


class TestContract(SaverContract):
    pass


def steps(saver, config):
    return [found.metadata["step"] for found in saver.list(config)]


def test_it_has_the_old_name_too():
    assert MemorySaver is InMemorySaver


def test_lists_over_all_threads_are_newest_first(saver):
    one, two = Chain(saver, "one"), Chain(saver, "two", "inner:1")
    one.put({"a": 1}, ["a"])
    two.put({"a": 2}, ["a"])

    assert len(list(saver.list(None))) == 2
    assert [f.config for f in saver.list({"configurable": {"thread_id": "two"}})] == [
        two.config
    ]


def test_pruning_keeps_the_head_of_each_namespace(saver):
    chain, inner = Chain(saver, "t"), Chain(saver, "t", "n:1")
    log: list[dict[str, int]] = []
    for number in range(5):
        log = [*log, {"n": number}]
        chain.put({"log": log, "a": 1}, ["log", "a"])
        inner.put({"a": number}, ["a"])

    saver.prune(["t"])

    assert steps(saver, checkpoint_config("t")) == [3]
    assert saver.get(chain.config)["channel_values"]["log"] == log
    assert saver.get(inner.config)["channel_values"] == {"a": 4}
    chain.put({"log": [*log, {"n": 5}], "a": 1}, ["log"])
    assert len(saver.get(chain.config)["channel_values"]["log"]) == 6


def test_pruning_can_delete_and_refuses_other_words(saver):
    Chain(saver, "t").put({"a": 1}, ["a"])

    with pytest.raises(ValueError, match="'all'"):
        saver.prune(["t"], strategy="all")
    saver.prune(["t"], strategy="delete")

    assert saver.head("t") is None


def test_pruning_refuses_a_busy_thread(saver):
    chain = Chain(saver, "t")
    chain.put({"a": 1}, ["a"])
    chain.put({"a": 2}, ["a"])
    place = saver.open("t", None)

    with pytest.raises(ThreadBusyError):
        saver.prune(["t"])

    assert len(steps(saver, checkpoint_config("t"))) == 2
    saver.close(place)


def test_a_copied_thread_goes_its_own_way(saver):
    source = Chain(saver, "source")
    source.put({"log": [{"n": 1}]}, ["log"])
    saver.put_writes(source.config, [("x", 1)], "t", "p")

    saver.copy_thread("source", "target")
    target = checkpoint_config("target", "", source.head)
    saver.put_writes(target, [("x", 2)], "t", "p")
    saver.delete_thread("source")

    found = saver.get_tuple(checkpoint_config("target"))
    assert found.checkpoint["channel_values"] == {"log": [{"n": 1}]}
    assert found.pending_writes == [("t", "x", 2)]
    assert found.config["configurable"]["thread_id"] == "target"


def test_a_copy_does_not_overwrite_a_thread(saver):
    Chain(saver, "a").put({"a": 1}, ["a"])
    Chain(saver, "b").put({"a": 1}, ["a"])

    with pytest.raises(ValueError, match="'b'"):
        saver.copy_thread("a", "b")


def test_checkpoints_of_a_run_can_be_deleted(saver):
    chain = Chain(saver, "t")
    chain.put({"a": 1}, ["a"], run_id="r1")
    chain.put({"a": 2}, ["a"], run_id="r2")

    saver.delete_for_runs(["r2", "r9"])

    assert steps(saver, checkpoint_config("t")) == [-1]


def test_appending_writes_only_what_is_new():
    class Counting(Serde):
        written = 0

        def encode(self, value, path="$"):
            data = super().encode(value, path)
            if path == "$.log":
                Counting.written += len(data)
            return data

    chain = Chain(InMemorySaver(serde=Counting()), "t")
    log: list[dict[str, object]] = []
    for number in range(400):
        log = [*log, {"n": number, "text": "x" * 100}]
        chain.put({"log": log}, ["log"])

    raw = len(Serde().encode(log))
    assert Counting.written < 3.2 * raw


def test_a_channel_that_did_not_move_is_not_encoded_again():
    class Counting(Serde):
        paths: list[str] = []

        def encode(self, value, path="$"):
            Counting.paths.append(path)
            return super().encode(value, path)

    chain = Chain(InMemorySaver(serde=Counting()), "t")
    chain.put({"a": {"x": 1}, "b": {"x": 1}}, ["a", "b"])
    Counting.paths.clear()
    chain.put({"a": {"x": 1}, "b": {"x": 2}}, ["b"])

    assert "$.b" in Counting.paths
    assert "$.a" not in Counting.paths


def test_threads_may_save_at_the_same_time(saver):
    barrier = threading.Barrier(4)

    def run(name):
        chain = Chain(saver, name)
        barrier.wait()
        for number in range(50):
            chain.put({"a": [number]}, ["a"])
            saver.put_writes(chain.config, [("a", number)], "t", "p")

    workers = [threading.Thread(target=run, args=(f"t{n}",)) for n in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    for number in range(4):
        found = saver.get_tuple(checkpoint_config(f"t{number}"))
        assert found.checkpoint["channel_values"] == {"a": [49]}
        assert found.pending_writes == [("t", "a", 49)]


async def test_the_async_twins_do_the_same(saver):
    config = await saver.aput(
        checkpoint_config("t"), saved := checkpoint({"a": 1}), meta(-1), {"a": 1}
    )
    await saver.aput_writes(config, [("x", 1)], "t", "p")

    found = await saver.aget_tuple(config)
    assert found.checkpoint == saved
    assert found.pending_writes == [("t", "x", 1)]
    assert [f.config async for f in saver.alist(config)] == [config]
    assert await saver.ahead("t") == saved["id"]
    place = await saver.aopen("t", saved["id"])
    await saver.aclose(place)
    await saver.acopy_thread("t", "u")
    await saver.aprune(["u"])
    await saver.adelete_for_runs(["none"])
    await saver.adelete_thread("t")
    assert await saver.aget_tuple(config) is None
    assert await saver.ahead("u") == saved["id"]
