"""Two workflows and what one can do something with in each, for one person at a time."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from django.contrib.auth.models import Group, User

from tests.permissions.matrix import PEOPLE
from tests.storage.chains import Chain
from tests.support.persons import make_people
from tests.web.conftest import SCHEMA, ask
from workflows.models import (
    ApiToken,
    BulkOrder,
    Decision,
    Interrupt,
    Policy,
    Run,
    SavedView,
    Thread,
    Webhook,
)
from workflows.services import registry
from workflows.services.schedules.declared import schedule
from workflows.storage.saver import DjangoSaver

# Open to the roles, and open to one group only; who is in that group has no role.
OPEN, CLOSED = "letter", "payroll"
TITLES = {OPEN: "Letter to Ada", CLOSED: "Salaries of May"}
Names = dict[str, str]
UNKNOWN: Names = {
    "question": "999999",
    "version": "1",
    "run": "999999",
    "thread": "none",
    "failed": "none",
    "asleep": "none",
    "stepped": "none",
    "step": "none",
    "workflow": "none",
    "decision": "999999",
    "view": "999999",
    "order": "999999",
    "webhook": "999999",
    "token": "999999",
    "schedule": "none",
}


@dataclass(frozen=True)
class World:
    """The people, and what the table's {names} stand for in each place."""

    people: dict[str, User]
    places: dict[str, Names]

    def place(self, person: str, where: str) -> Names:
        """`own`, `assigned` (to somebody else), `other` or `unknown` for this person."""
        if where == "unknown":
            return UNKNOWN
        mine = CLOSED if person == "finance" else OPEN
        other = OPEN if person == "finance" else CLOSED
        found = dict(self.places[other if where == "other" else mine])
        user = self.people.get(person)
        if where == "assigned":
            found |= {"question": found["assigned"], "thread": found["assigned_thread"]}
        if where == "other":
            user = self.people["somebody"]
        if user is not None and user.pk:
            Decision.objects.filter(pk=found["decision"]).update(person=user)
            SavedView.objects.filter(pk=found["view"]).update(person=user)
            BulkOrder.objects.filter(pk=found["order"]).update(person=user)
            ApiToken.objects.filter(pk=found["token"]).update(owner=user)
        return found


def make_world() -> World:
    """Everything, in the database and in the registry of this test."""
    people = make_people(
        [
            User(username=name, is_staff=name == "admin")
            for name in (*PEOPLE, "somebody")
            if name != "anonymous"
        ]
    )
    people["finance"].groups.add(Group.objects.create(name="finance"))
    only = {"start_groups": ["finance"], "decide_groups": ["finance"]}
    places = {
        OPEN: _make(OPEN, people["somebody"]),
        CLOSED: _make(CLOSED, people["somebody"], **only),
    }
    return World(people, places)


def _make(name: str, somebody: User, **groups: Any) -> Names:
    registry.register(
        SimpleNamespace(name=name),
        name=name,
        title=name.title(),
        editable=["text"],
        secret=["salary"],
        input_schema=SCHEMA,
        **groups,
    )
    thread = _thread(name, "1")
    question = ask(thread, TITLES[name])
    assigned_thread = _thread(name, "2")
    assigned = ask(assigned_thread, f"{TITLES[name]}, assigned", assignee=somebody)
    failed = _thread(name, "3")
    Run.objects.create(thread=failed, graph=name, kind="start", status="error")
    asleep = _thread(name, "7")
    Thread.objects.filter(pk=asleep.pk).update(
        status="waiting", wake_at="2099-01-01T00:00Z"
    )
    stepped = Chain(DjangoSaver(), _thread(name, "6").pk)
    stepped.put({"text": "as it was"}, ["text"])
    Policy.objects.create(graph=name, body='{"priority": 1}')
    view = SavedView.objects.create(person=somebody, name=f"view of {name}", query="")
    schedule(f"{name}-nightly", name, cron="0 3 * * *", input={}, overlap="allow")
    return {
        "workflow": name,
        "schedule": f"{name}-nightly",
        "thread": thread.pk,
        "question": str(question.pk),
        "version": "1",
        "run": str(question.run_id),
        "assigned": str(assigned.pk),
        "assigned_thread": assigned_thread.pk,
        "failed": failed.pk,
        "asleep": asleep.pk,
        "stepped": stepped.thread,
        "step": stepped.head,
        "decision": str(_decided(name, somebody).pk),
        "view": str(view.pk),
        "order": str(_order(name, somebody).pk),
        "webhook": str(Webhook.objects.create(name="w", url="https://10.0.0.1/").pk),
        "token": str(_token(name, somebody).pk),
    }


def _thread(name: str, number: str) -> Thread:
    return Thread.objects.create(
        id=f"{name}-{number}", graph=name, title=f"{TITLES[name]} ({number})"
    )


def _order(name: str, somebody: User) -> BulkOrder:
    """An order that has been carried out."""
    thread = _thread(name, "5")
    run = Run.objects.create(thread=thread, graph=name, kind="start", status="success")
    return BulkOrder.objects.create(
        graph=name,
        kind="approve",
        person=somebody,
        person_name="somebody",
        thread=thread.pk,
        run=run,
    )


def _token(name: str, somebody: User) -> ApiToken:
    """A token whose text nobody knows."""
    return ApiToken.objects.create(
        owner=somebody,
        name=f"token of {name}",
        start="dw_12345678",
        digest=f"{name:0<64}",
        scopes="read",
        created_at="2026-01-01T00:00Z",
    )


def _decided(name: str, somebody: User) -> Decision:
    """A decision that can still be taken back."""
    thread = _thread(name, "4")
    question = ask(thread, f"{TITLES[name]}, decided", status=Interrupt.Status.DECIDED)
    run = Run.objects.create(thread=thread, graph=name, kind="resume")
    return Decision.objects.create(
        interrupt=question,
        round=1,
        kind="approve",
        person=somebody,
        person_name="somebody",
        answer="null",
        run=run,
        start_at="2099-01-01T00:00Z",
    )
