"""The program of docs/howto/schedules.md starts its workflow by the clock, with the id, the title and the input that the page says."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from types import ModuleType
from typing import Any

import pytest

from tests.docs.test_examples import FENCE, ROOT
from tests.services.conftest import own_registry
from tests.services.posting import carried_out
from tests.services.timetable import clock
from workflows.models import Run, Thread
from workflows.services import registry
from workflows.services.schedules.backfill import backfill
from workflows.storage.saver import DjangoSaver

assert clock
assert own_registry

PAGE = "docs/howto/schedules.md"
NIGHT = datetime(2026, 11, 23, 2, tzinfo=UTC)


@pytest.mark.django_db(transaction=True)
@pytest.mark.rule("RB.10")
def test_the_report_is_started_at_three_in_berlin(clock: Any, monkeypatch: Any) -> None:
    (code,) = [
        code for _, code in FENCE.findall((ROOT / PAGE).read_text(encoding="utf-8"))
    ]
    module = ModuleType("schedules_of_the_page")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    exec(code, module.__dict__)

    assert clock.at(NIGHT - timedelta(seconds=1)) == 0
    assert clock.at(NIGHT) == 1
    assert clock.at(NIGHT + timedelta(days=1)) == 0  # the first has not ended
    assert carried_out() == ["success"]
    assert clock.at(NIGHT + timedelta(days=1)) == 1

    thread = Thread.objects.get(pk="nightly 2026-11-23T02:00Z")
    assert thread.title == "nightly, 2026-11-23 03:00"
    graph = registry.get("daily-report").graph.with_saver(DjangoSaver())
    found = graph.get_state({"configurable": {"thread_id": thread.pk}}).values
    assert found == "Report of 2026-11-22 for finance"

    assert backfill("nightly", NIGHT - timedelta(days=2), NIGHT) == 2
    while carried_out():
        clock.at(clock.now)
    assert Run.objects.count() == 4
