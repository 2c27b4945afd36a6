"""Links by which one named person decides one question once, without a log-in.

The token in the address is signed and holds a random part, of which the row keeps a digest.
Looking at the page changes nothing, since programs that scan mails follow links. Deciding
passes the gate of every decision (`ResumeRun`), in the name of the person of the link, with
the rights they have at that moment; whoever else is logged in in that browser does not matter.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.core import signing
from django.db import transaction

from workflows.models import ApprovalLink, Decision, Interrupt, Vote
from workflows.services import registry
from workflows.services.access import Person, Rights, name_of
from workflows.services.action import (
    AlreadyDecided,
    NotPending,
    NotVisible,
    StaleQuestion,
    Unreadable,
)
from workflows.services.closed_question import refuse_closed
from workflows.services.desk import audit
from workflows.services.desk.deciding import Decider
from workflows.services.outbound.events import address
from workflows.services.outbound.outside import Outside, shown_outside
from workflows.services.resume_run import ResumeRun
from workflows.storage.clock import machine_now

SALT = "workflows.approval_link"
LOST_RIGHTS = "the person may not decide this any more"
KINDS = ("approve", "reject", "changes", "respond", "close")
_RELATED = (
    "person",
    *("interrupt__thread", "interrupt__assignee", "interrupt__assigned_group"),
)
AT_ONCE = 500


class LinkSpent(NotPending):
    """The link decides nothing any more; the text and the fields say why."""


@dataclass(frozen=True)
class MadeLink:
    """A new link: its address, which is kept nowhere, and until when it works."""

    url: str
    expires_at: datetime


@dataclass(frozen=True)
class LinkPage:
    """What the page of a link shows. `spent` is why it decides nothing, or None.

    Only where it is open does it show the question; `used_kind` is what was decided by it.
    """

    number: int
    person_name: str
    expires_at: datetime
    spent: LinkSpent | None = None
    used_kind: str = ""
    used_at: datetime | None = None
    outside: Outside | None = None
    workflow: str = ""
    needed: int = 1
    reasons: tuple[str, ...] = ()


def make_link(person: Person, row: Interrupt) -> MadeLink | None:
    """A link for this person and this round of the question, where the rules allow one."""
    decider = Decider(person)
    rules = decider.rules(row)
    seconds = settings.APPROVAL_LINK_SECONDS if rules.link is None else rules.link
    has_page = bool(address("approval_link", "x"))
    if not (seconds and has_page and decider.may(row)):
        return None
    nonce = secrets.token_urlsafe(24)
    whose: Any = person
    with transaction.atomic():
        link = ApprovalLink.objects.create(
            digest=_digest(nonce),
            person=whose,
            interrupt=row,
            version=row.version,
            round=row.round,
            expires_at=machine_now() + timedelta(seconds=seconds),
        )
        audit.record(
            None,
            "link.made",
            channel="link",
            graph=row.graph,
            thread=row.thread_id,
            subject=f"question {row.pk}",
            data={"for": name_of(person), "link": link.pk, "round": row.round},
        )
    token = _signer().sign(f"{link.pk}.{nonce}.{_bound(link)}")
    return MadeLink(address("approval_link", token), link.expires_at)


def find_link(token: str) -> ApprovalLink:
    """The link of that token; raises NotVisible where it is not one of ours."""
    unknown = NotVisible("link", "of this address")
    try:
        number, nonce, bound = _signer().unsign(token).split(".", 2)
        key = int(number)
    except (signing.BadSignature, ValueError) as error:
        raise unknown from error
    row = ApprovalLink.objects.filter(pk=key).select_related(*_RELATED).first()
    is_ours = row is not None and hmac.compare_digest(row.digest, _digest(nonce))
    if row is None or not is_ours or bound != _bound(row):
        raise unknown
    return row


def look_at(link: ApprovalLink) -> LinkPage:
    """The page of a link; changes nothing but that a link without rights is revoked."""
    page = LinkPage(
        number=link.interrupt_id,
        person_name=name_of(link.person),
        expires_at=link.expires_at,
        used_kind=link.used_kind,
        used_at=link.used_at,
    )
    try:
        check(link)
        row = link.interrupt
        rules = Decider(link.person).rules(row)
        outside = shown_outside(row, rules)
    except LinkSpent as spent:
        return replace(page, spent=spent)
    except Unreadable as error:
        return replace(page, spent=LinkSpent(str(error), kind="hidden"))
    return replace(
        page,
        outside=outside,
        workflow=row.graph,
        needed=rules.quorum,
        reasons=rules.reasons,
    )


def check(link: ApprovalLink) -> None:
    """Raise LinkSpent where the link decides nothing any more."""
    _check_rights(link)
    row = link.interrupt
    if link.used_at is not None:
        raise LinkSpent(
            f"This link was used: {name_of(link.person)} has decided question #{row.pk}.",
            who=name_of(link.person),
            when=link.used_at,
            kind=link.used_kind,
        )
    try:
        refuse_closed(row)
    except NotPending as closed:
        kind = "closed" if not isinstance(closed, AlreadyDecided) else closed.kind
        raise LinkSpent(
            str(closed), who=closed.who, when=closed.when, kind=kind
        ) from closed
    if (row.version, row.round) != (link.version, link.round):
        raise LinkSpent(
            f"Question #{row.pk} was asked again since this link was sent. Log in to see "
            "how it stands now.",
            kind="changed",
        )
    if link.expires_at <= machine_now():
        raise LinkSpent(
            "This link has expired. Log in to decide the question.",
            when=link.expires_at,
            kind="expired",
        )
    why_not = Decider(link.person).why_not(row)
    if why_not:
        # Somebody else was given the question; that may change again.
        raise LinkSpent(
            f"You may not decide question #{row.pk}. {why_not}", kind="theirs"
        )


@dataclass(frozen=True)
class DecideByLink:
    """Whoever holds `token` decides in the name of the person it was made for.

    `kind` is one of KINDS; `text` the reason, what should change, or the answer. Edits need a
    log-in.
    """

    token: str
    kind: str
    text: str = ""

    def check(self) -> ApprovalLink:
        """The link, where it decides something now."""
        link = find_link(self.token)
        check(link)
        return link

    def execute(self) -> Decision | Vote:
        """The decision; raises LinkSpent, or what a decision meets elsewhere.

        The link and the question are taken in one transaction: of several uses one wins,
        and where the question refuses the answer the link is as good as before.
        """
        link = self.check()
        try:
            with transaction.atomic():
                self._take(link)
                return self._decision(link).execute()
        except StaleQuestion:
            check(find_link(self.token))
            raise

    def _take(self, link: ApprovalLink) -> None:
        now = machine_now()
        taken = ApprovalLink.objects.filter(
            pk=link.pk, used_at=None, revoked_at=None, expires_at__gt=now
        ).update(used_at=now, used_kind=self.kind[:10])
        if not taken:
            check(find_link(self.token))
            raise LinkSpent("This link was used at the same moment.", kind="used")

    def _decision(self, link: ApprovalLink) -> ResumeRun:
        return ResumeRun(
            link.person,
            link.interrupt_id,
            self.kind,
            value=self.text if self.kind == "respond" else None,
            reason=self.text if self.kind not in {"approve", "respond"} else "",
            version=link.version,
            round=link.round,
            idempotency_key=f"link:{link.pk}",
            channel=Decision.Channel.LINK,
        )


def revoke_lost() -> int:
    """Revoke open links of people who may not decide any more; returns how many."""
    found = ApprovalLink.objects.filter(
        used_at=None, revoked_at=None, expires_at__gt=machine_now()
    ).select_related(*_RELATED)
    return sum(
        _revoke(link)
        for link in found.order_by("expires_at")[:AT_ONCE]
        if _has_lost_rights(link)
    )


def forget_links(before: datetime) -> int:
    """Remove links that expired before that moment; the audit keeps that they were."""
    return ApprovalLink.objects.filter(expires_at__lt=before).delete()[0]


def proof_of(token: str) -> str:
    """What the form on the page of that link sends back; only its reader knows it."""
    return signing.Signer(salt=f"{SALT}.form").signature(token)


def is_proof(token: str, proof: str) -> bool:
    """Whether `proof` is from the page of that link."""
    return hmac.compare_digest(proof_of(token).encode(), proof.encode())


def _check_rights(link: ApprovalLink) -> None:
    graph = link.interrupt.graph
    if link.used_at is None and link.revoked_at is None and _has_lost_rights(link):
        # For good: whoever gets the right back gets a new link.
        _revoke(link)
        link.revoked_at = machine_now()
    if link.revoked_at is not None or not link.person.is_active:
        raise LinkSpent(
            "This link is not valid any more: the right to decide was taken back.",
            kind="revoked",
        )
    if not Rights(link.person).can_see(graph):
        raise LinkSpent(
            "The question cannot be shown just now. Log in, or try again later.",
            kind="hidden",
        )


def _has_lost_rights(link: ApprovalLink) -> bool:
    """Whether the person was deactivated or may not decide; a missing workflow is no reason."""
    if not link.person.is_active:
        return True
    is_known = registry.find(link.interrupt.graph) is not None
    return is_known and bool(Decider(link.person).why_not_assign(link.interrupt))


def _revoke(link: ApprovalLink) -> int:
    with transaction.atomic():
        changed = ApprovalLink.objects.filter(
            pk=link.pk, used_at=None, revoked_at=None
        ).update(revoked_at=machine_now(), revoked_because=LOST_RIGHTS)
        if changed:
            audit.record(
                None,
                "link.revoked",
                channel="link",
                graph=link.interrupt.graph,
                thread=link.interrupt.thread_id,
                subject=f"question {link.interrupt_id}",
                data={"for": name_of(link.person), "link": link.pk},
            )
    return changed


def _bound(link: ApprovalLink) -> str:
    """What a link is bound to, as the token repeats it: a changed row fits no token."""
    facts = (
        f"{link.person_id}/{link.interrupt_id}/{link.version}/{link.round}/"
        f"{int(link.expires_at.timestamp())}"
    )
    return hashlib.sha256(facts.encode()).hexdigest()[:16]


def _digest(nonce: str) -> str:
    return hashlib.sha256(nonce.encode()).hexdigest()


def _signer() -> signing.Signer:
    return signing.Signer(salt=SALT)
