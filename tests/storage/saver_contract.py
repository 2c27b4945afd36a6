"""What every saver does, whatever it keeps things in.

A test module subclasses `SaverContract` and gives a fixture `saver`.
"""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from workflows.engine import ids
from workflows.engine.checkpoint.base import (
    Checkpoint,
    Commit,
    TaskWrites,
    checkpoint_config,
)
from workflows.engine.constants import (
    CALL,
    ERROR,
    GOTO,
    INTERRUPT,
    NO_WRITES,
    RESUME,
    RETURN,
)
from workflows.engine.errors import (
    SerializationError,
    StaleResumeError,
    ThreadBusyError,
)
from workflows.engine.types import Interrupt, Send

_threads = itertools.count(1)


def checkpoint(
    values: dict[str, Any],
    versions: dict[str, Any] | None = None,
    after: str = "",
    due: list[dict[str, Any]] | None = None,
) -> Checkpoint:
    return {
        "v": 1,
        "id": ids.new_checkpoint_id(after),
        "ts": ids.now_text(),
        "channel_values": values,
        "channel_versions": versions or dict.fromkeys(values, 1),
        "versions_seen": {},
        "updated_channels": sorted(values),
        "due": due or [],
    }


def meta(step: int, source: str = "loop", **more: Any) -> dict[str, Any]:
    return {"source": source, "step": step, "parents": {}, **more}


class Chain:
    """Puts one checkpoint after another on a thread, as a run does."""

    def __init__(self, saver: Any, thread: str, namespace: str = "") -> None:
        self.saver, self.thread, self.namespace = saver, thread, namespace
        self.config = checkpoint_config(thread, namespace)
        self.versions: dict[str, int] = {}
        self.step = -1

    @property
    def head(self) -> str:
        return str(self.config["configurable"].get("checkpoint_id", ""))

    def put(self, values: dict[str, Any], changed: list[str], **metadata: Any) -> Any:
        for channel in changed:
            self.versions[channel] = self.versions.get(channel, 0) + 1
        saved = checkpoint(values, dict(self.versions), self.head)
        new = {channel: self.versions[channel] for channel in changed}
        self.config = self.saver.put(
            self.config, saved, meta(self.step, **metadata), new
        )
        self.step += 1
        return self.config


