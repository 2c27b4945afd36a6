"""Which instants a cron means by the clocks of a place, also where these are put on or back (RB.10)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from itertools import takewhile
from zoneinfo import ZoneInfo

from croniter import croniter

FIELDS = 5
NAMES = (
    "@hourly",
    "@daily",
    "@midnight",
    "@weekly",
    "@monthly",
    "@yearly",
    "@annually",
)
# Of croniter's own: a moment that is drawn by lot, in each process another one.
_BY_LOT = re.compile(r"(^|[\s,])[hr]", re.IGNORECASE)


@dataclass(frozen=True)
class Cron:
    """The five fields `text`, by the clocks of `zone`, a name of the tz database.

    Where a cron names hours, it names times of day: one that the clocks leave out comes at the moment when they are put on,
    and one that they show twice comes the first time. A cron of every hour names distances: it goes on evenly
    through both, so that `*/15 * * * *` comes four times in each hour that passes.
    """

    text: str
    zone: str

    def check(self) -> None:
        """Raise ValueError, with the reason, where it means nothing or never comes."""
        fields = self.text.split()
        if len(fields) != FIELDS and self.text not in NAMES:
            raise ValueError(f"it has {len(fields)} fields")
        if _BY_LOT.search(self.text):
            raise ValueError("H and R draw lots")
        self.after(datetime.now(UTC))

    def after(self, instant: datetime) -> datetime:
        """The first instant after `instant`, in UTC."""
        if not self._is_of_every_hour:
            wall = self._local(instant)
            return next(each for each in self._once(wall) if each > instant)
        return min(
            next(each for each in self._each_time(instant, fold) if each > instant)
            for fold in (0, 1)
        )

    def between(self, start: datetime, end: datetime) -> Iterator[datetime]:
        """The instants from `start` up to `end`, both of them included, in order."""
        return takewhile(
            lambda each: each <= end, self.following(start - timedelta.resolution)
        )

    def following(self, instant: datetime) -> Iterator[datetime]:
        """The instants after `instant`, in order, without end."""
        while True:
            instant = self.after(instant)
            yield instant

    def local(self, instant: datetime) -> datetime:
        """The instant by the clocks of the place."""
        return instant.astimezone(self._zone)

    @cached_property
    def _zone(self) -> ZoneInfo:
        return ZoneInfo(self.zone)

    @cached_property
    def _is_of_every_hour(self) -> bool:
        hours = croniter(self.text).expanded[1]
        return "*" in hours or len(set(hours)) == 24

    def _local(self, instant: datetime) -> datetime:
        return self.local(instant).replace(tzinfo=None)

    def _walls(self, wall: datetime) -> Iterator[datetime]:
        """What clocks show at the times of the cron, after `wall`."""
        times = croniter(self.text, wall)
        while True:
            yield times.get_next(datetime)

    def _once(self, wall: datetime) -> Iterator[datetime]:
        """An instant for each time that clocks show after `wall`: never an earlier one after a later."""
        for each in self._walls(wall):
            yield self._put_on(each) if self._gap(each) > 0 else self._at(each)

    def _each_time(self, instant: datetime, fold: int) -> Iterator[datetime]:
        """The instants after about `instant`, of those that clocks show twice the first (0) or the second (1)."""
        wall = self._local(instant)
        # The second time begins as far back on the clocks as they are put back.
        start = wall + min(timedelta(0), timedelta(seconds=self._gap(wall) * fold))
        for each in self._walls(start):
            if self._gap(each) <= 0:
                yield self._at(each, fold)

    def _at(self, wall: datetime, fold: int = 0) -> datetime:
        return wall.replace(tzinfo=self._zone, fold=fold).astimezone(UTC)

    def _gap(self, wall: datetime) -> float:
        """By how many seconds clocks are put on over this time, or, below 0, back, so that they show it twice."""
        first, second = (
            wall.replace(tzinfo=self._zone, fold=fold).utcoffset() or timedelta(0)
            for fold in (0, 1)
        )
        return (second - first).total_seconds()

    def _put_on(self, wall: datetime) -> datetime:
        """The instant when clocks are put on so that they leave `wall` out, to the second."""
        before, after = self._at(wall, fold=1), self._at(wall, fold=0)
        offset = after.astimezone(self._zone).utcoffset()
        while after - before > timedelta(seconds=1):
            middle = before + timedelta(seconds=(after - before).total_seconds() // 2)
            if middle.astimezone(self._zone).utcoffset() == offset:
                after = middle
            else:
                before = middle
        return after
