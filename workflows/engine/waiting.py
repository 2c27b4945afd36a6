"""What calls that wait have in common: where they stand in their body, how they ended, and how they stop it (RB.1)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from workflows.engine import ids
from workflows.engine.checkpoint.base import Asked
from workflows.engine.checkpoint.overriding import clock_of
from workflows.engine.drivers.threads import off_the_loop
from workflows.engine.errors import GraphInterrupt
from workflows.engine.kinds import check_amount
from workflows.engine.loop.bounds import OF_PLACE, check_record
from workflows.engine.loop.forking import origin_here
from workflows.engine.loop.resume import question_digest
from workflows.engine.runtime import task_context
from workflows.engine.waits import Wait


class Spot(NamedTuple):
    """Where a call stands that waits: it is the `number`-th of `what` in the body of its task."""

    context: Any
    what: str
    number: int

    @property
    def place(self) -> str:
        """The name of the place; the same in each run of the body."""
        return f"{self.what}:{self.number}"

    @property
    def id(self) -> str:
        """The id of what is waited for here."""
        return ids.interrupt_id(origin_here(self.context.task), self.place)

    @property
    def answer(self) -> Any:
        """How the wait has ended, an `Answer`; None while it has not."""
        return self.context.run.answers.get(self.id)

    @property
    def kept(self) -> Any:
        """The `Wait` that was saved when the body first came here; None before."""
        return self.context.run.waits.get(self.id)

    @property
    def until(self) -> datetime | None:
        """The instant that was fixed when the body first came here; None where none was."""
        found: datetime | None = getattr(self.kept, "until", None)
        return found

    @property
    def before(self) -> Spot | None:
        """The call of this kind before this one; None for the first."""
        return self._replace(number=self.number - 1) if self.number else None

    def now(self) -> datetime:
        """The clock of what keeps the instants."""
        saver = self.context.run.saver
        found: datetime = off_the_loop(clock_of(saver)) or ids.now()
        return found

    def stop_for(self, waits: Wait, doing: str, kept: str) -> GraphInterrupt:
        """What ends the body here, to be raised; RuntimeError where nothing would keep it.

        `doing` and `kept` tell that error what the task does, and what had to be kept.
        """
        self.check_is_kept(doing, kept)
        task = self.context.task
        task.asked = (*task.asked, self.asked(waits))
        task.note_asking((waits,))
        return GraphInterrupt((waits,))

    def asked(self, waits: Wait) -> Asked:
        """The wait with its place, as it is saved."""
        return Asked(waits, self.number, self.place, question_digest(waits.value) or "")

    def check_is_kept(self, doing: str, kept: str) -> None:
        """Raise RuntimeError where nothing would keep what is waited for here; the words are those of `stop_for`."""
        task, run = self.context.task, self.context.run
        if run.saver is None:
            raise RuntimeError(
                f"{task.name!r} {doing} in graph {run.program.name!r}, which has no checkpointer "
                f"to keep {kept}; compile it with checkpointer=..."
            )


def next_spot(what: str, caller: str) -> Spot:
    """Where the task stands that calls now; RuntimeError, which names `caller`, outside of a graph.

    Raises TooManyRecordsError where the body has asked for too much.
    """
    context: Any = task_context(caller)
    context.meet_stop()
    if what not in OF_PLACE:
        context.check_outside(f"{caller.removesuffix('()')}() was called")
    number = context.task.count_wait(what)
    check_record(context.task, context.run)
    return Spot(context, what, number)


def seconds_of(duration: Any, where: str, name: str) -> float:
    """A duration in seconds; TypeError or ValueError for what is none."""
    given = duration.total_seconds() if isinstance(duration, timedelta) else duration
    check_amount(given, where, name, "seconds, as a number or a timedelta")
    return float(given)


def later(now: datetime, seconds: float, where: str, instead: str) -> datetime:
    """The instant so many seconds after `now`; ValueError where the calendar has none."""
    try:
        return (now + timedelta(seconds=seconds)).astimezone(UTC)
    except OverflowError:
        raise ValueError(
            f"{where}: {seconds:g} seconds end after the year 9999; {instead}"
        ) from None
