"""Rows by a statement that is written once are the rows that Django would have read."""

from datetime import UTC, datetime

import pytest
from django.contrib.auth.models import Group, User
from django.db import transaction

from workflows.models import Decision, Interrupt, Preference, Thread
from workflows.storage.people import group_names, preference_of
from workflows.storage.prepared import Prepared

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 11, 21, 12, 0, 0, 250_000, tzinfo=UTC)
QUESTIONS = Prepared(
    "FROM workflows_interrupt q JOIN workflows_thread t ON t.id = q.thread_id "
    "WHERE q.status = %s ORDER BY q.id",
    q=Interrupt,
    t=Thread,
)


@pytest.fixture
def ada() -> User:
    return User.objects.create_user("ada")


@pytest.fixture
def thread(ada) -> Thread:
    return Thread.objects.create(id="t-1", graph="letter", created_by=ada)


@pytest.fixture
def question(thread, ada) -> Interrupt:
    made = Interrupt.objects.create(
        thread=thread,
        value='{"title": "100 %?"}',
        due_at=NOON,
        claimed_by=ada,
        priority=-3,
    )
    made.refresh_from_db()
    return made


def columns(row) -> dict:
    return {f.attname: getattr(row, f.attname) for f in row._meta.concrete_fields}


def test_each_row_is_an_instance_of_each_model(question, thread):
    thread.refresh_from_db()

    [(found, its_thread)] = QUESTIONS.rows("pending")

    assert columns(found) == columns(question)
    assert columns(its_thread) == columns(thread)
    assert (found.due_at, found.due_at.tzinfo, found.closed_at) == (NOON, UTC, None)


def test_a_row_can_be_saved_again(question):
    [(found, _)] = QUESTIONS.rows("pending")
    found.title = "Another"
    found.save()

    assert Interrupt.objects.get().title == "Another"
    assert found.thread.graph == "letter"


def test_what_is_not_there_is_no_row(question):
    assert QUESTIONS.rows("decided") == []
    assert QUESTIONS.first("decided") is None


def test_rows_are_read_anew_each_time_in_the_transaction_of_the_caller(question):
    with transaction.atomic():
        Interrupt.objects.update(status="decided")

        assert QUESTIONS.rows("pending") == []
        assert QUESTIONS.first("decided") == question


def test_what_a_field_makes_of_its_column_is_made(ada):
    Preference.objects.create(
        person=ada, keys={"next": "n"}, keys_off=True, mail_kinds=""
    )

    found = preference_of(ada.pk)

    assert (found.keys, found.keys_off, found.mail_links) == (
        {"next": "n"},
        True,
        False,
    )
    assert (found.mail_kinds, found.undo_seconds) == ("", None)
    assert preference_of(ada.pk + 1) is None


def test_the_groups_of_a_person_are_their_own(ada):
    for name in ("clerks", "payers", "others"):
        Group.objects.create(name=name)
    ada.groups.set(Group.objects.filter(name__in=["clerks", "payers"]))

    assert sorted(group_names(ada)) == ["clerks", "payers"]
    assert group_names(User.objects.create_user("bob")) == []


def test_decisions_keep_their_order(question, ada):
    for number in (1, 2, 3):
        Decision.objects.create(
            interrupt=question, round=number, kind="reject", person=ada, answer="null"
        )
    made = Prepared("FROM workflows_decision d ORDER BY d.round DESC", d=Decision)

    assert [each.round for (each,) in made.rows()] == [3, 2, 1]
    assert made.first().created_at == Decision.objects.get(round=3).created_at