@pytest.mark.rule("R4.5", "R4.6", "R4.7", "R4.8", "R4.18", "R6.4", "R6.17")
class SaverContract:
    """The behaviour of reading, writing and holding a thread."""

    @pytest.fixture
    def thread(self) -> str:
        return f"thread-{next(_threads)}"

    @pytest.fixture
    def chain(self, saver, thread) -> Chain:
        return Chain(saver, thread)

    # reading and writing

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

    def test_changes_in_place_do_not_reach_history(self, saver, chain):
        state: dict[str, Any] = {"a": [[1]], "b": {"x": [1]}}
        first = chain.put(state, ["a", "b"])
        state["a"][0].append(2)
        state["a"].append([3])
        state["b"]["x"].append(2)

        read = saver.get(first)["channel_values"]
        read["a"].append("mine")

        assert saver.get(first)["channel_values"] == {"a": [[1]], "b": {"x": [1]}}

    # lists that grow

    def test_a_list_that_grows_is_whole_at_every_checkpoint(self, saver, chain):
        log: list[Any] = []
        configs = []
        for number in range(60):
            log = [*log, {"n": number, "t": (number,)}]
            configs.append(chain.put({"log": log}, ["log"]))

        for number in (0, 1, 7, 30, 58, 59):
            read = saver.get(configs[number])["channel_values"]["log"]
            assert read == log[: number + 1]

    def test_a_list_that_is_changed_in_the_middle_is_saved_anew(self, saver, chain):
        items = [{"n": number} for number in range(20)]
        first = chain.put({"log": items}, ["log"])
        other = [*items[:5], {"n": "new"}, *items[6:], {"n": 20}]
        second = chain.put({"log": other}, ["log"])

        assert saver.get(first)["channel_values"]["log"] == items
        assert saver.get(second)["channel_values"]["log"] == other

    def test_an_equal_object_of_another_type_is_not_taken_for_the_same(
        self, saver, chain
    ):
        chain.put({"log": [1, 2, 3]}, ["log"])
        second = chain.put({"log": [True, 2, 3, 4]}, ["log"])
        third = chain.put({"log": [True, 2, 3, 45]}, ["log"])

        assert saver.get(second)["channel_values"]["log"][0] is True
        assert saver.get(third)["channel_values"]["log"] == [True, 2, 3, 45]

    def test_a_list_that_shrinks_and_grows_again_is_right(self, saver, chain):
        items = [{"n": number} for number in range(10)]
        configs = [
            chain.put({"log": value}, ["log"])
            for value in (items, items[:4], [*items[:4], 1], [], [2], items)
        ]

        read = [saver.get(config)["channel_values"]["log"] for config in configs]
        assert read == [items, items[:4], [*items[:4], 1], [], [2], items]

    def test_a_list_that_the_author_extended_in_place_is_saved_as_it_is(
        self, saver, chain
    ):
        items: list[dict[str, Any]] = [{"n": 1}]
        first = chain.put({"log": items}, ["log"])
        items.append({"n": 2})
        second = chain.put({"log": items}, ["log"])
        items[0] = {"n": "other"}
        third = chain.put({"log": items}, ["log"])

        assert saver.get(first)["channel_values"]["log"] == [{"n": 1}]
        assert saver.get(second)["channel_values"]["log"] == [{"n": 1}, {"n": 2}]
        assert saver.get(third)["channel_values"]["log"] == [{"n": "other"}, {"n": 2}]

    def test_an_item_edited_in_place_and_written_again_is_saved_as_it_is_now(
        self, saver, chain
    ):
        items = [{"n": 1, "done": False}, {"n": 2, "done": False}]
        first = chain.put({"items": items}, ["items"])
        items[0]["done"] = True
        second = chain.put({"items": items}, ["items"])
        items[1]["done"] = True
        third = chain.put({"items": [*items, {"n": 3}]}, ["items"])

        done = [
            [item.get("done") for item in saver.get(config)["channel_values"]["items"]]
            for config in (first, second, third)
        ]
        assert done == [[False, False], [True, False], [True, True, None]]

    def test_a_list_that_a_reducer_appended_to_is_whole_at_every_checkpoint(
        self, saver, thread
    ):
        log: list[Any] = []
        parent: str | None = None
        ids_seen = []
        for number in range(40):
            log = [*log, {"n": number}]
            after = checkpoint({"log": log}, {"log": number + 1}, parent or "")
            saver.commit(
                Commit(
                    thread,
                    "",
                    parent,
                    (),
                    after,
                    meta(number),
                    {"log": number + 1},
                    frozenset({"log"}),
                )
            )
            parent = after["id"]
            ids_seen.append(parent)

        for number in (0, 5, 22, 39):
            config = checkpoint_config(thread, "", ids_seen[number])
            read = saver.get(config)["channel_values"]["log"]
            assert read == log[: number + 1]

    # pending writes

    def test_writes_are_read_back_by_path_task_and_position(self, saver, chain):
        config = chain.put({"a": 1}, ["a"])
        saver.put_writes(config, [("x", 1), (GOTO, {"node": "n"})], "t2", "p2")
        saver.put_writes(config, [("y", (2,)), ("x", 3)], "t9", "p1")
        saver.put_writes(config, [(NO_WRITES, None)], "t1", "p1")

        assert saver.get_tuple(config).pending_writes == [
            ("t1", NO_WRITES, None),
            ("t9", "y", (2,)),
            ("t9", "x", 3),
            ("t2", "x", 1),
            ("t2", GOTO, {"node": "n"}),
        ]

    def test_writes_belong_to_one_checkpoint(self, saver, chain):
        first = chain.put({"a": 1}, ["a"])
        saver.put_writes(first, [("x", 1)], "t", "p")
        second = chain.put({"a": 2}, ["a"])

        assert saver.get_tuple(second).pending_writes == []
        assert saver.get_tuple(first).pending_writes == [("t", "x", 1)]

    def test_the_writes_of_a_task_given_again_replace_the_first(self, saver, chain):
        config = chain.put({"a": 1}, ["a"])
        saver.put_writes(config, [("x", 1), ("y", 1)], "t", "p")
        saver.put_writes(config, [("x", 2)], "t", "p")

        assert saver.get_tuple(config).pending_writes == [("t", "x", 2)]

    def test_questions_answers_and_errors_stand_beside_writes(self, saver, chain):
        config = chain.put({"a": 1}, ["a"])
        asked = [Interrupt("q", "0" * 32)]
        saver.put_writes(config, [(INTERRUPT, asked)], "t", "p")
        saver.put_writes(config, [(RESUME, ["yes"])], "t", "p")
        saver.put_writes(config, [(RESUME, ["yes", {"n": 2}])], "t", "p")
        saver.put_writes(config, [(ERROR, "boom")], "t", "p")
        saver.put_writes(config, [("x", 1)], "t", "p")

        pending = saver.get_tuple(config).pending_writes

        assert len(pending) == 4
        assert ("t", INTERRUPT, asked) in pending
        assert ("t", RESUME, ["yes", {"n": 2}]) in pending
        assert ("t", ERROR, "boom") in pending
        assert ("t", "x", 1) in pending

    def test_a_result_is_kept_with_its_call(self, saver, chain):
        config = chain.put({"a": 1}, ["a"])
        call = ["parent", "fetch", 1, 0, "digest"]

        saver.put_writes(config, [(RETURN, (1, 2)), (CALL, call)], "t", "p")

        assert saver.get_tuple(config).pending_writes == [
            ("t", RETURN, (1, 2)),
            ("t", CALL, call),
        ]

    def test_a_task_path_may_be_left_out(self, saver, chain):
        config = chain.put({"a": 1}, ["a"])
        saver.put_writes(config, [("x", Send("n", (1,)))], "t")

        assert saver.get_tuple(config).pending_writes == [("t", "x", Send("n", (1,)))]

    # what cannot be stored

    def test_a_value_that_cannot_be_stored_is_named_and_nothing_is_saved(
        self, saver, chain
    ):
        first = chain.put({"a": 1}, ["a"])
        bad = checkpoint({"a": {"b": [object()]}}, {"a": 2}, chain.head)

        with pytest.raises(SerializationError) as refused:
            saver.put(first, bad, meta(1), {"a": 2})
        with pytest.raises(SerializationError) as refused_write:
            saver.put_writes(first, [("x", 1), ("a", {"b": object()})], "t", "p")

        assert refused.value.path == "$.a.b[0]"
        assert refused_write.value.path == "$.a.b"
        assert saver.head(chain.thread) == chain.head
        assert saver.get_tuple(first).pending_writes == []

    # in one piece

    def test_a_commit_saves_writes_and_checkpoint_together(self, saver, chain):
        chain.put({"a": 1}, ["a"])
        parent = chain.head
        after = checkpoint({"a": 2}, {"a": 2}, parent)

        saver.commit(
            Commit(
                chain.thread,
                "",
                parent,
                [TaskWrites("t1", "p", "n", [("a", 2)])],
                after,
                meta(1),
                {"a": 2},
            )
        )

        before = saver.get_tuple(checkpoint_config(chain.thread, "", parent))
        found = saver.get_tuple(checkpoint_config(chain.thread))
        assert before.pending_writes == [("t1", "a", 2)]
        assert found.checkpoint == after
        assert found.metadata == meta(1)
        assert found.parent_config == before.config

    def test_the_first_commit_of_a_thread_has_no_parent(self, saver, thread):
        first = checkpoint({"a": 1})

        saver.commit(Commit(thread, "", None, (), first, meta(-1, "input"), {"a": 1}))

        found = saver.get_tuple(checkpoint_config(thread))
        assert found.checkpoint == first
        assert found.parent_config is None

    def test_a_commit_may_carry_writes_alone(self, saver, chain):
        config = chain.put({"a": 1}, ["a"])

        saver.commit(
            Commit(
                chain.thread,
                "",
                chain.head,
                [
                    TaskWrites("t1", "p1", "n", [("a", 2)]),
                    TaskWrites("t2", "p2", "m", [(ERROR, "boom")], error="boom"),
                ],
            )
        )

        assert saver.head(chain.thread) == chain.head
        assert saver.get_tuple(config).pending_writes == [
            ("t1", "a", 2),
            ("t2", ERROR, "boom"),
        ]

    def test_a_commit_that_cannot_be_stored_saves_nothing(self, saver, chain):
        config = chain.put({"a": 1}, ["a"])
        after = checkpoint({"a": object()}, {"a": 2}, chain.head)

        with pytest.raises(SerializationError):
            saver.commit(
                Commit(
                    chain.thread,
                    "",
                    chain.head,
                    [TaskWrites("t1", "p", "n", [("a", 2)])],
                    after,
                    meta(1),
                    {"a": 2},
                )
            )

        assert saver.head(chain.thread) == chain.head
        assert saver.get_tuple(config).pending_writes == []

    # lists of checkpoints

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

    def test_a_config_with_an_id_lists_that_one_alone(self, saver, chain):
        first = chain.put({"a": 1}, ["a"])
        chain.put({"a": 2}, ["a"])

        assert [found.config for found in saver.list(first)] == [first]

    def test_listed_checkpoints_carry_their_writes(self, saver, chain):
        config = chain.put({"a": 1}, ["a"])
        saver.put_writes(config, [("x", 1)], "t", "p")

        (found,) = saver.list(checkpoint_config(chain.thread))

        assert found.pending_writes == [("t", "x", 1)]

    # namespaces and threads

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
        number = 1_000_000 + next(_threads)
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
