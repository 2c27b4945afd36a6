"""The contract of savers with upkeep: copies, pruning, async twins, abandoned streams."""

from __future__ import annotations

import operator
from datetime import UTC, datetime, timedelta, timezone
from typing import Annotated, Any, TypedDict

import pytest
from asgiref.sync import async_to_sync

from durableweb.graph import START, StateGraph
from tests.storage.chains import Chain, checkpoint, meta
from tests.storage.labels_contract import LabelsContract
from tests.storage.saver_contract import SaverContract
from workflows.engine.checkpoint.base import Commit, TaskWrites, checkpoint_config
from workflows.engine.errors import LeaseLostError, ThreadBusyError

rule = pytest.mark.rule


class Logged(TypedDict, total=False):
    log: Annotated[list[str], operator.add]


THREAD: Any = {"configurable": {"thread_id": "t"}}
OF_A_WRONG_KIND = [
    (lambda s: s.get_tuple(5), TypeError, "config is 5; give a dict such as"),
    (lambda s: s.get_tuple({}), TypeError, "config is {}; give a dict such as"),
    (lambda s: s.get_tuple({"configurable": {}}), ValueError, "that names a thread"),
    (lambda s: [*s.list(5)], TypeError, "config is 5; give a dict such as"),
    (lambda s: [*s.list(THREAD, before=5)], TypeError, "before is 5; give a dict"),
    (lambda s: [*s.list(THREAD, filter=5)], TypeError, "filter is 5; give a dict"),
    (lambda s: [*s.list(THREAD, limit="x")], TypeError, "limit is 'x'; give a whole"),
    (lambda s: s.prune("t"), TypeError, "thread_ids is 't'; give a list of ids"),
    (lambda s: s.delete_for_runs("r"), TypeError, "run_ids is 'r'; give a list of ids"),
]


def two_steps(saver: Any) -> Any:
    graph = StateGraph(Logged)
    graph.add_node("x", lambda state: {"log": ["x"]})
    graph.add_node("y", lambda state: {"log": ["y"]})
    return graph.add_edge(START, "x").add_edge("x", "y").compile(saver)


def grown(saver: Any, thread: str, namespace: str = "", steps: int = 4) -> Chain:
    """A chain with a list that grows, an untouched value and writes at its head."""
    chain = Chain(saver, thread, namespace)
    log: list[Any] = []
    for number in range(steps):
        log = [*log, {"n": number, "t": (number,)}]
        chain.put(
            {"log": log, "still": {1, 2}}, ["log"] if number else ["log", "still"]
        )
    saver.put_writes(chain.config, [("log", [("w",)])], "task", "path")
    return chain


def numbers(saver: Any, config: Any) -> list[int]:
    return [found.metadata["step"] for found in saver.list(config)]


