"""Every program, through both drivers, on the savers it has to do with: the stored transcript."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.conformance.corpus import PROGRAMS, Program, expected, load
from tests.conformance.savers import SAVERS
from workflows.engine.drivers import aio
from workflows.engine.errors import FeatureNotBuiltError

load()

HOPPED = {"asking", "functional", "lifecycle", "paused_subgraphs", "subgraphs"}
"""Sections that also run as one hop to a thread, as async callers of plain graphs do."""

AWAITED = {"asking", "answering", "functional"}
"""Sections that run on databases through the asyncio driver too; it costs time."""

BEFORE_SAVING = {
    *("nodes", "annotations", "runtime", "edges", "jumps", "policies", "retries"),
    *("handlers", "caching", "cached_calls", "schemas", "schemas_of_state"),
    *("passing_values", "supersteps", "cancelled_calls", "futures", "drawing"),
    *("streaming", "streaming_ends", "streaming_below", "task_streams"),
    *("tokens", "message_streams", "stores", "runs", "named_runs", "events"),
}
"""Sections about what goes on before anything is saved: not on a file, whose rows are those
that DjangoSaver keeps, made by the same code. All programs run in memory and on DjangoSaver.
"""


def cases() -> Iterator[Any]:
    for each in PROGRAMS.values():
        drivers = [*each.drivers]
        if "async" in drivers and each.section in HOPPED:
            drivers.append("hop")
        for saver in SAVERS:
            if saver.id == "file" and each.section in BEFORE_SAVING:
                continue
            for driver in drivers:
                rare = driver == "hop" or each.section not in AWAITED
                if saver.id != "memory" and rare and driver != "blocking":
                    continue
                name = f"{saver.id}-{each.section}-{each.name}-{driver}"
                yield pytest.param(
                    each, driver, *saver.values, id=name, marks=saver.marks
                )


@pytest.fixture
def awaited(driver: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the asyncio driver itself run plain graphs, unless the case is about the hop."""
    if driver == "async":
        monkeypatch.setattr(aio, "drive_plain", aio.drive)


@pytest.mark.filterwarnings("ignore:NodeInterrupt is deprecated")
@pytest.mark.usefixtures("awaited", "no_leases_left")
@pytest.mark.parametrize(("each", "driver", "new_saver"), [*cases()])
def test_it_gives_the_stored_transcript(
    each: Program, driver: str, new_saver: Callable[[], Any]
) -> None:
    face = "blocking" if driver == "blocking" else "async"
    wanted = expected(each, face)

    if not each.built:
        with pytest.raises(FeatureNotBuiltError):
            each.transcript("durableweb", face, new_saver())
        return

    given = each.transcript("durableweb", face, new_saver())

    assert json.loads(json.dumps(given)) == json.loads(json.dumps(wanted)), (
        f"{each.name} shows {', '.join(each.rules)}. {each.differs or ''}"
    )


def test_every_difference_has_a_reason_and_a_transcript_of_its_own() -> None:
    marked = [each for each in PROGRAMS.values() if each.differs]

    assert all(each.expected is not None for each in marked)
