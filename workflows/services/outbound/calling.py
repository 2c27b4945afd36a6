"""Call a webhook: sign what is to be said, send it, note on the endpoint how that went."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import ip_network

from django.conf import settings
from django.db.models import F

from workflows.engine.errors import SerdeError
from workflows.models import Decision, Delivery, Run, Webhook
from workflows.services.addresses import Network
from workflows.services.one_line import one_line
from workflows.services.outbound import outbox, signing
from workflows.services.outbound.posting import NotSent, post
from workflows.services.queueing import HELD
from workflows.storage.clock import database_now, machine_now
from workflows.storage.sealing import seal, unseal

log = logging.getLogger(__name__)

GONE = 410
# A decision that can still be taken back is looked at again after so many seconds; one that
# is held for the other questions of its thread, after so many.
AGAIN_SECONDS = 2
HELD_SECONDS = 30
_PLACE = "webhook secret"


@dataclass(frozen=True)
class Outcome:
    """How a call went: its HTTP status if there was an answer, and what was wrong."""

    status: int | None = None
    error: str = ""

    @property
    def is_good(self) -> bool:
        """Whether the other side has taken it."""
        return not self.error


def deliver(row: Delivery) -> None:
    """Send one taken row and note how that went; raises nothing of the network."""
    endpoint = row.webhook
    assert endpoint is not None  # noqa: S101 - by the table's constraint
    if not endpoint.is_active:
        outbox.dropped(row, "the webhook is switched off")
        return
    if row.decision is not None and not _is_final(row, row.decision):
        return
    outcome = call(endpoint, str(row.message_id), row.body)
    note(endpoint, outcome)
    if outcome.is_good:
        outbox.sent(row, outcome.status)
    elif outbox.failed(row, outcome.error, outcome.status):
        log.warning("webhook %s was given up: %s", endpoint.pk, outcome.error)


def call(endpoint: Webhook, message_id: str, body: str) -> Outcome:
    """One call of an endpoint, now."""
    raw = body.encode()
    moment = int(machine_now().timestamp())
    try:
        headers = signing.headers(secrets_of(endpoint), message_id, moment, raw)
    except (ValueError, SerdeError):
        return Outcome(error="its secret cannot be read; make a new one")
    headers["Content-Type"] = "application/json"
    try:
        status = post(
            endpoint.url,
            raw,
            headers,
            networks=networks(),
            hosts=settings.WEBHOOK_HOSTS,
        )
    except NotSent as error:
        return Outcome(error=one_line(error))
    if 200 <= status < 300:
        return Outcome(status)
    what = "redirects are not followed" if 300 <= status < 400 else "not accepted"
    return Outcome(status, f"answered {status}: {what}")


def note(endpoint: Webhook, outcome: Outcome) -> None:
    """Keep the last result on the endpoint; after a failure it is left in peace for a while."""
    now = database_now()
    changes = {
        "last_at": now,
        "last_status": outcome.status,
        "last_error": outcome.error,
    }
    rows = Webhook.objects.filter(pk=endpoint.pk)
    if outcome.is_good:
        rows.update(**changes, failures=0, paused_until=None)
        return
    rest = outbox.backoff(endpoint.failures + 1)
    rows.update(
        **changes,
        failures=F("failures") + 1,
        paused_until=now + min(rest, timedelta(hours=1)),
    )
    if outcome.status == GONE:
        rows.update(is_active=False)


def networks() -> Sequence[Network]:
    """The networks of the setting WEBHOOK_NETWORKS."""
    return [ip_network(each) for each in settings.WEBHOOK_NETWORKS]


def keep_secret(endpoint: Webhook, secret: str) -> None:
    """Put a secret into the row, encrypted where values are; the caller saves it."""
    endpoint.secret = seal(secret, f"webhook {endpoint.pk}", _PLACE)


def secret_of(endpoint: Webhook) -> str:
    """The secret of an endpoint; raises SerdeError where it does not decrypt."""
    return unseal(endpoint.secret, f"webhook {endpoint.pk}", _PLACE)


def secrets_of(endpoint: Webhook) -> list[str]:
    """What a call is signed with now: the secret, then the one before it while that is valid.

    Raises SerdeError where one does not decrypt.
    """
    found = [secret_of(endpoint)]
    until = endpoint.old_secret_until
    if endpoint.old_secret and until is not None and until > machine_now():
        found.append(unseal(endpoint.old_secret, f"webhook {endpoint.pk}", _PLACE))
    return found


def _is_final(row: Delivery, decision: Decision) -> bool:
    """Whether nobody can take the decision back; if somebody has, nothing is told."""
    if hasattr(decision, "undo"):
        outbox.dropped(row, "the decision was taken back")
        return False
    run = decision.run if decision.start_at is not None else None
    if run is not None and run.status == Run.Status.PENDING and run.fence == 0:
        is_held = decision.start_at == HELD
        outbox.postpone(row, HELD_SECONDS if is_held else AGAIN_SECONDS)
        return False
    return True
