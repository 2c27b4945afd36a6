"""Carry out a bulk order, question by question; called by the tasks of its workflow.

Each question is decided in a transaction of its own, together with the row of its item, so
whoever does it again after a crash finds it done. What stands in the way of one question is
written at its item and stops none of the others; a database that is away stops the run.
"""

from __future__ import annotations

import logging
from typing import Any

from django.db import transaction

from workflows.engine import serde
from workflows.models import BulkItem, BulkOrder, Decision, Vote
from workflows.services.action import NotAllowed, Refused
from workflows.services.desk.bulk_edit import changed
from workflows.services.desk.bulk_order import DECIDE
from workflows.services.desk.shape import shape_of
from workflows.services.desk.undo_decision import UndoDecision
from workflows.services.resume_run import ResumeRun
from workflows.services.shapes import EDIT
from workflows.storage.clock import machine_now
from workflows.storage.outage import is_away
from workflows.storage.sealing import ANSWER, unseal

log = logging.getLogger(__name__)

CHUNK = 20
State = BulkItem.State


def next_items(order: int, act: str, after: int) -> list[int]:
    """The next items of the order that wait for this act; none once it was stopped."""
    wanted = State.WAITING if act == DECIDE else State.UNDOING
    rows = BulkItem.objects.filter(order=order, state=wanted, pk__gt=after)
    if act == DECIDE:
        rows = rows.filter(order__stopped_at=None)
    return list(rows.order_by("pk").values_list("pk", flat=True)[:CHUNK])


def decide_item(number: int) -> str:
    """Decide the question of one item, in the name of whoever gave the order.

    Returns the state of the item afterwards; an item that is not waiting is left alone.
    """
    item = _find(number)
    if item is None or item.state != State.WAITING:
        return item.state if item else "gone"
    if item.order.stopped_at is not None:
        return State.WAITING.value
    try:
        with transaction.atomic():
            made = _decision(item).execute()
            if isinstance(made, Vote):
                return _settle(item, State.VOTED)
            return _settle(item, State.DONE, decision=made)
    except Exception as error:  # noqa: BLE001 - one question stops none of the others
        return _note(item, State.WAITING, _refusal_state(error), error)


def undo_item(number: int) -> str:
    """Take the decision of one item back; where that is too late, it stays done."""
    item = _find(number)
    if item is None or item.state != State.UNDOING or item.decision_id is None:
        return item.state if item else "gone"
    try:
        with transaction.atomic():
            person = item.order.person
            if person is None:
                raise NotAllowed(_NOBODY)
            UndoDecision(person, item.decision_id, Decision.Channel.BULK).execute()
            return _settle(item, State.UNDONE, State.UNDOING)
    except Exception as error:  # noqa: BLE001 - one question stops none of the others
        _refusal_state(error)
        return _note(item, State.UNDOING, State.DONE, error)


_NOBODY = "Whoever gave the order has no account here any more."


def _find(number: int) -> BulkItem | None:
    return (
        BulkItem.objects.filter(pk=number)
        .select_related("order__person", "interrupt__thread")
        .first()
    )


def _decision(item: BulkItem) -> ResumeRun:
    """The decision as a single one; the service asks for every right again."""
    order, row = item.order, item.interrupt
    if order.person is None:
        raise NotAllowed(_NOBODY)
    kind, value = _answer(item)
    return ResumeRun(
        order.person,
        row.pk,
        kind,
        value,
        order.reason,
        version=item.version,
        round=item.round,
        idempotency_key=f"bulk:{order.pk}:{row.pk}:{item.round}",
        channel=Decision.Channel.BULK,
        bulk=order.pk,
    )


def _answer(item: BulkItem) -> tuple[str, Any]:
    order, row = item.order, item.interrupt
    if order.kind == BulkOrder.Kind.RESPOND:
        words = serde.loads(unseal(order.response, order.thread, ANSWER))
        return order.kind, words
    if not item.edit:
        return order.kind, None
    value = serde.loads(unseal(item.edit, row.thread_id, ANSWER))
    return EDIT, changed(shape_of(row), order.field, value)


def _settle(
    item: BulkItem, state: str, before: str = State.WAITING, **more: Any
) -> str:
    BulkItem.objects.filter(pk=item.pk, state=before).update(
        state=state, why="", changed_at=machine_now(), **more
    )
    return str(state)


def _refusal_state(error: Exception) -> str:
    """Refused, or failed by a fault; a fault of the database's connection goes on up."""
    if isinstance(error, Refused):
        return State.REFUSED
    if is_away(error):
        raise error
    log.error("an item of a bulk order failed", exc_info=error)
    return State.FAILED


def _note(item: BulkItem, before: str, state: str, error: Exception) -> str:
    """Write down what stood in the way, unless another worker has settled the item."""
    why = (
        str(error) if isinstance(error, Refused) else f"{type(error).__name__}: {error}"
    )
    BulkItem.objects.filter(pk=item.pk, state=before).update(
        state=state, why=why[:2000], changed_at=machine_now()
    )
    return str(state)
