"""Who was not let in, whose rights changed and what was cancelled stands in the audit."""

import json
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.test import Client

from tests.services.conftest import ask
from workflows.models import AuditEntry, Run
from workflows.services.acting import acting_as
from workflows.services.cancel_run import CancelRun, cancel_thread
from workflows.services.desk import audit
from workflows.storage.saver import DjangoSaver

pytestmark = pytest.mark.django_db(transaction=True)


def told() -> list[tuple[str, str, str, Any]]:
    """All entries: what, about what, by whom, and the data."""
    return [
        (each.action, each.subject, each.person_name, json.loads(each.data))
        for each in AuditEntry.objects.order_by("id")
    ]


def test_a_failed_login_names_who_was_tried_and_from_where(people: Any) -> None:
    form = {"username": "admin", "password": "guessed"}

    Client().post("/login/", form, REMOTE_ADDR="192.0.2.7")

    [(action, _, _, data)] = told()
    assert action == "login.failed"
    assert data == {"name": "admin", "address": "192.0.2.7"}
    assert "guessed" not in AuditEntry.objects.get().data


def test_a_login_that_succeeds_is_no_change_of_rights(people: Any) -> None:
    people.viewer.set_password("right")
    people.viewer.save()

    Client().post("/login/", {"username": "viewer", "password": "right"})

    assert told() == []


def test_groups_are_told_from_either_side(people: Any) -> None:
    reviewer = Group.objects.get(name="reviewer")
    user = f"user {people.stranger.pk}"

    with acting_as(lambda: people.admin):
        people.stranger.groups.add(reviewer)
        people.stranger.groups.add(reviewer)  # has it already
        people.stranger.groups.remove(reviewer)
        reviewer.user_set.add(people.stranger)
        people.stranger.groups.clear()

    group = f"group {reviewer.pk}"
    name = people.stranger.get_username()
    assert told() == [
        ("account.added", user, "Admin", {"name": name, "group": ["reviewer"]}),
        ("account.removed", user, "Admin", {"name": name, "group": ["reviewer"]}),
        ("group.added", group, "Admin", {"name": "reviewer", "user": [name]}),
        ("account.removed", user, "Admin", {"name": name, "group": "all"}),
    ]


def test_permissions_are_told(people: Any) -> None:
    permission = Permission.objects.order_by("pk").first()
    assert permission is not None

    people.stranger.user_permissions.set([permission])
    Group.objects.get(name="viewer").permissions.add(permission)

    assert [(action, data["permission"]) for action, _, _, data in told()] == [
        ("account.added", [str(permission)]),
        ("group.added", [str(permission)]),
    ]


def test_rights_of_an_account_and_its_end(people: Any) -> None:
    User.objects.create_user("plain")
    rita = User.objects.create_superuser("rita")
    rita.first_name = "Rita"
    rita.save()
    rita.is_superuser = False
    rita.save(update_fields=["is_superuser"])
    number = rita.pk
    rita.delete()

    data = [(action, subject, data) for action, subject, _, data in told()]
    assert data == [
        (
            "account.rights",
            f"user {number}",
            {"name": "rita", "is_staff": [False, True], "is_superuser": [False, True]},
        ),
        (
            "account.rights",
            f"user {number}",
            {"name": "rita", "is_superuser": [True, False]},
        ),
        ("account.deleted", f"user {number}", {"name": "rita"}),
    ]


def test_the_admin_names_who_gave_the_right(people: Any) -> None:
    boss = User.objects.create_superuser("boss", password="x")
    AuditEntry.objects.all().delete()
    client = Client()
    client.force_login(boss)
    reviewer = Group.objects.get(name="reviewer")
    page = f"/admin/auth/user/{people.stranger.pk}/change/"
    form = {
        "username": "stranger",
        "is_active": "on",
        "groups": [reviewer.pk],
        "date_joined_0": "2026-01-01",
        "date_joined_1": "00:00:00",
    }

    assert client.post(page, form).status_code == 302

    [(action, subject, who, data)] = told()
    assert (action, who) == ("account.added", "boss")
    assert subject == f"user {people.stranger.pk}"
    assert data["group"] == ["reviewer"]


def test_a_cancelled_run_is_told_with_who_and_why(people: Any, thread: Any) -> None:
    run = Run.objects.create(thread=thread, kind="start", status="pending")

    CancelRun(people.operator, run.pk, reason="wrong month").execute()

    [(action, subject, who, data)] = told()
    assert (action, subject) == ("run.cancelled", f"run {run.pk}")
    assert who == "Operator"
    assert data == {"mode": "step", "reason": "wrong month", "was": "pending"}


def test_so_is_a_cancelled_thread(people: Any, thread: Any) -> None:
    run = Run.objects.create(thread=thread, kind="start", status="pending")

    assert cancel_thread(thread.pk, reason="gone") == [run.pk]

    [(action, _, who, _)] = told()
    assert (action, who) == ("run.cancelled", "system")


def test_entries_outlive_their_thread(people: Any, thread: Any) -> None:
    question = ask(thread, {"text": "Send it?"})
    audit.record(people.reviewer, "question.claimed", thread=thread.pk)
    number = question.thread_id

    DjangoSaver().delete_thread(number)

    assert AuditEntry.objects.get(thread=number).action == "question.claimed"
    assert [*audit.verify()] == []
