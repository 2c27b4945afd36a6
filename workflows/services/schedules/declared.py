"""Which schedules there are: what `schedule` was given, in the workflows.py of an app (RB.10).

Knows no table, as the registry of workflows does not.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from inspect import iscoroutinefunction
from typing import Any
from zoneinfo import ZoneInfo

from workflows.engine import serde
from workflows.engine.errors import SerializationError
from workflows.engine.kinds import check_line, check_text, refused
from workflows.services import registry
from workflows.services.queues import Queue, named
from workflows.services.schedules.cron import Cron

OVERLAPS = ("skip", "queue", "allow")
LONGEST_NAME = 150
"""Characters: the ids of its threads begin with it."""
_CALLER = "schedule()"
_CRON = "minute, hour, day of the month, month and weekday, such as '0 3 * * *'"
_LONGEST_CRON = 200
_MOST_SECONDS = 366 * 86400


class UnknownScheduleError(LookupError):
    """The code declares no schedule of that name."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"no schedule named {name!r} is declared; call durableweb.durable.schedule({name!r}, ...) in the "
            "workflows.py of an installed app"
        )
        self.name = name


@dataclass(frozen=True, eq=False)
class Declared:
    """One schedule as the code says it. `given` is its input, or a function of the instant that makes it."""

    name: str
    graph: str
    cron: Cron
    given: Any
    overlap: str
    catch_up: timedelta
    jitter: float
    queue: str | None
    module: str

    def input_at(self, at: datetime) -> Any:
        """What the run of this instant is given; what a function of the author raises goes through."""
        return self.given(self.cron.local(at)) if callable(self.given) else self.given

    def due(self, at: datetime) -> datetime:
        """When the run of this instant is started: later by its part of the jitter, and before the next instant.

        The part is drawn from the name and the instant, so that all workers draw the same.
        """
        if not self.jitter:
            return at
        drawn = sha256(self.key(at).encode()).digest()
        most = min(self.jitter, (self.cron.after(at) - at).total_seconds())
        part = int.from_bytes(drawn[:6], "big") / 2**48
        return at + timedelta(seconds=int(most * part))

    def key(self, at: datetime) -> str:
        """The idempotency key of the run of this instant, and the id of its thread."""
        return f"{self.name} {at.astimezone(UTC):%Y-%m-%dT%H:%MZ}"


_schedules: dict[str, Declared] = {}
registry.books.append(_schedules)


def schedule(
    name: str,
    graph: Any,
    *,
    cron: str,
    input: Any,
    tz: str = "UTC",
    overlap: str = "skip",
    catch_up: float | timedelta = 0,
    jitter: float | timedelta = 0,
    queue: str | Queue | None = None,
) -> None:
    """Start the workflow `graph` whenever `cron` says so, by the clocks of `tz` (RB.10).

    Call it in an app's workflows.py, beside `register`. `name` goes into rows, addresses and the ids of the threads: keep it.
    `graph` is the name of a workflow, or what was registered. `cron` has five fields: minute, hour, day of the
    month, month and weekday; `tz` is a name of the tz database, such as "Europe/Berlin". `input` is what each
    run is given, or a function of the instant (an aware datetime, by the clocks of `tz`) that returns it.

    `overlap` says what becomes of an instant when a thread that the schedule has started has not ended: "skip" it, "queue" it until
    that has, or "allow" both. After a standstill instants that are older than `catch_up` (seconds, or a timedelta)
    are passed over, the others run, oldest first. `jitter` starts each run up to so many seconds later.
    The runs wait in `queue` (RB.9); left out, in that of the registration.

    A local time that clocks leave out runs once, when they are put on; one that they show twice runs once. A
    cron of every hour, such as "*/15 * * * *", goes on evenly.

    Raises TypeError or ValueError for what does not fit, ValueError for a name that is taken.
    """
    _check_name(name)
    known = _schedules.get(name)
    if known is not None:
        raise ValueError(
            f"the schedule name {name!r} is taken by {known.module or 'another call'}; give one of them another name"
        )
    if overlap not in OVERLAPS:
        wanted = "'skip', 'queue' or 'allow'"
        raise refused(_CALLER, "overlap", overlap, wanted, ValueError)
    _check_input(input)
    _schedules[name] = Declared(
        name=name,
        graph=_name_of(graph),
        cron=_cron(cron, tz),
        given=input,
        overlap=overlap,
        catch_up=timedelta(seconds=_seconds("catch_up", catch_up)),
        jitter=_seconds("jitter", jitter),
        queue=named(queue, _CALLER),
        module=registry.importing(),
    )


def unschedule(name: str) -> None:
    """Take a schedule out again; for tests."""
    _schedules.pop(name, None)


def find(name: str) -> Declared | None:
    """The schedule of that name, or None where the code declares none."""
    return _schedules.get(name)


def all() -> list[Declared]:
    """Every schedule, by name."""
    return sorted(_schedules.values(), key=lambda item: item.name.lower())


def _check_name(name: Any) -> None:
    wanted = f"a text of 1 to {LONGEST_NAME} printable characters without a slash"
    check_line(name, _CALLER, "name", wanted, LONGEST_NAME)
    if not name.strip() or "/" in name:
        raise refused(_CALLER, "name", name, wanted, ValueError)


def _name_of(graph: Any) -> str:
    """The name of the workflow, which need not be registered yet where it is given by name."""
    if isinstance(graph, str) and graph:
        return graph
    name = registry.name_of(graph)
    if name is None:
        wanted = "the name of a workflow, or what was given to register() before"
        raise refused(_CALLER, "graph", graph, wanted, ValueError)
    return name


def _cron(text: Any, zone: Any) -> Cron:
    check_text(text, _CALLER, "cron", _CRON)
    wanted = "a name of the tz database, such as 'Europe/Berlin'"
    check_text(zone, _CALLER, "tz", wanted)
    try:
        ZoneInfo(zone)
    except (LookupError, ValueError, OSError) as error:
        raise refused(_CALLER, "tz", zone, wanted, ValueError) from error
    cron = Cron(" ".join(text.split()), zone)
    try:
        if len(text) > _LONGEST_CRON:
            raise ValueError("it is too long")
        cron.check()
    except ValueError as error:
        wanted = f"{_CRON} ({error})"
        raise refused(_CALLER, "cron", text, wanted, ValueError) from error
    return cron


def _check_input(given: Any) -> None:
    if iscoroutinefunction(given):
        raise refused(_CALLER, "input", given, "a plain function, or the input itself")
    if callable(given):
        return
    try:
        serde.dumps(given)
    except SerializationError as error:
        wanted = f"what a state may hold, or a function of the instant ({error})"
        raise refused(_CALLER, "input", given, wanted) from error


def _seconds(name: str, given: Any) -> float:
    """A length of 0 or more in seconds."""
    wanted = "seconds or a timedelta, 0 or more"
    seconds = given.total_seconds() if isinstance(given, timedelta) else given
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        raise refused(_CALLER, name, given, wanted)
    if not (math.isfinite(seconds) and 0 <= seconds <= _MOST_SECONDS):
        raise refused(_CALLER, name, given, f"{wanted}, up to 366 days", ValueError)
    return float(seconds)
