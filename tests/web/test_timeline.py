"""Events that were drawn before are not drawn again, and never instead of another one."""

from datetime import UTC, datetime
from typing import Any

import pytest

from workflows.services.records import EventRecord
from workflows.templatetags import timeline
from workflows.templatetags.timeline import in_runs, timeline_event

AT = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)


def event(seq: int = 1, **data: Any) -> EventRecord:
    return EventRecord("t-1", seq, "warning", data, None, AT)


@pytest.fixture
def drawings(monkeypatch: pytest.MonkeyPatch) -> list[EventRecord]:
    """The events that were drawn, in order."""
    made: list[EventRecord] = []
    draw = timeline._drawn

    def noted(event: EventRecord, **named: Any) -> Any:
        made.append(event)
        return draw(event, **named)

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


class TestRuns:
    """Which events are told in one line."""

    @staticmethod
    def tasks(*names: str, status: str = "done", **data: Any) -> list[EventRecord]:
        return [
            EventRecord(
                "t-1", seq, "task", {"node": n, "status": status, **data}, 1, AT
            )
            for seq, n in enumerate(names, 1)
        ]

    @staticmethod
    def shape(events: list[EventRecord]) -> list[tuple[bool, int]]:
        return [(bool(run.alike), len(run.events)) for run in in_runs(events)]

    def test_alike_ones_in_a_row_are_one_run(self):
        found = list(in_runs(self.tasks(*["check"] * 52)))

        assert [len(run.events) for run in found] == [52]
        assert [e.seq for run in found for e in run.events] == list(range(1, 53))

    def test_few_stand_alone(self):
        assert self.shape(self.tasks("check", "check", "check")) == [(False, 3)]

    def test_what_comes_between_parts_them(self):
        checks = self.tasks(*["check"] * 4)
        asks = self.tasks(*["check"] * 4, status="interrupted")

        assert self.shape([*checks, event(), *checks]) == [
            (True, 4),
            (False, 1),
            (True, 4),
        ]
        assert self.shape([*checks, *asks]) == [(True, 4), (True, 4)]
        assert self.shape([*checks, *self.tasks("other")]) == [(True, 4), (False, 1)]

    @pytest.mark.rule("RB.1")
    def test_those_that_sleep_are_alike_where_they_wake_in_the_same_minute(self):
        early, late, later = (
            self.tasks(*["nap"] * 4, status="waiting", until=f"2026-11-24T{time}+00:00")
            for time in ("08:49:01", "08:49:59.5", "08:50:00")
        )

        assert self.shape([*early, *late, *later]) == [(True, 8), (True, 4)]
        assert ">24 Nov 2026, 08:50</time>" in timeline_event(later[0])

    @pytest.mark.parametrize(
        "said", [{"runs": 3}, {"error": {"type": "ValueError", "text": "no"}}]
    )
    def test_what_has_something_to_say_stands_alone(self, said):
        assert self.shape(self.tasks(*["check"] * 5, **said)) == [(False, 5)]
