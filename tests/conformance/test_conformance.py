"""Every program, through both drivers, on every saver: ours gives the stored transcript."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.conformance.corpus import PROGRAMS, Program, expected, load
from tests.conformance.facade import not_built

load()
CASES = [
    pytest.param(each, driver, id=f"{each.section}-{each.name}-{driver}")
    for each in PROGRAMS.values()
    for driver in each.drivers
]


# Refused by name with FeatureNotBuiltError, which is what these then show.
NOT_BUILT: frozenset[str] = frozenset({"a_cached_node", "a_cached_task"})


@pytest.mark.parametrize(("each", "driver"), CASES)
def test_it_gives_the_stored_transcript(
    each: Program, driver: str, new_saver: Callable[[], Any]
) -> None:
    wanted = expected(each, driver)

    try:
        given = each.transcript("durableweb", driver, new_saver())
    except not_built():
        assert each.name in NOT_BUILT, f"{each.name} should be built by now"
        return
    assert each.name not in NOT_BUILT, f"{each.name} is built: take it off the list"

    assert json.loads(json.dumps(given)) == json.loads(json.dumps(wanted)), (
        f"{each.name} shows {', '.join(each.rules)}. {each.differs or ''}"
    )


def test_every_difference_has_a_reason_and_a_transcript_of_its_own() -> None:
    marked = [each for each in PROGRAMS.values() if each.differs]

    assert all(each.expected is not None for each in marked)
