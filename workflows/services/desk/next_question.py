"""Which question comes after one that has been dealt with, in the view of whoever decides."""

from __future__ import annotations

from workflows.models import Interrupt
from workflows.services.access import Person
from workflows.services.desk.deciding import Decider, holder_of
from workflows.services.desk.queue_view import QueueView, cursor_of, page

LOOKED_AT = 10


def next_question(
    person: Person, view: QueueView, number: int, decider: Decider | None = None
) -> int:
    """The number of the next question that `person` may decide; 0 for none.

    The one after `number` in the order of the view, and after the last one the first. What
    somebody else has claimed is passed over.
    """
    decider = decider or Decider(person)
    rights = decider.rights
    rows = view.rows(person, rights).exclude(pk=number)
    here = rights.limit(Interrupt.objects.filter(pk=number)).first()
    after = cursor_of(here, view.sort) if here else ""
    for start in dict.fromkeys((after, "")):
        for row in page(rows, view.sort, start, LOOKED_AT):
            if holder_of(row) in (None, person.pk) and decider.may(row):
                return row.pk
    return 0
