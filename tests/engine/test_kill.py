"""The kill test: stop before the k-th request, for every k, and go on with what was saved.

The answer must not change, and only work whose writes were not yet saved may run again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from itertools import count
from typing import get_args

import pytest

from tests.engine.support.lives import Story, wait_for_threads
from tests.programs import all_samples
from tests.programs.sample import Sample
from workflows.engine.drivers import aio, faults
from workflows.engine.loop import effects

CASES = [
    pytest.param(sample, driver, id=f"{sample.name}-{driver}")
    for sample in all_samples().values()
    for driver in sample.drivers
]
MOST_KILLS = 400


@pytest.fixture
def loop() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture(autouse=True)
def _awaited(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the asyncio driver itself run plain graphs; as one hop they run on the other."""
    monkeypatch.setattr(aio, "drive_plain", aio.drive)


@pytest.mark.parametrize(("sample", "driver"), CASES)
def test_a_run_killed_anywhere_ends_with_the_same_answer(
    sample: Sample, driver: str, loop: asyncio.Runner
) -> None:
    whole = Story(sample, driver, loop)
    answer = whole.live()
    attributes = whole.saver.attributes_of("t")
    usual = whole.calls()

    for k in count(1):
        assert k < MOST_KILLS, f"{sample.name} makes no end of requests"
        story = Story(sample, driver, loop)
        if not killed(story, k):
            break
        saved = {unit for unit in usual if story.saver.holds(unit)}

        assert story.live() == answer, f"killed before request {k}"
        assert story.saver.attributes_of("t") == attributes, f"killed before {k}"

        again = {unit: n for unit, n in story.lives[1].calls.items() if unit in saved}
        assert again == {}, f"killed before request {k}: saved work ran again"
        often = {u: n for u, n in story.calls().items() if n > usual[u] + 1}
        assert often == {}, f"killed before request {k}: {usual}"
    assert k > 5, "hardly a request was counted"


def killed(story: Story, k: int) -> bool:
    """Let `story` live until its `k`-th request; False if it ended before."""
    with faults.kill_before(k):
        try:
            story.live()
        except faults.Killed:
            wait_for_threads()
            story.saver.break_leases()
            return True
    return False


def test_every_kind_of_request_is_made(loop: asyncio.Runner) -> None:
    seen: set[str] = set()
    for sample in all_samples().values():
        for driver in sample.drivers:
            story = Story(sample, driver, loop)
            with faults.counting() as counted:
                story.live()
                story.look_back_and_edit()
                if driver == "blocking":
                    story.watch()
            seen |= counted.kinds

    assert seen == {kind.__name__ for kind in get_args(effects.Request)}
