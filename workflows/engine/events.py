"""Waiting for an event: something that is told to all who wait for it, wherever they are (RB.3)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from workflows.engine.checkpoint.overriding import beginning_of
from workflows.engine.drivers.threads import off_the_loop
from workflows.engine.kinds import check_line, refused
from workflows.engine.signals import (
    LONGEST_TOPIC,
    answer_to,
    check_topic,
    end_of,
    limit_of,
)
from workflows.engine.waiting import Spot, next_spot
from workflows.engine.waits import RAISE, EventWait, Happened

_CALLER = "wait_event()"


def wait_event(
    name: str,
    *,
    key: str = "",
    where: Mapping[str, Any] | None = None,
    timeout: float | timedelta | None = None,
    default: Any = RAISE,
    since: str | datetime = "wait",
) -> Any:
    """Wait until somebody tells of an event `name` with this `key`; returns its payload.

    An event is told to all who wait for it, on whatever threads. `where` asks for fields of the payload and their
    values: `{"country": "NL"}`. `since` says which events count: "wait", those after the task has first come here;
    "start", those since the run was queued that brought the thread its input, which leaves no gap between the two;
    or an instant with a time zone. Of several the first counts, and the next `wait_event` for the same name and key
    in this body begins behind it. As with `wait_signal` nothing is held meanwhile, the task goes on from its beginning, and
    after `timeout` it returns `default` or raises WaitTimeout. Tell with `durableweb.durable.emit`.

    Raises RuntimeError outside a graph and without a checkpointer; TypeError or ValueError for what is none.
    """
    wanted = checked_event(name, key, where, since)
    seconds = limit_of(timeout, _CALLER)
    spot = next_spot(f"event:{name}:{key}", _CALLER)
    if spot.answer is not None:
        found = answer_to(spot, name, "event", seconds, default)
        return payload_of(found)
    wait = spot.kept or EventWait(
        spot.id,
        name,
        key,
        wanted,
        beginning(spot, since),
        end_of(spot, seconds, _CALLER),
        _last_before(spot),
    )
    raise spot.stop_for(wait, f"waits for event {name!r}", "its place")


def payload_of(found: Any) -> Any:
    """What a wait for an event returns whose answer this is."""
    return found.payload if isinstance(found, Happened) else found


def checked_event(name: str, key: str, where: Any, since: Any) -> dict[str, Any] | None:
    """Refuse what says nothing of an event; its conditions."""
    check_topic(name, _CALLER, "name")
    check_event_key(key, _CALLER)
    check_since(since)
    return _conditions(where)


def beginning(spot: Spot, since: str | datetime) -> datetime:
    """The instant from which events count that is meant by `since`."""
    if isinstance(since, datetime):
        return since.astimezone(UTC)
    run = spot.context.run
    if since == "start" and run.saver is not None:
        began = off_the_loop(beginning_of(run.saver), run.thread_id)
        if began is not None:
            return began  # type: ignore[no-any-return]
    return spot.now().astimezone(UTC)


def _last_before(spot: Spot) -> int:
    """The number of the event that the wait before this one in the body has got; 0 for none."""
    earlier = spot.before
    while earlier is not None:
        value = earlier.answer and earlier.answer.value
        if isinstance(value, Happened):
            return value.number
        earlier = earlier.before
    return 0


def check_event_key(key: Any, where: str) -> None:
    """Refuse what can be no key: TypeError for what is no text, ValueError for one that is too long or unprintable."""
    wanted = f"a text of up to {LONGEST_TOPIC} printable characters"
    check_line(key, where, "key", wanted, LONGEST_TOPIC)


def check_since(since: Any) -> None:
    """Refuse what says nothing of an instant: ValueError, or TypeError for what is neither text nor instant."""
    wanted = "'wait', 'start', or a datetime with a time zone"
    if isinstance(since, datetime):
        if since.tzinfo is None:
            raise refused(_CALLER, "since", since, wanted, ValueError)
    elif since not in ("wait", "start"):
        error = ValueError if isinstance(since, str) else TypeError
        raise refused(_CALLER, "since", since, wanted, error)


def _conditions(where: Any) -> dict[str, Any] | None:
    if where is None:
        return None
    wanted = "a dict of names and plain values, such as {'country': 'NL'}"
    plain = str | int | float | bool | None
    if not isinstance(where, Mapping) or not all(
        isinstance(name, str) and isinstance(value, plain)
        for name, value in where.items()
    ):
        raise refused(_CALLER, "where", where, wanted)
    return dict(where)
