"""The contract of savers that keep labels: set, list, remove, and what outlives a pruning."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.storage.chains import Chain, OnChains
from workflows.engine import ids
from workflows.engine.checkpoint.base import checkpoint_config
from workflows.engine.errors import CheckpointNotFoundError

REFUSED: list[tuple[Any, type[Exception], str]] = [
    ("", ValueError, "text is ''; give a short name"),
    (" \n ", ValueError, "give a short name"),
    ("x" * 101, ValueError, "at most 100 characters, not 101"),
    ("before\0refund", ValueError, "one line without NUL"),
    ("before\nrefund", ValueError, "one line without NUL"),
    ("before\ud800", ValueError, "one line without NUL"),
    (5, TypeError, "text is 5; give a short name"),
    (None, TypeError, "text is None; give a short name"),
]


def texts(saver: Any, thread: str) -> list[str]:
    return [each.text for each in saver.labels(thread)]


def steps(saver: Any, thread: str, namespace: str = "") -> list[int]:
    config = checkpoint_config(thread, namespace)
    return [found.metadata["step"] for found in saver.list(config)]


@pytest.mark.rule("RA.10")
class LabelsContract(OnChains):
    """What is said of labels by `engine/checkpoint/labels.py`."""

    @pytest.fixture
    def four(self, saver, thread) -> list[Any]:
        """The configs of four checkpoints with a list that grows."""
        chain = Chain(saver, thread)
        log: list[Any] = []
        configs = []
        for number in range(4):
            log = [*log, {"n": number}]
            configs.append(chain.put({"log": log}, ["log"]))
        return configs

    def test_a_label_names_its_checkpoint(self, saver, thread, four):
        before = datetime.now(UTC).replace(microsecond=0)

        label = saver.set_label(four[1], " before refund ", "Ada")

        assert (label.text, label.by, label.config) == ("before refund", "Ada", four[1])
        assert before <= label.at
        assert list(saver.labels(thread)) == [label]
        assert saver.get(label.config)["id"] == four[1]["configurable"]["checkpoint_id"]

    def test_without_an_id_the_head_is_labelled(self, saver, thread, four):
        assert saver.set_label(checkpoint_config(thread), "now").config == four[-1]

    def test_the_same_label_again_is_the_same_one(self, saver, thread, four):
        first = saver.set_label(four[1], "twice", "Ada")

        assert saver.set_label(four[1], "twice", "Bob") == first
        assert list(saver.labels(thread)) == [first]

    def test_checkpoints_have_several_and_the_newest_come_first(
        self, saver, thread, four
    ):
        inner = Chain(saver, thread, "sub:1")
        newest = inner.put({"log": []}, ["log"])
        for config, text in (
            (four[0], "old"),
            (four[2], "one"),
            (four[2], "two"),
            (newest, "inside"),
        ):
            saver.set_label(config, text)

        assert texts(saver, thread) == ["inside", "one", "two", "old"]
        assert saver.labels(thread)[0].config == newest
        assert list(saver.labels("nobody")) == []

    def test_one_or_all_are_taken_off(self, saver, thread, four):
        for text in ("one", "two", "three"):
            saver.set_label(four[1], text)
        saver.set_label(four[2], "one")

        assert saver.remove_label(four[1], "two") == 1
        assert saver.remove_label(four[1], "two") == 0
        assert texts(saver, thread) == ["one", "one", "three"]
        assert saver.remove_label(four[1]) == 2
        assert texts(saver, thread) == ["one"]

    def test_a_checkpoint_that_is_not_there_has_no_label(self, saver, thread, four):
        for config in (
            checkpoint_config(thread, "", ids.new_checkpoint_id()),
            checkpoint_config(
                thread, "sub:1", four[0]["configurable"]["checkpoint_id"]
            ),
            checkpoint_config("nobody"),
        ):
            with pytest.raises(CheckpointNotFoundError, match="has no checkpoint"):
                saver.set_label(config, "lost")
            with pytest.raises(CheckpointNotFoundError):
                saver.remove_label(config, "lost")

    @pytest.mark.parametrize(("text", "error", "words"), REFUSED)
    def test_what_is_no_name_is_refused(self, saver, thread, four, text, error, words):
        with pytest.raises(error, match=words):
            saver.set_label(four[1], text)

        assert texts(saver, thread) == []

    def test_what_is_labelled_outlives_a_pruning_with_its_values(
        self, saver, thread, four
    ):
        saver.set_label(four[1], "kept")
        saver.set_label(four[0], "given up")
        saver.remove_label(four[0])
        before = saver.get_tuple(four[1])

        saver.prune([thread])

        assert steps(saver, thread) == [2, 0]
        assert saver.get_tuple(four[1]).checkpoint == before.checkpoint
        assert texts(saver, thread) == ["kept"]

    def test_a_labelled_namespace_outlives_a_pruning(self, saver, thread, four):
        inner = Chain(saver, thread, "sub:1")
        for number in range(3):
            saver.set_label(inner.put({"n": number}, ["n"]), f"at {number}")

        saver.prune([thread])

        assert steps(saver, thread, "sub:1") == [1, 0, -1]

    def test_a_copy_takes_labels_along_and_has_its_own(self, saver, thread, four):
        first = saver.set_label(four[1], "before", "Ada")
        target = f"{thread}-copy"

        saver.copy_thread(thread, target)
        saver.remove_label(four[1])

        (copied,) = saver.labels(target)
        assert (copied.text, copied.by, copied.at) == (first.text, "Ada", first.at)
        assert copied.config["configurable"]["thread_id"] == target
        assert saver.get(copied.config)["channel_values"]["log"] == [{"n": 0}, {"n": 1}]
        assert texts(saver, thread) == []

    def test_a_fork_leaves_the_label_where_it_is(self, saver, thread, four):
        saver.set_label(four[1], "before")
        fork = Chain(saver, thread)
        fork.config, fork.versions = four[1], {"log": 4}

        fork.put({"log": ["another way"]}, ["log"])

        assert [each.config for each in saver.labels(thread)] == [four[1]]

    def test_what_removes_a_checkpoint_removes_its_labels(self, saver, thread):
        chain = Chain(saver, thread)
        for run in ("run-a", "run-b", "run-a"):
            saver.set_label(chain.put({"n": run}, ["n"], run_id=run), run)

        saver.delete_for_runs(["run-a"])
        assert texts(saver, thread) == ["run-b"]

        saver.delete_thread(thread)
        assert texts(saver, thread) == []
        Chain(saver, thread).put({"n": 1}, ["n"])
        assert texts(saver, thread) == []
