"""Which instants a cron means, also over the nights when clocks are put on or back (RB.10)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workflows.services.schedules.cron import Cron

BERLIN, NEW_YORK = "Europe/Berlin", "America/New_York"
pytestmark = [pytest.mark.rule("RB.10"), pytest.mark.one_database]


def times(text: str, zone: str, start: str, count: int) -> list[str]:
    """The next instants after a moment in UTC, as clocks of the place show them."""
    cron = Cron(text, zone)
    begin = datetime.fromisoformat(start).replace(tzinfo=UTC)
    return [
        f"{cron.local(at):%d %H:%M%z}" for at in islice(cron.following(begin), count)
    ]


@pytest.mark.parametrize(
    ("text", "zone", "start", "expected"),
    [
        # Berlin, 29 March 2026: 02:00 is followed by 03:00
        (
            "30 2 * * *",
            BERLIN,
            "2026-03-27T12:00",
            ["28 02:30+0100", "29 03:00+0200", "30 02:30+0200"],
        ),
        (
            "*/20 2 * * *",
            BERLIN,
            "2026-03-28T12:00",
            ["29 03:00+0200", "30 02:00+0200", "30 02:20+0200"],
        ),
        (
            "0 2,3 * * *",
            BERLIN,
            "2026-03-28T12:00",
            ["29 03:00+0200", "30 02:00+0200", "30 03:00+0200"],
        ),
        # New York, 8 March 2026
        (
            "15 2 * * *",
            NEW_YORK,
            "2026-03-07T12:00",
            ["08 03:00-0400", "09 02:15-0400"],
        ),
        # Lord Howe puts its clocks on by half an hour, Havana does so at midnight
        (
            "15 2 * * *",
            "Australia/Lord_Howe",
            "2026-10-03T01:00",
            ["04 02:30+1100", "05 02:15+1100"],
        ),
        (
            "0 0 * * *",
            "America/Havana",
            "2026-03-07T06:00",
            ["08 01:00-0400", "09 00:00-0400"],
        ),
    ],
)
def test_a_time_that_clocks_leave_out_comes_once_when_they_are_put_on(
    text, zone, start, expected
):
    assert times(text, zone, start, len(expected)) == expected


@pytest.mark.parametrize(
    ("text", "zone", "start", "expected"),
    [
        # Berlin, 25 October 2026: 02:00 to 03:00 comes twice
        (
            "30 2 * * *",
            BERLIN,
            "2026-10-24T12:00",
            ["25 02:30+0200", "26 02:30+0100"],
        ),
        (
            "*/30 2 * * *",
            BERLIN,
            "2026-10-24T12:00",
            ["25 02:00+0200", "25 02:30+0200", "26 02:00+0100"],
        ),
        # asked in the second of the two hours
        ("30 2 * * *", BERLIN, "2026-10-25T01:10", ["26 02:30+0100"]),
        # New York, 1 November 2026: 01:00 to 02:00
        (
            "30 1 * * *",
            NEW_YORK,
            "2026-10-31T12:00",
            ["01 01:30-0400", "02 01:30-0500"],
        ),
        ("0 */2 * * *", BERLIN, "2026-10-24T23:30", ["25 02:00+0200", "25 04:00+0100"]),
    ],
)
def test_a_time_that_clocks_show_twice_comes_the_first_time(
    text, zone, start, expected
):
    assert times(text, zone, start, len(expected)) == expected


@pytest.mark.parametrize(
    ("text", "zone", "start", "minutes"),
    [
        ("* * * * *", BERLIN, "2026-03-28T23:30", 1),
        ("*/15 * * * *", BERLIN, "2026-03-28T23:30", 15),
        ("*/15 * * * *", BERLIN, "2026-10-24T22:30", 15),
        ("* * * * *", BERLIN, "2026-10-24T22:30", 1),
        ("*/15 * * * *", NEW_YORK, "2026-03-08T05:00", 15),
        ("*/15 * * * *", NEW_YORK, "2026-11-01T03:00", 15),
        ("30 * * * *", BERLIN, "2026-03-28T22:30", 60),
        ("0 * * * *", NEW_YORK, "2026-11-01T03:00", 60),
    ],
)
def test_a_cron_of_every_hour_goes_on_evenly_over_both(text, zone, start, minutes):
    begin = datetime.fromisoformat(start).replace(tzinfo=UTC)

    found = islice(Cron(text, zone).following(begin), 300 // minutes)

    steps = {late - early for early, late in pairwise(found)}
    assert steps == {timedelta(minutes=minutes)}


@settings(max_examples=150, deadline=None)
@given(
    text=st.sampled_from(
        ["30 2 * * *", "*/7 1-3 * * *", "*/13 * * * *", "0 0 1 * *", "59 23 * * 0"]
    ),
    zone=st.sampled_from([BERLIN, NEW_YORK, "UTC", "Australia/Lord_Howe"]),
    days=st.integers(0, 700),
    seconds=st.integers(0, 86_400),
)
def test_what_follows_is_later_and_nothing_lies_between(text, zone, days, seconds):
    cron = Cron(text, zone)
    start = datetime(2025, 1, 1, tzinfo=UTC) + timedelta(days=days, seconds=seconds)

    at = cron.after(start)

    assert at > start
    assert cron.after(at - timedelta.resolution) == at
    middle = start + (at - start) / 2
    assert cron.after(middle) == at


def test_instants_between_two_include_both():
    cron = Cron("0 3 * * *", "UTC")
    start, end = (
        datetime(2026, 1, 1, 3, tzinfo=UTC),
        datetime(2026, 1, 3, 3, tzinfo=UTC),
    )

    assert [at.day for at in cron.between(start, end)] == [1, 2, 3]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("61 * * * *", "out of range"),
        ("0 0 30 2 *", "failed to find next date"),
        ("* * * * * *", "it has 6 fields"),
        ("0 3 * *", "it has 4 fields"),
        ("r 3 * * *", "draw lots"),
        ("5,H * * * *", "draw lots"),
        ("@reboot", "it has 1 fields"),
    ],
)
def test_what_means_nothing_or_never_comes_is_refused(text, reason):
    with pytest.raises(ValueError, match=reason):
        Cron(text, "UTC").check()


@pytest.mark.parametrize("text", ["@daily", "@hourly", "0 0 29 2 *", "0 9 * * mon-fri"])
def test_what_people_write_is_taken(text):
    Cron(text, "UTC").check()
