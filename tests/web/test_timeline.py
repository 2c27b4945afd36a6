"""Events that were drawn before are not drawn again, and never instead of another one."""

from datetime import UTC, datetime
from typing import Any

import pytest

from workflows.services.records import EventRecord
from workflows.templatetags import timeline
from workflows.templatetags.timeline import timeline_event

AT = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)


def event(seq: int = 1, **data: Any) -> EventRecord:
    return EventRecord("t-1", seq, "warning", data, None, AT)


@pytest.fixture
def drawings(monkeypatch: pytest.MonkeyPatch) -> list[EventRecord]:
    """The events that were drawn, in order."""
    made: list[EventRecord] = []
    draw = timeline._drawn

    def noted(event: EventRecord) -> Any:
        made.append(event)
        return draw(event)

    monkeypatch.setattr(timeline, "_drawn", noted)
    timeline._kept.cache_clear()
    return made


def test_an_event_is_drawn_once(drawings):
    first = timeline_event(event(text="odd"))

    assert timeline_event(event(text="odd")) == first
    assert "odd" in first
    assert len(drawings) == 1


@pytest.mark.parametrize("other", [event(2, text="odd"), event(text="even")])
def test_another_event_is_another_drawing(drawings, other):
    first = timeline_event(event(text="odd"))

    assert timeline_event(other) != first


def test_a_site_that_tells_the_time_otherwise_draws_anew(drawings, settings):
    first = timeline_event(event(text="odd"))
    settings.TIME_ZONE = "Asia/Tokyo"

    assert timeline_event(event(text="odd")) != first


def test_a_long_event_is_not_kept(drawings):
    long = event(text="x" * 5_000)

    assert timeline_event(long) == timeline_event(long)
    assert len(drawings) == 2


def test_what_a_workflow_says_is_no_markup(drawings):
    assert "<b>" not in timeline_event(event(text="<b>bold</b>"))
