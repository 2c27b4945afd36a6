"""The k-th saving fails, for every k: the run ends with that error, and the next one goes on."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest

from tests.engine.support.lives import Story, WatchedSaver, wait_for_threads
from tests.programs import all_samples
from tests.programs.sample import Sample
from workflows.engine.drivers import aio

CASES = [
    pytest.param(sample, driver, id=f"{sample.name}-{driver}")
    for sample in all_samples().values()
    for driver in sample.drivers
]
MOST_SAVINGS = 200


class OutOfReachError(Exception):
    """The database does not answer."""


class ShakySaver(WatchedSaver):
    """Fails at its `fails_at`-th saving, before it is done or when it is just done."""

    def __init__(self, fails_at: int, *, is_done: bool) -> None:
        super().__init__()
        self.fails_at = fails_at
        self.is_done = is_done
        self.asked = 0

    def commit(self, commit: Any) -> None:
        self.asked += 1
        fails = self.asked == self.fails_at
        if not fails or self.is_done:
            super().commit(commit)
        if fails:
            raise OutOfReachError(f"at saving {self.fails_at}")


@pytest.fixture
def loop() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture(autouse=True)
def _awaited(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the asyncio driver itself run plain graphs; as one hop they run on the other."""
    monkeypatch.setattr(aio, "drive_plain", aio.drive)


@pytest.mark.rule("R4.4", "R4.12")
@pytest.mark.parametrize("is_done", [False, True], ids=["undone", "done"])
@pytest.mark.parametrize(("sample", "driver"), CASES)
def test_a_run_goes_on_after_any_saving_that_failed(
    sample: Sample, driver: str, loop: asyncio.Runner, is_done: bool
) -> None:
    whole = Story(sample, driver, loop)
    answer = whole.live()
    usual = whole.calls()

    for k in count(1):
        assert k < MOST_SAVINGS, f"{sample.name} saves without end"
        story = Story(sample, driver, loop)
        story.saver = ShakySaver(k, is_done=is_done)
        try:
            story.live()
        except OutOfReachError:
            wait_for_threads()
            story.saver.break_leases()
        else:
            assert story.saver.asked < k, f"saving {k} failed and nobody was told"
            break
        saved = {unit for unit in usual if story.saver.holds(unit)}

        assert story.live() == answer, f"saving {k} failed"

        again = {unit: n for unit, n in story.lives[1].calls.items() if unit in saved}
        assert again == {}, f"saving {k} failed: saved work ran again"
    assert k > 1, "nothing was saved"
