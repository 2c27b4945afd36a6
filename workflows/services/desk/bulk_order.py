"""Order one decision for many questions; a bulk run carries it out."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction

from workflows.engine import serde
from workflows.models import BulkItem, BulkOrder, Run
from workflows.services import registry
from workflows.services.access import Person, Rights, name_of, row_of
from workflows.services.action import InvalidAnswer, KeyReused, NotPending
from workflows.services.desk import audit
from workflows.services.desk.bulk_edit import Scalar, changed, fields_of, read_like
from workflows.services.desk.bulk_plan import (
    ORDER_KINDS,
    WITH_REASON,
    Candidate,
    Group,
    Plan,
    make_plan,
)
from workflows.services.desk.bulk_selection import Shown, select_numbers
from workflows.services.keys import check_key
from workflows.services.resume_run import MAX_REASON_LENGTH
from workflows.services.shapes import APPROVE, CHANGES, EDIT, REJECT, RESPOND
from workflows.services.start_run import StartRun
from workflows.storage.sealing import ANSWER, seal

GRAPH = "bulk_decisions"
DECIDE = "decide"
UNDO = "undo"


class NothingLeft(NotPending):
    """Of what was chosen nothing can be decided by this person now."""


@dataclass(frozen=True)
class OrderBulk:
    """`person` decides all `shown` questions of one group alike, but those `left_out`.

    `edits` maps numbers to what was typed for `edited_field`; such a question is approved with that
    change. `confirm` is the number of questions as the person typed it. A repeated
    `idempotency_key` gives the first order again. Questions that changed, were answered or
    are claimed since they were shown become refused items of the order.
    """

    person: Person
    group: str
    kind: str
    shown: Mapping[int, Shown]
    _: KW_ONLY
    reason: str = ""
    response: str = ""
    left_out: frozenset[int] = frozenset()
    edited_field: str = ""
    edits: Mapping[int, str] = field(default_factory=dict)
    confirm: str = ""
    idempotency_key: str | None = None

    @property
    def numbers(self) -> list[int]:
        """The questions that are to be decided."""
        return [number for number in self.shown if number not in self.left_out]

    def plan(self) -> Plan:
        """The chosen questions as they stand now, sorted."""
        rights = Rights(self.person)
        selection = select_numbers(self.person, rights, self.numbers)
        return make_plan(self.person, rights, selection, self.shown)

    def check(self) -> tuple[Plan, Group]:
        """What would be decided; raises NothingLeft, TooMany or InvalidAnswer."""
        check_key("key", self.idempotency_key)
        plan = self.plan()
        group = next((each for each in plan.groups if each.key == self.group), None)
        if group is None:
            raise NothingLeft(
                "Nothing is left of this choice: what you saw has been answered, changed "
                "or claimed meanwhile."
                if self.numbers
                else "Nothing is chosen: every question was left out."
            )
        errors = self._errors()
        edits = self._edited(group, errors)
        if not errors:
            # What does not fit one question is said at its item when its turn comes.
            problem = self._common_problem(group, edits)
            if problem:
                errors["kind"] = f"None of them takes this: {problem}"
        if errors:
            raise InvalidAnswer(errors)
        return plan, group

    def execute(self) -> BulkOrder:
        """Write the order down with an item for each question, and start its run."""
        first = self._first()
        if first is not None:
            return first
        plan, group = self.check()
        try:
            with transaction.atomic():
                return self._order(plan, group)
        except IntegrityError:
            # Two presses of one button: the other was first.
            first = self._first()
            if first is None:
                raise
            return first

    def _order(self, plan: Plan, group: Group) -> BulkOrder:
        thread = f"bulk-{uuid.uuid4()}"
        edits = self._edited(group, {})
        order = BulkOrder.objects.create(
            graph=group.graph,
            node=group.node,
            action=group.action,
            kind=self.kind,
            reason=self.reason if self.kind in WITH_REASON else "",
            response=seal(serde.dumps(self.response), thread, ANSWER)
            if self.kind == RESPOND
            else "",
            field=self.edited_field if edits else "",
            person=row_of(self.person),
            person_name=name_of(self.person)[:200],
            thread=thread,
            idempotency_key=self.idempotency_key,
        )
        items = self._items(order, plan, group, edits)
        BulkItem.objects.bulk_create(items, batch_size=500)
        waiting = sum(1 for each in items if each.state == BulkItem.State.WAITING)
        audit.record(
            self.person,
            "bulk.ordered",
            graph=group.graph,
            thread=thread,
            subject=f"bulk {order.pk}",
            data={
                "kind": self.kind,
                "node": group.node,
                "questions": waiting,
                "refused": len(items) - waiting,
                "edited": sum(1 for each in items if each.edit),
            },
        )
        order.run = start(order, self.person, DECIDE)
        order.save(update_fields=["run"])
        return order

    def _items(
        self, order: BulkOrder, plan: Plan, group: Group, edits: Mapping[int, Scalar]
    ) -> list[BulkItem]:
        items = []
        for each in group.items:
            edit = edits.get(each.row.pk)
            item = self._item(order, each.row.pk, "")
            if edit is not None:
                item.edit = seal(serde.dumps(edit), each.row.thread_id, ANSWER)
            items.append(item)
        items += [self._item(order, each.number, each.why) for each in plan.excluded]
        items += [
            self._item(order, each.row.pk, "It asks for something else now.")
            for other in plan.groups
            if other is not group
            for each in other.items
        ]
        return items

    def _item(self, order: BulkOrder, number: int, why: str) -> BulkItem:
        shown = self.shown[number]
        state = BulkItem.State.REFUSED if why else BulkItem.State.WAITING
        return BulkItem(
            order=order,
            interrupt_id=number,
            version=shown.version,
            round=shown.round,
            state=state,
            why=why,
        )

    def _errors(self) -> dict[str, str]:
        errors: dict[str, str] = {}
        if self.kind not in ORDER_KINDS:
            errors["kind"] = "Choose a decision."
        for name, text in (("reason", self.reason), ("response", self.response)):
            if len(text) > MAX_REASON_LENGTH:
                errors[name] = f"At most {MAX_REASON_LENGTH} characters."
        if self.kind == REJECT and not self.reason.strip():
            errors["reason"] = "Say why; every one of them gets these words."
        if self.kind == CHANGES and not self.reason.strip():
            errors["reason"] = "Say what should change; every one of them gets it."
        if self.kind == RESPOND and not self.response.strip():
            errors["response"] = "Write the answer; every one of them gets these words."
        if self.edits and self.kind != APPROVE:
            errors["kind"] = "Values were changed: that goes with an approval only."
        count = len(self.numbers)
        if count > settings.BULK_CONFIRM_ABOVE and _number(self.confirm) != count:
            errors["confirm"] = (
                f"Type {count} to decide them all."
                if not self.confirm.strip()
                else f"You typed {self.confirm.strip()[:20]}, but {count} would be decided."
            )
        return errors

    def _edited(self, group: Group, errors: dict[str, str]) -> dict[int, Scalar]:
        """The new values that differ from the proposed ones; faults go into `errors`."""
        found: dict[int, Scalar] = {}
        for each in group.items:
            number = each.row.pk
            if number not in self.edits:
                continue
            values = fields_of(each.shape)
            if self.edited_field not in values:
                errors[f"v{number}"] = f"This question has no {self.edited_field}."
                continue
            try:
                value = read_like(self.edits[number], values[self.edited_field])
            except ValueError as error:
                errors[f"v{number}"] = f"It takes {error}."
                continue
            if value == values[self.edited_field]:
                continue
            problem = each.problem(EDIT, changed(each.shape, self.edited_field, value))
            if problem:
                errors[f"v{number}"] = problem
            found[number] = value
        return found

    def _common_problem(self, group: Group, edits: Mapping[int, Scalar]) -> str:
        """What stands in the way of all of them; empty where one takes the decision."""
        problem = ""
        for each in group.items:
            problem = self._problem(each, edits.get(each.row.pk))
            if not problem:
                break
        return problem

    def _problem(self, item: Candidate, edit: Scalar | None) -> str:
        if edit is not None:
            return item.problem(EDIT, changed(item.shape, self.edited_field, edit))
        if self.kind == RESPOND:
            return item.problem(self.kind, self.response)
        return item.problem(
            self.kind, None, self.reason if self.kind in WITH_REASON else ""
        )

    def _first(self) -> BulkOrder | None:
        if self.idempotency_key is None:
            return None
        found = BulkOrder.objects.filter(idempotency_key=self.idempotency_key).first()
        if found is not None and found.person_id != getattr(
            row_of(self.person), "pk", None
        ):
            raise KeyReused(
                f"The idempotency key {self.idempotency_key!r} belongs to another order."
            )
        return found


class _StartBulk(StartRun):
    """The product's own workflow: the order has been checked, no role is asked."""

    def _find(self) -> registry.Registered:
        return registry.get(self.graph)


def start(order: BulkOrder, person: Person, act: str) -> Run:
    """A run that carries the order out, or takes it back; raises ThreadBusy.

    Taking back waits behind a run that has been told to stop.
    """
    given: dict[str, Any] = {"order": order.pk, "act": act, "after": 0, "more": True}
    return _StartBulk(
        person,
        GRAPH,
        given,
        thread_id=order.thread,
        title=f"Bulk decision {order.pk}: {order.kind}",
        if_busy="enqueue" if act == UNDO else "reject",
    ).execute()


def _number(text: str) -> int | None:
    text = text.strip().replace(",", "").replace(" ", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None
