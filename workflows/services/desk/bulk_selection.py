"""Which questions a person chose for one decision, by number or as all of a view."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from django.conf import settings

from workflows.models import Interrupt
from workflows.services.access import Person, Rights
from workflows.services.action import Refused
from workflows.services.desk.queue_view import SORTS, QueueView

AT_ONCE = 500
_RELATED = ("thread", "claimed_by")


class TooMany(Refused):
    """More questions than one order takes; narrow the choice."""

    def __init__(self, count: int | None, most: int) -> None:
        said = f"{count:,}" if count is not None else f"More than {most:,}"
        super().__init__(
            f"{said} questions are too many: one order takes at most {most:,}. "
            "Narrow the filters of the queue, and order again for the rest."
        )


@dataclass(frozen=True)
class Shown:
    """A question as a person saw it."""

    number: int
    version: int
    round: int


@dataclass(frozen=True)
class Selection:
    """Rows with their threads; `missing` counts the numbers that this person may not see."""

    rows: Sequence[Interrupt]
    missing: int = 0


def select_numbers(person: Person, rights: Rights, numbers: Iterable[int]) -> Selection:
    """The questions of these numbers, in that order; raises TooMany."""
    wanted = [*dict.fromkeys(numbers)]
    if len(wanted) > settings.BULK_MOST:
        raise TooMany(len(wanted), settings.BULK_MOST)
    found: dict[int, Interrupt] = {}
    graphs = rights.visible_graphs()
    for part in _parts([each for each in wanted if 0 < each < 2**63]):
        rows = Interrupt.objects.filter(pk__in=part).select_related(*_RELATED)
        # Limited here: asked for both, SQLite reads every thread of these workflows.
        found.update(
            (row.pk, row)
            for row in rows
            if graphs is None or row.thread.graph in graphs
        )
    seen = [found[each] for each in wanted if each in found]
    return Selection(seen, len(wanted) - len(seen))


def select_view(person: Person, rights: Rights, view: QueueView) -> Selection:
    """All questions of a view of the queue, in its order; raises TooMany."""
    most = settings.BULK_MOST
    rows = view.rows(person, rights).select_related(*_RELATED)
    found = list(rows.order_by(*SORTS[view.sort], "id")[: most + 1])
    if len(found) > most:
        raise TooMany(None, most)
    return Selection(found)


def _parts(numbers: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(numbers), AT_ONCE):
        yield numbers[start : start + AT_ONCE]
