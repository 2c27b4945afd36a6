"""The audit is one sealed chain, and the database itself keeps it."""

import threading
from collections.abc import Iterator

import pytest
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connections, transaction

from workflows.models import AuditEntry
from workflows.services.desk import audit
from workflows.storage import append_only

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def kept() -> Iterator[None]:
    """The triggers of a real database."""
    append_only.ensure_triggers()
    yield
    append_only.drop_triggers()


def test_entries_form_a_chain_that_verifies() -> None:
    person = get_user_model().objects.create_user("rita")
    for number in range(3):
        audit.record(person, "question.decided", subject=f"question {number}")

    first, second, third = AuditEntry.objects.order_by("id")

    assert (first.previous, second.previous) == ("", first.seal)
    assert third.previous == second.seal
    assert third.person_name == "rita"
    assert [*audit.verify()] == []


def test_a_changed_entry_is_found() -> None:
    for number in range(3):
        audit.record(None, "policy.changed", data={"n": number})
    second = AuditEntry.objects.order_by("id")[1]
    AuditEntry.objects.filter(pk=second.pk).update(data='{"n":9}')

    [fault] = audit.verify()

    assert fault.entry == second.pk
    assert "changed" in fault.text


def test_a_missing_entry_is_found() -> None:
    for _ in range(3):
        audit.record(None, "policy.changed")
    second, third = AuditEntry.objects.order_by("id")[1:]
    second.delete()

    [fault] = audit.verify()

    assert fault.entry == third.pk
    assert "missing" in fault.text


@pytest.mark.usefixtures("kept")
def test_the_database_refuses_to_change_or_remove_an_entry() -> None:
    entry = audit.record(None, "policy.changed")

    for change in (
        lambda: AuditEntry.objects.filter(pk=entry.pk).update(action="other"),
        lambda: AuditEntry.objects.filter(pk=entry.pk).delete(),
    ):
        with pytest.raises(DatabaseError, match="only added"), transaction.atomic():
            change()

    assert AuditEntry.objects.get().action == "policy.changed"


def test_writers_stand_in_line() -> None:
    """Ten threads at once leave one chain without a fork."""

    def write() -> None:
        with transaction.atomic():
            audit.record(None, "question.decided")
        connections.close_all()

    threads = [threading.Thread(target=write) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert AuditEntry.objects.count() == 10
    assert [*audit.verify()] == []


def test_the_command_tells_a_changed_entry_by_its_number(capsys) -> None:
    entries = [audit.record(None, "policy.changed") for _ in range(3)]
    call_command("verify_audit")
    assert "3 entries, none changed" in capsys.readouterr().out

    AuditEntry.objects.filter(pk=entries[1].pk).update(person_name="Mallory")

    with pytest.raises(CommandError, match="1 faults in 3 entries"):
        call_command("verify_audit")
    assert f"entry {entries[1].pk}" in capsys.readouterr().err
