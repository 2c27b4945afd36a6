"""The in-memory saver keeps to the contract of savers, and has upkeep of its own."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from tests.storage.chains import Chain, checkpoint, meta
from tests.storage.ciphers import TinyCipher
from tests.storage.whole_contract import WholeContract
from workflows.engine.checkpoint.base import Commit, checkpoint_config
from workflows.engine.checkpoint.kept import Node
from workflows.engine.checkpoint.memory import InMemorySaver, MemorySaver
from workflows.engine.errors import SerializationError, ThreadBusyError
from workflows.engine.serde import Serde


@pytest.fixture
def saver():
    return InMemorySaver()


class TestContract(WholeContract):
    pass


class TestEncrypted(WholeContract):
    @pytest.fixture
    def saver(self):
        return InMemorySaver(cipher=TinyCipher())


def steps(saver, config):
    return [found.metadata["step"] for found in saver.list(config)]


def test_it_has_the_old_name_too():
    assert MemorySaver is InMemorySaver


async def test_it_may_be_opened_in_a_with():
    with InMemorySaver() as saver:
        assert saver.head("t") is None
    async with InMemorySaver() as saver:
        assert await saver.ahead("t") is None


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


class Counting(Serde):
    """Counts the bytes that are encoded for a channel."""

    def __init__(self):
        super().__init__()
        self.written = {}

    def encode(self, value, path="$"):
        data = super().encode(value, path)
        self.written[path] = self.written.get(path, 0) + len(data)
        return data


def grow(saver, item, steps=400):
    """Append one item a step through commits that say so; returns the last list."""
    parent: str | None = None
    log: list[Any] = []
    for number in range(steps):
        log = [*log, item(number)]
        after = checkpoint({"log": log}, {"log": number + 1}, parent or "")
        moved = {"log": number + 1}
        saver.commit(
            Commit("t", "", parent, (), after, meta(number), moved, frozenset(moved))
        )
        parent = after["id"]
    return log


def kept_bytes(saver):
    nodes = {
        id(node): len(node.payload)
        for space in saver._threads["t"].values()
        for saved in space.saved.values()
        for node in saved.values.values()
        if isinstance(node, Node)
    }
    return sum(nodes.values())


def test_what_a_reducer_appended_is_all_that_is_encoded():
    codec = Counting()

    log = grow(
        InMemorySaver(serde=codec), lambda number: {"n": number, "text": "x" * 100}
    )

    assert codec.written["$.log"] < 3.2 * len(Serde().encode(log))


def test_texts_and_numbers_are_appended_without_being_told():
    codec = Counting()
    chain = Chain(InMemorySaver(serde=codec), "t")
    log: list[str] = []
    for number in range(400):
        log = [*log, f"{number} " + "x" * 100]
        chain.put({"log": log}, ["log"])

    assert codec.written["$.log"] < 3.2 * len(Serde().encode(log))
    assert saver_reads(chain) == log


def test_whatever_grows_is_kept_once():
    saver = InMemorySaver()
    chain = Chain(saver, "t")
    log: list[dict[str, object]] = []
    for number in range(200):
        log = [*log, {"n": number, "text": ("x" * 50, number)}]
        chain.put({"log": log}, ["log"])

    assert kept_bytes(saver) < 3.2 * len(Serde().encode(log))
    assert saver_reads(chain) == log


def saver_reads(chain):
    return chain.saver.get(chain.config)["channel_values"]["log"]


def test_the_place_of_a_bad_item_counts_from_the_lists_beginning(saver):
    chain = Chain(saver, "t")
    chain.put({"log": ["a", "b"]}, ["log"])

    with pytest.raises(SerializationError) as refused:
        chain.put({"log": ["a", "b", object()]}, ["log"])

    assert refused.value.path == "$.log[2]"


def test_a_channel_that_did_not_move_is_not_encoded_again():
    codec = Counting()
    chain = Chain(InMemorySaver(serde=codec), "t")
    chain.put({"a": {"x": 1}, "b": {"x": 1}}, ["a", "b"])
    codec.written.clear()
    chain.put({"a": {"x": 1}, "b": {"x": 2}}, ["b"])

    assert "$.b" in codec.written
    assert "$.a" not in codec.written


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


def test_what_a_caller_changes_after_giving_it_is_not_seen():
    saver = InMemorySaver()
    given: Any = {
        "id": "1",
        "channel_values": {"a": 1},
        "channel_versions": {"a": 1},
        "due": [{"node": "n", "by": []}],
    }
    writes: list[tuple[str, Any]] = [("a", 2)]

    config = saver.put(checkpoint_config("t"), given, {"step": 1}, {"a": 1})
    saver.put_writes(config, writes, "task")
    given["channel_versions"]["a"] = 9
    given["due"][0]["by"].append("later")
    writes.append(("a", 3))

    found = saver.get_tuple(config)
    assert found is not None
    assert found.checkpoint["channel_versions"] == {"a": 1}
    assert found.checkpoint["due"] == [{"node": "n", "by": []}]
    assert found.pending_writes == [("task", "a", 2)]
