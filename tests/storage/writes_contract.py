"""What every saver does with writes of tasks and with whole commits."""

from __future__ import annotations

import pytest

from tests.storage.chains import OnChains, checkpoint, meta
from workflows.engine.checkpoint.base import (
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
)
from workflows.engine.types import Interrupt, Send


@pytest.mark.rule("R4.5", "R4.6", "R4.7", "R4.8", "R4.18", "R6.4", "R6.17")
class WritesContract(OnChains):
    """Writes, alone and together with their checkpoint."""

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

    def test_listed_checkpoints_carry_their_writes(self, saver, chain):
        config = chain.put({"a": 1}, ["a"])
        saver.put_writes(config, [("x", 1)], "t", "p")

        (found,) = saver.list(checkpoint_config(chain.thread))

        assert found.pending_writes == [("t", "x", 1)]

    # namespaces and threads
