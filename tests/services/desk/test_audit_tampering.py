"""A hundred changes at random by somebody who has the database to themselves: each is found."""

import random
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction

from workflows.models import AuditEntry
from workflows.services.desk import audit

pytestmark = pytest.mark.django_db(transaction=True)

TEXTS = ("person", "person_name", "channel", "action", "graph", "thread", "subject")
SEALS = ("previous", "seal")


def tamper(chance: random.Random, rows: list[AuditEntry]) -> str:
    """Change, remove, replace or forge one entry; returns what was done."""
    row = chance.choice(rows)
    here = AuditEntry.objects.filter(pk=row.pk)
    kind = chance.choice(["text", "text", "data", "at", "seal", "remove", "forge"])
    if kind == "text":
        name = chance.choice(TEXTS)
        here.update(**{name: getattr(row, name)[:10] + "x"})
        return f"{name} of {row.pk}"
    if kind == "data":
        here.update(data=row.data.replace("}", ', "z": 1}'))
    elif kind == "at":
        here.update(at=row.at + timedelta(microseconds=chance.randint(1, 10**9)))
    elif kind == "seal":
        name = chance.choice(SEALS)
        here.update(**{name: f"{chance.getrandbits(256):064x}"})
    elif kind == "remove":
        here.delete()
    else:
        # With a seal that fits its own fields: the next entry tells, or the seal that was kept.
        row.data = '{"n": -1}'
        here.update(data=row.data, seal=audit.seal_of(row))
    return f"{kind} of {row.pk}"


def test_each_of_a_hundred_is_found() -> None:
    made = [
        audit.record(None, "question.decided", subject=f"question {n}", data={"n": n})
        for n in range(20)
    ]
    known = made[-1].seal
    chance = random.Random(7)
    missed: list[str] = []
    for _ in range(100):
        rows: list[Any] = [*AuditEntry.objects.order_by("id")]
        with transaction.atomic():
            done = tamper(chance, rows)
            if not [*audit.verify(known)]:
                missed.append(done)
            transaction.set_rollback(True)
        assert not [*audit.verify(known)]

    assert missed == []


def test_what_is_taken_away_at_the_end_is_found_by_the_seal_that_was_kept(
    capsys: Any,
) -> None:
    entries = [audit.record(None, "policy.changed") for _ in range(3)]
    call_command("verify_audit", known=entries[2].seal)
    AuditEntry.objects.filter(pk=entries[2].pk).delete()

    call_command("verify_audit")
    with pytest.raises(CommandError, match="1 faults in 2 entries"):
        call_command("verify_audit", known=entries[2].seal)

    assert f"no entry has the seal {entries[2].seal}" in capsys.readouterr().err
