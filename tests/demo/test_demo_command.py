"""`manage.py demo`: people and runs are made once, and kept after that."""

import socket
from io import StringIO

import pytest
from django.contrib.auth import authenticate, get_user_model
from django.core.management import CommandError, call_command

from durableweb.demo.management.commands.demo import address_of
from durableweb.demo.models import LedgerEntry
from workflows.models import Run, Thread
from workflows.services import registry
from workflows.services.state import state_names

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _quick_passwords(settings) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


def run_demo(**options: object) -> str:
    out = StringIO()
    call_command("demo", stdout=out, **options)
    return out.getvalue()


def passwords(text: str) -> dict[str, str]:
    lines = [line.split() for line in text.splitlines() if " password " in line]
    return {words[0]: words[2] for words in lines}


def test_each_person_is_made_in_the_groups_of_the_role() -> None:
    made = passwords(run_demo())

    groups = {
        person.username: set(person.groups.values_list("name", flat=True))
        for person in get_user_model().objects.all()
    }
    assert groups == {
        "viewer": {"viewer"},
        "reviewer": {"reviewer"},
        "operator": {"operator"},
        "admin": {"admin"},
        "demo": {"reviewer", "operator"},
    }
    for name, password in made.items():
        assert authenticate(username=name, password=password), name
    assert get_user_model().objects.get(is_staff=True).username == "admin"


def test_one_run_of_each_workflow_waits_for_a_worker() -> None:
    run_demo(port=8123)

    runs = {run.graph: run for run in Run.objects.all()}
    assert set(runs) >= {"fetch_page", "fetch_pages", "invoice_review"}
    assert {run.status for run in runs.values()} == {"pending"}
    assert "http://127.0.0.1:8123/demo/pages/welcome/" in runs["fetch_page"].payload


def test_a_second_time_keeps_what_is_there() -> None:
    made = passwords(run_demo())
    threads = set(Thread.objects.values_list("pk", flat=True))

    text = run_demo()

    assert passwords(text) == {}
    assert "changepassword demo" in text
    assert "kept: run" in text
    assert set(Thread.objects.values_list("pk", flat=True)) == threads
    assert authenticate(username="demo", password=made["demo"])


def test_somebody_who_has_the_name_already_is_left_alone() -> None:
    get_user_model().objects.create_user("admin", password="own")

    text = run_demo()

    admin = get_user_model().objects.get(username="admin")
    assert "admin: kept" in text
    assert not admin.is_superuser
    assert not admin.groups.exists()


def test_without_a_git_checkout_the_notes_are_left_out(settings, tmp_path) -> None:
    settings.DEMO_GIT_REPOSITORIES = [tmp_path]

    text = run_demo()

    assert f"left out: {tmp_path} is no git checkout" in text
    assert not Run.objects.filter(graph="release_notes").exists()


def test_nothing_is_booked_before_somebody_answers() -> None:
    run_demo()

    assert not LedgerEntry.objects.exists()


def test_a_port_that_is_taken_is_told_before_anything_is_made() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        with pytest.raises(CommandError, match=f"port {port}.*make demo PORT="):
            run_demo(serve=True, port=port)

    assert not Run.objects.exists()


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", "http://127.0.0.1:81"),
        ("0.0.0.0", "http://127.0.0.1:81"),
        ("::1", "http://[::1]:81"),
    ],
)
def test_the_pages_are_fetched_from_where_the_server_can_be_reached(
    host: str, address: str
) -> None:
    assert address_of(host, 81) == address


def test_each_workflow_of_the_demo_has_something_to_edit() -> None:
    run_demo()

    for graph in Run.objects.values_list("graph", flat=True):
        editable = registry.find(graph).editable
        assert editable
        assert editable <= set(state_names(graph))
