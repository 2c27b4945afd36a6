"""What every saver does, whatever it keeps things in.

A test module subclasses `SaverContract` and gives a fixture `saver`.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.storage.chains import Chain, checkpoint, meta
from tests.storage.values_contract import ValuesContract
from tests.storage.writes_contract import WritesContract
from workflows.engine import ids
from workflows.engine.checkpoint.base import checkpoint_config
from workflows.engine.checkpoint.porting import empty_checkpoint
from workflows.engine.errors import (
    StaleResumeError,
    ThreadBusyError,
)


@pytest.mark.rule("R4.5", "R4.6", "R4.7", "R4.8", "R4.18", "R6.4", "R6.17")
class SaverContract(ValuesContract, WritesContract):
    """The behaviour of reading, writing and holding a thread."""

    def test_a_fresh_thread_has_nothing(self, saver, thread):
        config = checkpoint_config(thread)

        assert saver.get_tuple(config) is None
        assert saver.get(config) is None
        assert saver.head(thread) is None
        assert list(saver.list(config)) == []

    def test_what_was_put_is_read_back(self, saver, thread):
        due: list[dict[str, Any]] = [
            {"node": "a", "by": ["x"]},
            {"node": "b", "by": [], "send": (1, {2})},
        ]
        saved = checkpoint({"a": 1, "b": [(1,)]}, due=due)
        metadata = meta(3, who={"id": 5})

        config = saver.put(checkpoint_config(thread), saved, metadata, {"a": 1, "b": 1})
        found = saver.get_tuple(config)

        assert config == checkpoint_config(thread, "", saved["id"])
        assert found.config == config
        assert found.checkpoint == saved
        assert found.metadata == metadata
        assert found.parent_config is None
        assert found.pending_writes == []
        assert saver.get(config) == saved

    def test_without_an_id_the_head_is_read(self, saver, chain):
        chain.put({"a": 1}, ["a"])
        last = chain.put({"a": 2}, ["a"])

        found = saver.get_tuple(checkpoint_config(chain.thread))

        assert found.config == last
        assert found.checkpoint["channel_values"] == {"a": 2}
        assert saver.head(chain.thread) == chain.head

    def test_a_checkpoint_names_its_parent(self, saver, chain):
        first = chain.put({"a": 1}, ["a"])
        second = chain.put({"a": 2}, ["a"])

        assert saver.get_tuple(second).parent_config == first

    def test_an_unknown_checkpoint_is_none(self, saver, chain):
        chain.put({"a": 1}, ["a"])
        unknown = checkpoint_config(chain.thread, "", ids.new_checkpoint_id())

        assert saver.get_tuple(unknown) is None

    def test_the_head_is_the_greatest_id_not_the_highest_step(self, saver, chain):
        first = chain.put({"a": 1}, ["a"])
        chain.put({"a": 2}, ["a"])
        chain.put({"a": 3}, ["a"])
        fork = checkpoint({"a": 9}, {"a": 2}, chain.head)

        saver.put(first, fork, meta(0, "fork"), {"a": 2})

        assert saver.head(chain.thread) == fork["id"]
        assert saver.get(checkpoint_config(chain.thread)) == fork

    def test_two_forks_with_equal_versions_keep_their_own_values(self, saver, chain):
        base = chain.put({"a": [0], "b": 1}, ["a", "b"])
        one = checkpoint({"a": [0, 1], "b": 1}, {"a": 2, "b": 1}, chain.head)
        other = checkpoint({"a": [0, 2], "b": 1}, {"a": 2, "b": 1}, one["id"])

        first = saver.put(base, one, meta(0), {"a": 2})
        second = saver.put(base, other, meta(0), {"a": 2})

        assert saver.get(first)["channel_values"] == {"a": [0, 1], "b": 1}
        assert saver.get(second)["channel_values"] == {"a": [0, 2], "b": 1}
        assert saver.get(base)["channel_values"] == {"a": [0], "b": 1}

    def test_channels_that_did_not_move_keep_their_value(self, saver, chain):
        chain.put({"a": {"x": (1,)}, "b": 1}, ["a", "b"])
        last = chain.put({"a": {"x": (1,)}, "b": 2}, ["b"])

        assert saver.get(last)["channel_values"] == {"a": {"x": (1,)}, "b": 2}

    def test_a_channel_that_was_emptied_is_gone(self, saver, chain):
        chain.put({"a": 1, "b": 1}, ["a", "b"])
        last = chain.put({"a": 1}, ["b"])

        assert saver.get(last)["channel_values"] == {"a": 1}

    def test_none_is_a_value(self, saver, chain):
        config = chain.put({"a": None}, ["a"])

        assert saver.get(config)["channel_values"] == {"a": None}

    def test_history_is_newest_first_with_all_forks(self, saver, chain):
        first = chain.put({"a": 1}, ["a"])
        chain.put({"a": 2}, ["a"])
        saver.put(first, checkpoint({"a": 9}, {"a": 2}, chain.head), meta(0), {"a": 2})

        history = list(saver.list(checkpoint_config(chain.thread)))

        values = [found.checkpoint["channel_values"]["a"] for found in history]
        assert values == [9, 2, 1]

    def test_history_can_be_cut_by_limit_and_before(self, saver, chain):
        configs = [chain.put({"a": n}, ["a"]) for n in range(5)]
        config = checkpoint_config(chain.thread)

        limited = list(saver.list(config, limit=2))
        before = list(saver.list(config, before=configs[2]))
        both = list(saver.list(config, before=configs[4], limit=1))

        assert [found.config for found in limited] == [configs[4], configs[3]]
        assert [found.config for found in before] == [configs[1], configs[0]]
        assert [found.config for found in both] == [configs[3]]

    def test_history_can_be_filtered_by_metadata(self, saver, chain):
        chain.put({"a": 1}, ["a"], source="input")
        chain.put({"a": 2}, ["a"], user="u1")
        config = checkpoint_config(chain.thread)

        by_source = list(saver.list(config, filter={"source": "input"}))
        by_both = list(saver.list(config, filter={"source": "loop", "user": "u1"}))

        assert [found.metadata["step"] for found in by_source] == [-1]
        assert [found.metadata["step"] for found in by_both] == [0]
        assert list(saver.list(config, filter={"user": "u2"})) == []
        without_a_user = list(saver.list(config, filter={"user": None}))
        assert [f.metadata["source"] for f in without_a_user] == ["input"]

    def test_put_takes_the_metadata_of_its_config_over(self, saver):
        config = {
            "configurable": {"thread_id": "t", "checkpoint_ns": "", "u": 1, "__p": 2},
            "metadata": {"step": 9, "by": "me", "list": [1]},
        }
        checkpoint = empty_checkpoint()

        saver.put(config, checkpoint, {"source": "input", "step": -1}, {})

        found = saver.get_tuple({"configurable": {"thread_id": "t"}})
        assert found.metadata == {"source": "input", "step": -1, "by": "me", "u": 1}

    def test_a_config_with_an_id_lists_that_one_alone(self, saver, chain):
        first = chain.put({"a": 1}, ["a"])
        chain.put({"a": 2}, ["a"])

        assert [found.config for found in saver.list(first)] == [first]

    def test_namespaces_and_threads_are_kept_apart(self, saver, chain, thread):
        inner = Chain(saver, thread, "node:1")
        other = Chain(saver, f"{thread}-other")
        chain.put({"a": 1}, ["a"])
        inner.put({"a": 2}, ["a"])
        other.put({"a": 3}, ["a"])

        for one, value in ((chain, 1), (inner, 2), (other, 3)):
            assert saver.get(one.config)["channel_values"] == {"a": value}
        assert saver.head(thread) == chain.head
        assert len(list(saver.list(checkpoint_config(thread, "node:1")))) == 1

    def test_a_thread_id_may_be_a_number(self, saver, thread):
        number = 1_000_000 + int(thread.rpartition("-")[2])
        saved = checkpoint({"a": 1})

        saver.put({"configurable": {"thread_id": number}}, saved, meta(-1), {"a": 1})

        assert saver.get(checkpoint_config(str(number))) == saved

    def test_deleting_a_thread_deletes_all_its_namespaces(self, saver, chain, thread):
        inner = Chain(saver, thread, "node:1")
        other = Chain(saver, f"{thread}-other")
        config = chain.put({"a": 1}, ["a"])
        saver.put_writes(config, [("x", 1)], "t", "p")
        inner.put({"a": 2}, ["a"])
        other.put({"a": 3}, ["a"])

        saver.delete_thread(thread)

        assert saver.get_tuple(chain.config) is None
        assert saver.get_tuple(inner.config) is None
        assert saver.get_tuple(other.config) is not None

    def test_a_thread_can_start_anew_after_it_was_deleted(self, saver, chain, thread):
        chain.put({"log": [{"n": 1}]}, ["log"])
        saver.delete_thread(thread)
        again = Chain(saver, thread)

        again.put({"log": [{"n": 2}]}, ["log"])

        assert saver.get(again.config)["channel_values"] == {"log": [{"n": 2}]}

    # one run at a time

    def test_a_thread_is_held_by_one_run(self, saver, chain):
        chain.put({"a": 1}, ["a"])
        place = saver.open(chain.thread, None)

        with pytest.raises(ThreadBusyError):
            saver.open(chain.thread, None)
        saver.close(place)

        saver.close(saver.open(chain.thread, chain.head))

    def test_a_run_that_expects_another_head_is_refused(self, saver, chain):
        chain.put({"a": 1}, ["a"])
        old = chain.head
        chain.put({"a": 2}, ["a"])

        with pytest.raises(StaleResumeError) as stale:
            saver.open(chain.thread, old)

        assert stale.value.winner_checkpoint_id == chain.head
        saver.close(saver.open(chain.thread, None))
