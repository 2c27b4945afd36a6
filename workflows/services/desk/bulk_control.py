"""Around a bulk order that was given: stop it, try again what was refused, take it back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from workflows.models import BulkItem, BulkOrder, Run
from workflows.services.access import Person, Rights, name_of, require, row_of
from workflows.services.action import NotPending, NotVisible
from workflows.services.desk import audit
from workflows.services.desk.bulk_order import DECIDE, UNDO, start
from workflows.storage.clock import machine_now

# How long decisions that are being taken back are kept from going on.
HOLD = timedelta(minutes=10)
State = BulkItem.State
RETRIED = (State.WAITING, State.REFUSED, State.FAILED)
LIVE = (Run.Status.PENDING, Run.Status.RUNNING)
_UNTOUCHED: dict[str, Any] = {"status": Run.Status.PENDING, "fence": 0}


class NothingToDo(NotPending):
    """The order has come to an end of its own, or was never touched."""


def find_order(person: Person, number: int) -> BulkOrder:
    """The order, for whoever gave it, for admins, and for operators of its workflow.

    Nobody sees the order who may not see its questions; it then looks missing.
    """
    row = BulkOrder.objects.filter(pk=number).select_related("run", "person").first()
    rights = Rights(person)
    if row is None or not rights.can_see(row.graph):
        raise NotVisible("bulk order", number)
    if not (is_owner(row, person) or rights.can_operate(row.graph)):
        raise NotVisible("bulk order", number)
    return row


def is_owner(order: BulkOrder, person: Person) -> bool:
    """Whether this person gave the order."""
    mine = getattr(row_of(person), "pk", None)
    return mine is not None and order.person_id == mine


def is_at_work(order: BulkOrder) -> bool:
    """Whether a run of the order is under way or waits for a worker."""
    return Run.objects.filter(thread=order.thread, status__in=LIVE).exists()


@dataclass(frozen=True)
class StopBulk:
    """No further question is decided; what was decided stays. For all who see the order."""

    person: Person
    order: int

    def check(self) -> BulkOrder:
        """The order, where something is left to stop."""
        order = find_order(self.person, self.order)
        waits = order.items.filter(state=State.WAITING).exists()
        if order.stopped_at is not None or not waits:
            raise NothingToDo(f"Bulk order {order.pk} has nothing left to stop.")
        return order

    def execute(self) -> BulkOrder:
        """Set the mark that the workflow looks at before each question."""
        with transaction.atomic():
            order = self.check()
            _stop(order, self.person)
            audit.record(
                self.person,
                "bulk.stopped",
                graph=order.graph,
                thread=order.thread,
                subject=f"bulk {order.pk}",
                data={"left": order.items.filter(state=State.WAITING).count()},
            )
        return order


@dataclass(frozen=True)
class RetryBulk:
    """Try once more what waits, was refused or failed; only for whoever gave the order."""

    person: Person
    order: int

    def check(self) -> BulkOrder:
        """The order, where something is left to try."""
        order = find_order(self.person, self.order)
        require(is_owner(order, self.person), _ONLY_OWNER)
        if is_at_work(order):
            raise NothingToDo(f"Bulk order {order.pk} is still at work; wait a moment.")
        if not order.items.filter(state__in=RETRIED).exists():
            raise NothingToDo(f"Bulk order {order.pk} has nothing left to try.")
        return order

    def execute(self) -> BulkOrder:
        """Make the items wait again, and start the next run."""
        with transaction.atomic():
            order = _locked(self.check())
            changed = order.items.filter(state__in=RETRIED).update(
                state=State.WAITING, why="", changed_at=machine_now()
            )
            order.stopped_at, order.stopped_by = None, ""
            order.run = start(order, self.person, DECIDE)
            order.save(update_fields=["stopped_at", "stopped_by", "run"])
            audit.record(
                self.person,
                "bulk.retried",
                graph=order.graph,
                thread=order.thread,
                subject=f"bulk {order.pk}",
                data={"questions": changed},
            )
        return order


@dataclass(frozen=True)
class UndoBulk:
    """Stop the order and take back every decision with which no workflow has gone on yet.

    Only for whoever gave the order. The decisions are held at once; a run takes them back
    one by one.
    """

    person: Person
    order: int

    def check(self) -> BulkOrder:
        """The order, where something can be taken back."""
        order = find_order(self.person, self.order)
        require(is_owner(order, self.person), _ONLY_OWNER)
        if not can_take_back(order):
            raise NothingToDo(
                f"Nothing of bulk order {order.pk} can be taken back any more: the "
                "workflows have gone on with it."
            )
        return order

    def execute(self) -> BulkOrder:
        """Hold what can be taken back, and start the run that does it."""
        with transaction.atomic():
            order = _locked(self.check())
            _stop(order, self.person)
            now = machine_now()
            undoable = _undoable(order)
            Run.objects.filter(
                pk__in=undoable.values("decision__run"), **_UNTOUCHED
            ).update(due_at=now + HOLD)
            changed = undoable.update(state=State.UNDOING, changed_at=now)
            order.run = start(order, self.person, UNDO)
            order.save(update_fields=["run"])
            audit.record(
                self.person,
                "bulk.undone",
                graph=order.graph,
                thread=order.thread,
                subject=f"bulk {order.pk}",
                data={"questions": changed, "by": name_of(self.person)},
            )
        return order


_ONLY_OWNER = "Only whoever gave a bulk order may try it again or take it back."


def can_take_back(order: BulkOrder) -> int:
    """How many decisions of the order no workflow has gone on with yet."""
    return _undoable(order).count()


def _undoable(order: BulkOrder) -> QuerySet[BulkItem]:
    """Items whose decision no worker has touched; what a dead run left half way included."""
    states = [State.DONE] if is_at_work(order) else [State.DONE, State.UNDOING]
    untouched = {f"decision__run__{name}": value for name, value in _UNTOUCHED.items()}
    return BulkItem.objects.filter(order=order, state__in=states, **untouched)


def _locked(order: BulkOrder) -> BulkOrder:
    """The order's row, held to the end of the transaction: one retry or undo at a time."""
    return BulkOrder.objects.select_for_update().get(pk=order.pk)


def _stop(order: BulkOrder, person: Person) -> None:
    if order.stopped_at is None:
        order.stopped_at = machine_now()
        order.stopped_by = name_of(person)[:200]
        order.save(update_fields=["stopped_at", "stopped_by"])
