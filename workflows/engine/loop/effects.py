"""What the loop may ask of the world, and what it may be told.

The loop yields a request and gets the answer back; a forgotten `yield from` does nothing in
silence, so requests are asked through the typed helpers below.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, TypeVar

from msgspec import Struct

from workflows.engine.cache.base import FullKey
from workflows.engine.checkpoint.base import Commit, Config, Place
from workflows.engine.checkpoint.shapes import Looked
from workflows.engine.errors import RunCancelled
from workflows.engine.loop.tasks import Task

T = TypeVar("T")
Steps = Generator["Request", Any, T]


class Open(Struct, eq=False):
    """Take the thread for this run; answered with the run's `Place` (RA.1)."""

    thread_id: str
    expected_head: str | None


class Load(Struct, eq=False):
    """Read a checkpoint with its pending writes; answered with the tuple or None."""

    config: Config


class Look(Struct, eq=False):
    """Read a checkpoint unless it is as `known` says; answered with what was `Looked`."""

    config: Config
    known: Any


class Save(Struct, eq=False):
    """Make a commit durable; answered when it is."""

    commit: Commit


class List(Struct, eq=False):
    """Read the history, newest first; answered with a list of tuples."""

    config: Config
    filter: dict[str, Any] | None = None
    before: Config | None = None
    limit: int | None = None


class Start(Struct, eq=False):
    """Begin an attempt of a task after `delay` seconds; answered at once."""

    task: Task
    delay: float = 0.0


class Within(Struct, eq=False):
    """Tell by `Overdue` when the step has run for so many seconds from its first start on; ends an earlier one."""

    seconds: float


class Wait(Struct, eq=False):
    """Answered with the events that have come, at least one."""


class Cancel(Struct, eq=False):
    """Give up attempts that still run; their endings are dropped.

    The answer is those that were given up, or None: then all go on to their ends, further attempts too (R3.11).
    """

    tasks: tuple[Task, ...]


class Emit(Struct, eq=False):
    """Hand a chunk to whoever streams this run.

    `namespace` is where it comes from, if not from the run itself; `below` says that a run which a task called has
    sent it up.
    """

    mode: str
    chunk: Any
    namespace: str | None = None
    below: bool = False


class Compute(Struct, eq=False):
    """Run a function of the author outside any step.

    With `task` it is called as if it belonged to that task, and `inject` names what it is given
    beside (a branch in update_state).
    """

    fn: Any
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    is_async: bool
    task: Task | None = None
    inject: tuple[str, ...] = ()


class Lookup(Struct, eq=False):
    """Ask the run's cache; answered with those keys that it has a result for."""

    keys: tuple[FullKey, ...]


class Keep(Struct, eq=False):
    """Give results to the run's cache, each with its ttl in seconds or None."""

    pairs: dict[FullKey, tuple[Any, float | None]]


class Updates(Struct, eq=False):
    """Call a method of the saver that has to do with updates sent to the thread (RB.16); answered with what it returns."""

    method: str
    given: tuple[Any, ...]


Request = (
    Open
    | Load
    | Look
    | Save
    | List
    | Start
    | Within
    | Wait
    | Cancel
    | Emit
    | Compute
    | Lookup
    | Keep
    | Updates
)


class Finished(Struct, eq=False):
    """An attempt returned: its writes are these."""

    task: Task
    writes: list[tuple[str, Any]]


class Failed(Struct, eq=False):
    """An attempt raised; `GraphInterrupt` and `ParentCommand` come this way too."""

    task: Task
    error: BaseException


class Called(Struct, eq=False):
    """A `@task` was called inside `parent`."""

    parent: Task
    child: Task


class Wrote(Struct, eq=False):
    """The stream writer of a task was used, or a run that the task called sent a chunk up."""

    task: Task
    mode: str
    chunk: Any
    namespace: str | None = None
    below: bool = False


class Dropped(Struct, eq=False):
    """A call was cancelled, as nobody waits for it any more: it has no outcome (R4.16)."""

    task: Task


class Overdue(Struct, eq=False):
    """A step has run for as long as it may, by this request (R3.20)."""

    limit: Within


Event = Finished | Failed | Called | Wrote | Dropped | Overdue


class Abandoned(RunCancelled):
    """Thrown into the loop where whoever drives it goes away, so that it saves what it has kept back.

    `cancelled`: what still runs is cancelled with it, and is recorded so (R3.17).
    """

    def __init__(self, *, cancelled: bool = False) -> None:
        super().__init__("its caller has gone")
        self.cancelled = cancelled


WAIT = Wait()


def open_thread(thread_id: str, expected_head: str | None) -> Steps[Place]:
    """Take the thread for this run."""
    place: Place = yield Open(thread_id, expected_head)
    return place


def load(config: Config) -> Steps[Any]:
    """Read a checkpoint."""
    return (yield Load(config))


def look(config: Config, known: Any) -> Steps[Looked]:
    """Read a checkpoint of a saver that `tells_sameness`."""
    looked: Looked = yield Look(config, known)
    return looked


def save(commit: Commit) -> Steps[None]:
    """Save, and go on when it is durable."""
    yield Save(commit)


def listing(
    config: Config,
    filter: dict[str, Any] | None = None,
    before: Config | None = None,
    limit: int | None = None,
) -> Steps[list[Any]]:
    """Read the history."""
    found: list[Any] = yield List(config, filter, before, limit)
    return found


def start(task: Task, delay: float = 0.0) -> Steps[None]:
    """Begin an attempt."""
    yield Start(task, delay)


def wait() -> Steps[list[Event]]:
    """Wait for something to happen."""
    events: list[Event] = yield WAIT
    return events


def cancel(tasks: tuple[Task, ...]) -> Steps[None]:
    """Give up what still runs."""
    yield Cancel(tasks)


def emit(mode: str, chunk: Any) -> Steps[None]:
    """Hand out a chunk."""
    yield Emit(mode, chunk)


def compute(
    fn: Any,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    is_async: bool,
    task: Task | None = None,
    inject: tuple[str, ...] = (),
) -> Steps[Any]:
    """Run a function of the author, maybe as a part of `task`."""
    return (yield Compute(fn, args, kwargs, is_async, task, inject))


def lookup(keys: tuple[FullKey, ...]) -> Steps[dict[FullKey, Any]]:
    """Ask the run's cache."""
    found: dict[FullKey, Any] = yield Lookup(keys)
    return found


def keep(pairs: dict[FullKey, tuple[Any, float | None]]) -> Steps[None]:
    """Give results to the run's cache."""
    yield Keep(pairs)


def updates(method: str, *given: Any) -> Steps[Any]:
    """Ask the saver of the updates that were sent to the thread."""
    return (yield Updates(method, given))
