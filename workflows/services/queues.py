"""Which queues there are: what `Queue` was given, in the workflows.py of an app (RB.9).

Knows no table, as the registry of workflows does not; the limits are kept by storage/admission.py.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, dataclass, field
from datetime import timedelta
from typing import Any

from workflows.engine.kinds import check_count, check_line, refused, seconds_of
from workflows.services import registry
from workflows.services.action import InvalidAnswer
from workflows.storage.admission import Limits, known

LONGEST_NAME = 100
LONGEST_PARTITION = 200
"""Characters."""
MOST_SECONDS = 366 * 86400
_CALLER = "Queue()"


class UnknownQueueError(LookupError):
    """The code declares no queue of that name."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"no queue named {name!r} is declared; write durableweb.durable.Queue({name!r}, ...) in the workflows.py "
            "of an installed app, or start without it"
        )
        self.name = name


@dataclass(frozen=True)
class Queue:
    """Limits that runs share which are started with `queue=` this one, or its name (RB.9).

    Make it in an app's workflows.py, beside `register`. `name` goes into rows: keep it. At most `concurrency` of
    its runs are at work over all workers, and `worker_concurrency` in one worker process. `rate=(n, seconds)` lets
    n of them start in any so many seconds (a number, or a timedelta). None stands for no limit. Runs wait in
    the order of their priority, the lowest number first, and where that is equal of their start.

    A run that asks a person, sleeps or waits gives its slot back. When it goes on it needs one again, in the
    order of its start, and does not count for the rate again. So does one whose worker has died; until its lease has
    ended it is at work.

    `partition_by` is a key of the input, or a function of the input; each text or whole number that it gives has `concurrency` and
    `rate` of its own, such as each customer.

    Raises TypeError or ValueError for what does not fit, ValueError for a name that is taken by a queue with other
    limits.
    """

    name: str
    _: KW_ONLY
    concurrency: int | None = None
    worker_concurrency: int | None = None
    rate: tuple[int, float | timedelta] | None = None
    partition_by: str | Callable[[Any], Any] | None = None
    module: str = field(default="", init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        _check_name(self.name)
        for name in ("concurrency", "worker_concurrency"):
            if getattr(self, name) is not None:
                check_count(getattr(self, name), _CALLER, name, 1)
        rate = _rate(self.rate)
        object.__setattr__(self, "rate", rate)
        object.__setattr__(self, "module", registry.importing())
        _check_partition_by(self.partition_by)
        held = _queues.get(self.name)
        if held is not None and held != self:
            raise ValueError(
                f"the queue name {self.name!r} is taken by {held.module or 'another call'}, with other limits: "
                f"{held}; give one of them another name"
            )
        _queues[self.name] = self
        known[self.name] = Limits(self.concurrency, self.worker_concurrency, rate)

    def partition_of(self, input: Any) -> str:
        """The partition of a run with this input, "" where the queue has none.

        Raises InvalidAnswer where the input has no such key, or what it gives is no partition, also where a function
        of the author raises.
        """
        by = self.partition_by
        if by is None:
            return ""
        if callable(by):
            return self._text(self._given_by(by, input), "what partition_by returned")
        if not isinstance(input, Mapping) or by not in input:
            raise InvalidAnswer(
                {by: f"the queue {self.name!r} is parted by this key of the input"}
            )
        return self._text(input[by], f"the input's {by!r}")

    def _given_by(self, by: Callable[[Any], Any], input: Any) -> Any:
        try:
            return by(input)
        except Exception as error:
            text = f"partition_by of the queue {self.name!r} raised {type(error).__name__}: {error}"
            raise InvalidAnswer({"queue": text}) from error

    def _text(self, given: Any, what: str) -> str:
        is_number = isinstance(given, int) and not isinstance(given, bool)
        text = str(given) if is_number else given
        if (
            isinstance(text, str)
            and 0 < len(text) <= LONGEST_PARTITION
            and text.isprintable()
        ):
            return text
        path = self.partition_by if isinstance(self.partition_by, str) else "queue"
        shown = repr(given)[:LONGEST_PARTITION]
        raise InvalidAnswer(
            {
                path: f"{what} is {shown}; a partition of the queue {self.name!r} is a whole number, or a text of 1 to "
                f"{LONGEST_PARTITION} printable characters"
            }
        )


_queues: dict[str, Queue] = {}
registry.books += [_queues, known]


def named(queue: Any, where: str) -> str | None:
    """The name of a queue, or of one by that name that is declared elsewhere; None and "" as they are."""
    if queue is None or isinstance(queue, str):
        return queue
    if isinstance(queue, Queue):
        return queue.name
    raise refused(where, "queue", queue, "a Queue, or the name of one")


def get(name: str) -> Queue:
    """The queue of that name; raises UnknownQueueError."""
    try:
        return _queues[name]
    except KeyError:
        raise UnknownQueueError(name) from None


def find(name: str) -> Queue | None:
    """The queue of that name, or None where the code declares none."""
    return _queues.get(name)


def names() -> list[str]:
    """The names of all queues, in order."""
    return sorted(_queues)


def forget(name: str) -> None:
    """Take a queue out again; for tests."""
    _queues.pop(name, None)
    known.pop(name, None)


def _check_name(name: Any) -> None:
    wanted = f"a text of 1 to {LONGEST_NAME} printable characters"
    check_line(name, _CALLER, "name", wanted, LONGEST_NAME)
    if not name:
        raise refused(_CALLER, "name", name, wanted, ValueError)


def _check_partition_by(given: Any) -> None:
    is_key = isinstance(given, str) and given
    if given is not None and not is_key and not callable(given):
        wanted = "a key of the input, or a function of the input"
        raise refused(_CALLER, "partition_by", given, wanted)


def _rate(given: Any) -> tuple[int, float] | None:
    """How many starts in how many seconds."""
    if given is None:
        return None
    wanted = "a pair (how many, in how many seconds), such as (100, 60)"
    if not isinstance(given, tuple | list) or len(given) != 2:
        raise refused(_CALLER, "rate", given, wanted)
    count, length = given
    check_count(count, _CALLER, "the number in rate", 1)
    seconds = seconds_of(length, f"{_CALLER}: the seconds in rate")
    if seconds is None or seconds > MOST_SECONDS:
        wanted = f"a pair whose second number is one of seconds, at most {MOST_SECONDS:,} (a year)"
        raise refused(_CALLER, "rate", given, wanted, ValueError)
    return count, seconds
