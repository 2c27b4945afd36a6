"""Dates, times and zones. A zone survives as a zone, not as the offset it had that day."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

from workflows.engine.serde.registry import Form, Registered


def time_types() -> Iterator[Registered]:
    """The registered types of this room."""
    yield Registered("date", date, Form(date.isoformat, _from_iso(date)))
    yield Registered(
        "datetime", datetime, Form(_pack, _from_iso(datetime), _zone_and_fold)
    )
    yield Registered("time", time, Form(_pack, _from_iso(time), _zone_and_fold))
    yield Registered(
        "timedelta",
        timedelta,
        Form(
            lambda value: [value.days, value.seconds, value.microseconds],
            lambda parts, _: timedelta(*parts),
        ),
    )
    yield Registered(
        "ZoneInfo", ZoneInfo, Form(_zone_key, lambda key, _: ZoneInfo(key))
    )
    yield Registered("timezone", timezone, Form(_offset, _to_timezone))


def _pack(value: datetime | time) -> str:
    if _is_plain_offset(value):
        return value.isoformat()
    return value.replace(tzinfo=None).isoformat()


def _is_plain_offset(value: datetime | time) -> bool:
    zone = value.tzinfo
    return type(zone) is timezone and _is_unnamed(zone)


def _is_unnamed(zone: timezone) -> bool:
    return repr(zone) == repr(timezone(zone.utcoffset(None)))


def _zone_and_fold(value: datetime | time) -> dict[str, Any]:
    also: dict[str, Any] = {}
    if value.fold:
        also["fold"] = 1
    if value.tzinfo is not None and not _is_plain_offset(value):
        also["zone"] = value.tzinfo
    return also


def _from_iso(cls: Any) -> Any:
    def read(text: str, rest: Any) -> Any:
        value = cls.fromisoformat(text)
        if rest:
            zone = rest.get("zone", getattr(value, "tzinfo", None))
            value = value.replace(tzinfo=zone, fold=rest.get("fold", 0))
        return value

    return read


def _zone_key(zone: ZoneInfo) -> str:
    if zone.key is None:
        raise ValueError("a zone read from a file without a key has no stored form")
    return zone.key


def _offset(zone: timezone) -> list[Any]:
    if _is_unnamed(zone):
        return [zone.utcoffset(None)]
    return [zone.utcoffset(None), zone.tzname(None)]


def _to_timezone(parts: list[Any], _: Any) -> timezone:
    return timezone(*parts)
