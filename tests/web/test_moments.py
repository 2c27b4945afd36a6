"""Moments as pages tell them."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from workflows.templatetags.moments import instant, moment

AT = datetime(2026, 11, 24, 8, 49, 7, tzinfo=UTC)


@pytest.mark.parametrize("given", [AT, AT.isoformat()])
def test_an_instant_is_told_to_the_minute_with_the_exact_time_behind_it(given):
    drawn = instant(given)

    assert drawn.endswith(">24 Nov 2026, 08:49</time>")
    assert 'title="2026-11-24 08:49:07 UTC"' in drawn


def test_it_is_told_in_the_time_zone_of_the_site(settings):
    settings.TIME_ZONE = "Asia/Tokyo"

    assert ">24 Nov 2026, 17:49<" in instant(AT)


@pytest.mark.parametrize("given", ["", "soon", None, 5])
def test_what_is_no_instant_is_shown_as_it_is(given):
    assert instant(given) == ("" if given is None else str(given))


def test_the_end_of_time_can_be_told(settings):
    settings.TIME_ZONE = "Asia/Tokyo"
    end = datetime.max.replace(tzinfo=UTC)

    assert ">31 Dec 9999, 23:59<" in instant(end)
    assert ">in " in moment(end)


def test_what_is_to_come_is_told_by_how_long_it_takes():
    later = timezone.now() + timedelta(hours=23, minutes=30)

    assert ">in 23 h<" in moment(later)
