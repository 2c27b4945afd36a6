"""Ids sort by time of creation, whatever the clock says, and tasks keep theirs."""

from __future__ import annotations

import re

import pytest

from workflows.engine import ids


@pytest.fixture
def stopped_clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [1_800_000_000.0]
    monkeypatch.setattr(ids, "clock", lambda: now[0])
    return now


def test_a_checkpoint_id_looks_like_a_uuid() -> None:
    found = ids.new_checkpoint_id()

    assert re.fullmatch(
        r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", found
    )


def test_ids_grow_while_the_clock_stands_still(stopped_clock: list[float]) -> None:
    made = [ids.new_checkpoint_id()]
    for _ in range(5000):
        made.append(ids.new_checkpoint_id(made[-1]))

    assert made == sorted(made)
    assert len(set(made)) == len(made)


def test_ids_grow_when_the_clock_goes_back(stopped_clock: list[float]) -> None:
    first = ids.new_checkpoint_id()
    stopped_clock[0] -= 3600

    assert ids.new_checkpoint_id(first) > first


def test_ids_grow_with_the_clock(stopped_clock: list[float]) -> None:
    first = ids.new_checkpoint_id()
    stopped_clock[0] += 0.001

    assert ids.new_checkpoint_id() > first


def test_the_same_parts_give_the_same_task_id() -> None:
    assert ids.task_id("c", "", 1, "n", "p") == ids.task_id("c", "", 1, "n", "p")


def test_parts_are_kept_apart() -> None:
    assert ids.task_id("ab", "c") != ids.task_id("a", "bc")


def test_each_place_of_a_task_has_its_own_question_id() -> None:
    made = {ids.interrupt_id("t", place) for place in (0, 1, "key")}

    assert len(made) == 3
    assert all(re.fullmatch("[0-9a-f]{32}", each) for each in made)


def test_a_digest_takes_lone_surrogates() -> None:
    assert ids.digest("\ud800") != ids.digest("?")