class WholeContract(SaverContract, LabelsContract):
    """All methods of R6.17."""

    @rule("R4.18")
    def test_what_is_read_is_of_the_types_that_were_written(self, saver, chain):
        value = {"t": (1, [(2,)]), 3: {4}, "f": frozenset({"a"}), "n": 2**70}
        config = chain.put({"a": value}, ["a"])

        found = saver.get_tuple(config).checkpoint["channel_values"]["a"]

        assert found == value
        assert type(found["t"]) is tuple
        assert type(found["t"][1][0]) is tuple

    @rule("R4.5")
    def test_a_checkpoint_has_its_versions_metadata_and_parent(self, saver, chain):
        first = chain.put({"a": 1}, ["a"])
        second = chain.put({"a": 2}, ["a"], who="me")

        found = saver.get_tuple(second)

        assert found.checkpoint["channel_versions"] == {"a": 2}
        assert found.metadata == {
            "source": "loop",
            "step": 0,
            "parents": {},
            "who": "me",
        }
        assert found.parent_config == first

    @rule("R6.17")
    def test_without_a_config_all_threads_are_listed(self, saver, thread):
        grown(saver, thread, steps=2)
        grown(saver, f"{thread}-other", steps=1)

        threads = {f.config["configurable"]["thread_id"] for f in saver.list(None)}

        assert {thread, f"{thread}-other"} <= threads

    @rule("R6.17")
    def test_a_copy_has_the_whole_history_and_lives_its_own_life(self, saver, thread):
        chain, inner = grown(saver, thread), grown(saver, thread, "sub:1", 2)
        target = f"{thread}-copy"

        saver.copy_thread(thread, target)

        for each in (chain, inner):
            config = checkpoint_config(target, each.namespace)
            found, source = saver.get_tuple(config), saver.get_tuple(each.config)
            assert found.checkpoint == source.checkpoint
            assert found.pending_writes == source.pending_writes
            assert found.metadata == source.metadata
            assert numbers(saver, config) == numbers(
                saver, checkpoint_config(thread, each.namespace)
            )
        twin = Chain(saver, target)
        twin.config = checkpoint_config(target, "", chain.head)
        twin.put({"log": ["other"], "still": {3}}, ["log", "still"])
        assert saver.get(checkpoint_config(thread))["id"] == chain.head
        saver.delete_thread(thread)
        assert saver.get(twin.config)["channel_values"]["log"] == ["other"]

    @rule("RA.11", "RB.11")
    def test_attributes_are_kept_as_they_were_given(self, saver, thread):
        given = {
            "text": 'it\'s \\ "quoted" {x},\n\u00e4\U0001f600',
            "long": "\u00e4" * 1000,
            "empty": "",
            "int": 2**53,
            "less": -3,
            "float": 0.1,
            "whole": 2.0,
            "yes": True,
            "no": False,
            "at": datetime(2026, 11, 21, 12, 0, 0, 7, tzinfo=UTC),
            "early": datetime(1, 1, 1, tzinfo=UTC),
            "list": ["b", "a", "b", "", 'x"y', "z" * 1000],
            "none": [],
        }

        saver.put_attributes(thread, given)

        found = saver.attributes_of(thread)
        assert found == given
        assert {n: type(v) for n, v in found.items()} == {
            n: type(v) for n, v in given.items()
        }
        assert [*found] == sorted(given)

    @rule("RB.11")
    def test_attributes_change_one_by_one(self, saver, thread):
        saver.put_attributes(thread, {"a": 1, "b": ["x", "y", "z"], "c": "c"})
        saver.put_attributes(thread, {"a": "text", "b": ["y"], "c": None, "d": None})

        assert saver.attributes_of(thread) == {"a": "text", "b": ["y"]}
        assert saver.attributes_of(f"{thread}-other") == {}
        found = saver.attributes_of(thread)
        found["b"].append("mine")
        assert saver.attributes_of(thread)["b"] == ["y"]

    @rule("RB.11")
    def test_an_instant_is_kept_in_utc(self, saver, thread):
        noon = datetime(2026, 11, 21, 12, tzinfo=timezone(timedelta(hours=2)))

        saver.put_attributes(thread, {"at": noon})

        assert saver.attributes_of(thread)["at"].isoformat() == (
            "2026-11-21T10:00:00+00:00"
        )

    @rule("RB.11")
    def test_a_thread_has_no_more_attributes_than_fit(self, saver, thread):
        saver.put_attributes(thread, {f"n{n:02d}": n for n in range(32)})

        with pytest.raises(
            ValueError, match=r"have 33 attributes \(more, n00, .*32 fit"
        ):
            saver.put_attributes(thread, {"more": 1})

        assert len(saver.attributes_of(thread)) == 32
        saver.put_attributes(thread, {"more": 1, "n00": None})
        assert len(saver.attributes_of(thread)) == 32
        saver.put_attributes(thread, {"n01": "changed"})

    @rule("RB.11")
    def test_a_step_and_its_attributes_are_saved_together_or_not_at_all(
        self, saver, thread
    ):
        chain = Chain(saver, thread)
        chain.put({"a": 1}, ["a"])
        saver.put_attributes(thread, {f"n{n}": n for n in range(32)})
        step = checkpoint({"a": 2}, {"a": 2}, chain.head)
        task = TaskWrites("task", "path", "node", [("a", 2)])

        def commit(change: Any) -> None:
            saver.commit(
                Commit(
                    *(thread, "", chain.head, [task], step, meta(2), {"a": 2}),
                    attributes=change,
                )
            )

        with pytest.raises(ValueError, match="33 attributes"):
            commit({"more": 1})
        assert saver.head(thread) == chain.head
        assert "more" not in saver.attributes_of(thread)

        commit({"n1": "changed"})
        assert saver.head(thread) == step["id"]
        assert saver.attributes_of(thread)["n1"] == "changed"

    @rule("RB.11", "R6.17")
    def test_attributes_are_copied_and_removed_with_the_thread(self, saver, thread):
        Chain(saver, thread).put({"a": 1}, ["a"])
        saver.put_attributes(thread, {"a": 1, "tags": ["x"]})

        saver.copy_thread(thread, f"{thread}-copy")
        saver.put_attributes(f"{thread}-copy", {"a": 2})
        assert saver.attributes_of(thread) == {"a": 1, "tags": ["x"]}
        assert saver.attributes_of(f"{thread}-copy") == {"a": 2, "tags": ["x"]}

        saver.delete_thread(thread)
        assert saver.attributes_of(thread) == {}
        assert saver.attributes_of(f"{thread}-copy") == {"a": 2, "tags": ["x"]}

    @rule("R6.17")
    def test_a_copy_needs_a_source_and_a_free_target(self, saver, thread):
        grown(saver, thread, steps=1)
        grown(saver, f"{thread}-b", steps=1)

        with pytest.raises(ValueError, match=f"'{thread}-b'.* already"):
            saver.copy_thread(thread, f"{thread}-b")
        with pytest.raises(ValueError, match="'nothing' does not exist"):
            saver.copy_thread("nothing", f"{thread}-c")

    @rule("R6.17")
    def test_a_thread_that_has_only_writes_takes_no_copy(self, saver, thread):
        saver.put_writes(checkpoint_config(thread), [("a", 1)], "task")

        with pytest.raises(ValueError, match=f"'{thread}'.* already"):
            saver.copy_thread(thread, thread)

    @rule("R6.17")
    def test_pruning_keeps_the_head_of_each_namespace_whole(self, saver, thread):
        chain, inner = grown(saver, thread), grown(saver, thread, "sub:1")
        other = grown(saver, f"{thread}-other")
        before = saver.get_tuple(chain.config)

        saver.prune([thread])

        after = saver.get_tuple(checkpoint_config(thread))
        assert after.checkpoint == before.checkpoint
        assert after.pending_writes == before.pending_writes
        assert numbers(saver, checkpoint_config(thread, "")) == [2]
        assert numbers(saver, checkpoint_config(thread, "sub:1")) == [2]
        assert len(numbers(saver, checkpoint_config(other.thread, ""))) == 4
        assert saver.get(inner.config)["channel_values"]["still"] == {1, 2}

    @rule("R6.17")
    def test_pruning_may_remove_everything(self, saver, thread):
        grown(saver, thread)
        grown(saver, thread, "sub:1")

        saver.prune([thread], strategy="delete")

        assert saver.head(thread) is None
        assert list(saver.list({"configurable": {"thread_id": thread}})) == []

    @rule("R6.17")
    def test_another_strategy_is_refused(self, saver, thread):
        with pytest.raises(ValueError, match="keep_all"):
            saver.prune([thread], strategy="keep_all")

    @rule("R6.17")
    def test_a_thread_that_runs_is_not_pruned(self, saver, thread):
        chain = grown(saver, thread)
        place = saver.open(thread, None)

        with pytest.raises(ThreadBusyError):
            saver.prune([thread])

        saver.close(place)
        assert len(numbers(saver, checkpoint_config(thread, ""))) == 4
        assert saver.head(thread) == chain.head

    @rule("R6.17")
    def test_the_checkpoints_of_a_run_can_be_removed(self, saver, chain):
        kept = chain.put({"log": [1]}, ["log"], run_id="run-a")
        chain.put({"log": [1, 2]}, ["log"], run_id="run-b")
        last = chain.put({"log": [1, 2, 3]}, ["log"], run_id="run-a")
        Chain(saver, f"{chain.thread}-odd").put({"log": []}, ["log"], run_id=["run-b"])

        saver.delete_for_runs(["run-b", "unknown"])

        assert numbers(saver, checkpoint_config(chain.thread, "")) == [1, -1]
        assert saver.get(kept)["channel_values"]["log"] == [1]
        assert saver.get(last)["channel_values"]["log"] == [1, 2, 3]

    @rule("R6.17")
    def test_versions_go_up_by_one(self, saver):
        assert saver.get_next_version(None, None) == 1
        assert saver.get_next_version(1, None) == 2
        assert saver.get_next_version("00000003.4", None) == 4

    @rule("R6.17")
    def test_the_async_twins_do_the_same(self, saver, thread):
        async_to_sync(self._twins)(saver, thread)

    async def _twins(self, saver: Any, thread: str) -> None:
        saved = checkpoint({"a": (1,)})
        config = await saver.aput(checkpoint_config(thread), saved, meta(-1), {"a": 1})
        await saver.aput_writes(config, [("x", 1)], "t", "p")
        found = await saver.aget_tuple(config)
        listed = [each.config async for each in saver.alist(config)]
        head = await saver.ahead(thread)
        place = await saver.aopen(thread, head)
        with pytest.raises(ThreadBusyError):
            await saver.aopen(thread, head)
        await saver.aclose(place)
        await saver.acopy_thread(thread, f"{thread}-u")
        await saver.aprune([f"{thread}-u"])
        await saver.adelete_for_runs(["none"])
        await saver.adelete_thread(thread)

        assert (
            found.checkpoint
            == saved
            == await saver.aget(checkpoint_config(f"{thread}-u"))
        )
        assert found.pending_writes == [("t", "x", 1)]
        assert listed == [config]
        assert head == saved["id"]
        assert await saver.aget_tuple(config) is None

    @rule("RA.2")
    def test_a_stream_that_nobody_reads_on_is_taken_over(self, saver, thread):
        config = {"configurable": {"thread_id": thread}}
        flow = two_steps(saver)
        abandoned = flow.stream({"log": []}, config)
        next(abandoned)

        assert flow.invoke(None, config) == {"log": ["x", "y"]}
        with pytest.raises(LeaseLostError):
            next(abandoned)
        assert flow.invoke({"log": ["z"]}, config)["log"] == ["x", "y", "z", "x", "y"]

    @rule("RA.21", "R6.17")
    @pytest.mark.parametrize(("ask", "error", "says"), OF_A_WRONG_KIND)
    def test_what_is_of_a_wrong_kind_is_refused_by_name(self, saver, ask, error, says):
        with pytest.raises(error, match=says):
            ask(saver)
