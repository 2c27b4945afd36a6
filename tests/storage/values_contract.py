"""What every saver does with values that grow, shrink or are edited in place."""

from __future__ import annotations

from typing import Any

import pytest

from tests.storage.chains import OnChains, checkpoint, meta
from workflows.engine.checkpoint.base import (
    Commit,
    checkpoint_config,
)


@pytest.mark.rule("R4.5", "R4.6", "R4.7", "R4.8", "R4.18", "R6.4", "R6.17")
class ValuesContract(OnChains):
    """Each checkpoint keeps the values that it was given."""

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
