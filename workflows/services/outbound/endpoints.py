"""What admins do with webhooks: keep, test, renew the secret, send again, remove."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Count, F, Q

from workflows.models import Delivery, Webhook
from workflows.services import registry
from workflows.services.access import Person, Rights, row_of
from workflows.services.action import InvalidAnswer, NotVisible, StaleQuestion
from workflows.services.addresses import AddressRefused
from workflows.services.desk import audit
from workflows.services.outbound import calling, signing
from workflows.services.outbound.events import EVENTS, body_of, wanted_by
from workflows.services.outbound.posting import check_target
from workflows.storage.clock import database_now, machine_now

LONGEST_NAME = 80
LONGEST_URL = 500
MOST_SHOWN = 20
# So long a receiver has to learn the new secret: until then calls carry both signatures.
OVERLAP = timedelta(hours=24)


@dataclass(frozen=True)
class CallLine:
    """One call of an endpoint, sent or waiting."""

    kind: str
    status: str
    attempts: int
    last_status: int | None
    last_error: str
    created_at: datetime
    next_at: datetime


@dataclass(frozen=True)
class EndpointLine:
    """One webhook as its page shows it; the secret is never shown again."""

    number: int
    name: str
    url: str
    events: frozenset[str]
    graphs: frozenset[str]
    is_active: bool
    version: int
    last_at: datetime | None
    last_status: int | None
    last_error: str
    paused_until: datetime | None
    waiting: int
    dead: int
    old_secret_until: datetime | None = None
    calls: tuple[CallLine, ...] = ()

    @property
    def has_old_secret(self) -> bool:
        """Whether calls are signed with the secret before this one too."""
        until = self.old_secret_until
        return until is not None and until > machine_now()

    @property
    def is_paused(self) -> bool:
        """Whether nothing is sent there just now, after a failure."""
        return self.paused_until is not None and self.paused_until > machine_now()


def endpoint_list(person: Person) -> list[EndpointLine]:
    """All webhooks; raises NotVisible for all but admins."""
    _see(person)
    return [_line(row) for row in _rows().order_by("name", "id")]


def endpoint_of(person: Person, number: int) -> EndpointLine:
    """One webhook with its newest calls; raises NotVisible."""
    _see(person, number)
    row = _rows().filter(pk=number).first()
    if row is None:
        raise NotVisible("webhook", number)
    calls = tuple(
        CallLine(
            each.kind,
            each.status,
            each.attempts,
            each.last_status,
            each.last_error,
            each.created_at,
            each.next_at,
        )
        for each in row.deliveries.order_by("-id")[:MOST_SHOWN]
    )
    return _line(row, calls)


@dataclass(frozen=True)
class SetWebhook:
    """`person`, an admin, adds a webhook (`number` None) or changes one.

    `graphs` empty means every workflow. `version` is the one they have seen.
    """

    person: Person
    name: str
    url: str
    events: frozenset[str]
    graphs: frozenset[str] = frozenset()
    is_active: bool = True
    number: int | None = None
    version: int = 0

    def check(self) -> None:
        """Raise NotVisible, or InvalidAnswer with a text per field."""
        _see(self.person, self.number)
        errors = {}
        if not self.name.strip() or not self.name.isprintable():
            errors["name"] = "give it a name"
        elif len(self.name) > LONGEST_NAME:
            errors["name"] = f"at most {LONGEST_NAME} characters"
        if not self.url.strip():
            errors["url"] = "give its address"
        elif len(self.url) > LONGEST_URL:
            errors["url"] = f"at most {LONGEST_URL} characters"
        else:
            errors |= self._fault_of_url()
        if not self.events:
            errors["events"] = "choose at least one"
        elif self.events - set(EVENTS):
            errors["events"] = f"only {', '.join(EVENTS)}"
        unknown = sorted(self.graphs - set(registry.names()))
        if unknown:
            errors["graphs"] = f"no workflow is called {', '.join(unknown)}"
        if errors:
            raise InvalidAnswer(errors)

    def execute(self) -> tuple[Webhook, str]:
        """The webhook, and for a new one its secret, which is told this once.

        Raises StaleQuestion where somebody else has changed it meanwhile.
        """
        self.check()
        with transaction.atomic():
            if self.number is not None:
                return self._change(self.number), ""
            row = Webhook.objects.create(
                **self._fields(), created_by=row_of(self.person)
            )
            secret = _renew(row)
            self._record(row, "webhook.added")
        return row, secret

    def _change(self, number: int) -> Webhook:
        changed = Webhook.objects.filter(pk=number, version=self.version).update(
            **self._fields(), version=F("version") + 1, failures=0, paused_until=None
        )
        row = _find(number)
        if not changed:
            raise StaleQuestion(
                "Somebody has changed this webhook since you read it; look at it again."
            )
        self._record(row, "webhook.changed")
        return row

    def _fields(self) -> dict[str, Any]:
        return {
            "name": self.name.strip(),
            "url": self.url.strip(),
            "events": json.dumps(sorted(self.events)),
            "graphs": json.dumps(sorted(self.graphs)),
            "is_active": self.is_active,
        }

    def _fault_of_url(self) -> dict[str, str]:
        try:
            check_target(
                self.url, networks=calling.networks(), hosts=settings.WEBHOOK_HOSTS
            )
        except AddressRefused as error:
            return {"url": str(error)}
        return {}

    def _record(self, row: Webhook, action: str) -> None:
        _record(self.person, row, action, **self._fields())


@dataclass(frozen=True)
class TestWebhook:
    """`person`, an admin, has webhook `number` called now, and hears how that went."""

    # Not a test for pytest, whatever its name.
    __test__ = False

    person: Person
    number: int

    def check(self) -> Webhook:
        """The webhook."""
        _see(self.person, self.number)
        return _find(self.number)

    def execute(self) -> calling.Outcome:
        """The outcome; it stays on the webhook as its last result."""
        row = self.check()
        body = body_of("test", {"webhook": row.pk, "name": row.name})
        outcome = calling.call(row, str(uuid.uuid4()), body)
        calling.note(row, outcome)
        _record(self.person, row, "webhook.tested", status=outcome.status)
        return outcome


@dataclass(frozen=True)
class RenewSecret:
    """`person`, an admin, gives webhook `number` another secret.

    Calls are signed with both for a day, so that the receiver can change over. With `at_once`
    the old one ends now: it may be known to others.
    """

    person: Person
    number: int
    at_once: bool = False

    def check(self) -> Webhook:
        """The webhook."""
        _see(self.person, self.number)
        return _find(self.number)

    def execute(self) -> str:
        """The new secret, which is told this once."""
        with transaction.atomic():
            row = self.check()
            secret = _renew(row, timedelta(0) if self.at_once else OVERLAP)
            _record(self.person, row, "webhook.secret", at_once=self.at_once)
        return secret


@dataclass(frozen=True)
class SendAgain:
    """`person`, an admin, has the calls of webhook `number` that were given up sent anew."""

    person: Person
    number: int

    def check(self) -> Webhook:
        """The webhook."""
        _see(self.person, self.number)
        return _find(self.number)

    def execute(self) -> int:
        """How many calls wait again, each under the id that it had."""
        with transaction.atomic():
            row = self.check()
            count = row.deliveries.filter(status=Delivery.Status.DEAD).update(
                status=Delivery.Status.PENDING,
                attempts=0,
                next_at=database_now(),
                ended_at=None,
            )
            Webhook.objects.filter(pk=row.pk).update(failures=0, paused_until=None)
            _record(self.person, row, "webhook.again", calls=count)
        return count


@dataclass(frozen=True)
class RemoveWebhook:
    """`person`, an admin, removes webhook `number` with the calls that wait for it."""

    person: Person
    number: int

    def check(self) -> Webhook:
        """The webhook."""
        _see(self.person, self.number)
        return _find(self.number)

    def execute(self) -> None:
        """It is gone; the audit keeps that it was there."""
        with transaction.atomic():
            row = self.check()
            _record(self.person, row, "webhook.removed", name=row.name, url=row.url)
            row.delete()


def _renew(row: Webhook, overlap: timedelta = timedelta(0)) -> str:
    """Give the row a new secret; the one before it stays valid for `overlap`."""
    secret = signing.new_secret()
    row.old_secret = row.secret if overlap else ""
    row.old_secret_until = machine_now() + overlap if row.old_secret else None
    calling.keep_secret(row, secret)
    row.save(update_fields=["secret", "old_secret", "old_secret_until"])
    return secret


def _record(person: Person, row: Webhook, action: str, **data: Any) -> None:
    audit.record(person, action, subject=f"webhook {row.pk}", data=data)


def _see(person: Person, number: object = "") -> None:
    """Webhooks are for admins; to all others there are none."""
    if not Rights(person).is_admin:
        raise NotVisible("webhook", number or "")


def _find(number: int) -> Webhook:
    row = Webhook.objects.filter(pk=number).first()
    if row is None:
        raise NotVisible("webhook", number)
    return row


def _rows() -> Any:
    return Webhook.objects.annotate(
        waiting=Count("deliveries", filter=Q(deliveries__status="pending")),
        dead=Count("deliveries", filter=Q(deliveries__status="dead")),
    )


def _line(row: Any, calls: tuple[CallLine, ...] = ()) -> EndpointLine:
    events, graphs = wanted_by(row)
    return EndpointLine(
        number=row.pk,
        name=row.name,
        url=row.url,
        events=events,
        graphs=graphs,
        is_active=row.is_active,
        version=row.version,
        last_at=row.last_at,
        last_status=row.last_status,
        last_error=row.last_error,
        paused_until=row.paused_until,
        waiting=row.waiting,
        dead=row.dead,
        old_secret_until=row.old_secret_until,
        calls=calls,
    )
