"""System checks on databases, and the groups that every migrate makes sure of."""

from types import SimpleNamespace

import pytest
from django.contrib.auth.models import Group
from django.core.management import call_command

from workflows import checks
from workflows.defaults import DEFAULTS
from workflows.services.access import ROLES


@pytest.fixture
def bare(monkeypatch):
    """A site without the queue's app."""
    monkeypatch.setattr(checks.apps, "is_installed", lambda name: False)
    return monkeypatch


def ids(patch, engine, **options):
    config = {"ENGINE": f"django.db.backends.{engine}", "OPTIONS": options}
    site = SimpleNamespace(DATABASES={"default": config})
    patch.setattr(checks, "settings", site)
    return {message.id for message in checks.check_databases()}


def test_another_database_is_an_error(bare):
    assert ids(bare, "mysql") == {"workflows.E001"}


def test_sqlite_without_its_options_is_warned_about(bare):
    found = ids(bare, "sqlite3")
    assert found == {"workflows.W003", "workflows.W004", "workflows.I001"}


def test_several_processes_do_not_fit_sqlite(bare):
    bare.setenv("WEB_CONCURRENCY", "3")

    found = ids(
        bare,
        "sqlite3",
        transaction_mode="IMMEDIATE",
        init_command="PRAGMA journal_mode = WAL;",
    )
    assert found == {"workflows.W005", "workflows.I001"}


NUMBERS = [
    name for name, default in DEFAULTS.items() if isinstance(default, int | float)
]


def test_numbers_and_switches_of_this_site_fit():
    assert checks.check_numbers() == []


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("value", ["8", None, -1, float("nan")])
def test_a_setting_that_is_no_number_is_an_error_that_names_it(settings, name, value):
    setattr(settings, name, value)

    [found] = checks.check_numbers()

    assert found.id == "workflows.E005"
    assert found.msg.startswith(f"{name} is {value!r}; it has to be ")


@pytest.mark.parametrize(
    ("name", "value", "fits"),
    [
        ("HTTP_THREADS", 0, False),
        ("LEASE_SECONDS", 0, False),
        ("LEASE_SECONDS", 5, True),
        ("UNDO_SECONDS", 0, True),
        ("UNDO_SECONDS", 1.5, True),
        ("BULK_MOST", 1.5, False),
        ("UNDO_SECONDS", True, False),
        ("VALUE_CIPHER_ACCEPTS_PLAIN", "on", False),
        ("VALUE_CIPHER_ACCEPTS_PLAIN", True, True),
    ],
)
def test_what_makes_sense_depends_on_the_setting(settings, name, value, fits):
    setattr(settings, name, value)
    assert (checks.check_numbers() == []) is fits


@pytest.mark.parametrize("value", ["600/m", "1/s", "5000/d", ""])
def test_a_rate_that_can_be_read_fits(settings, value):
    settings.API_RATE = value
    assert checks.check_rate() == []


@pytest.mark.parametrize("value", ["600", "0/m", "1/2", "m", " 600/m", None, 600, []])
def test_a_rate_that_is_none_is_an_error_that_names_it(settings, value):
    settings.API_RATE = value

    [found] = checks.check_rate()

    assert found.id == "workflows.E005"
    assert found.msg.startswith(f"API_RATE is {value!r}; it has to be a number and one")


def test_postgresql_needs_its_queue(bare):
    assert ids(bare, "postgresql") == {"workflows.E002"}


def test_a_cipher_that_cannot_be_used_is_an_error(settings):
    settings.VALUE_CIPHER, settings.VALUE_CIPHER_KEYS = "my_app.nowhere.Vault", ""

    [found] = checks.check_cipher()

    assert found.id == "workflows.E004"
    assert found.msg.startswith("VALUE_CIPHER=my_app.nowhere.Vault: ")


def test_a_cipher_that_can_be_used_is_none(settings):
    settings.VALUE_CIPHER = "tests.storage.ciphers.BindingCipher"

    assert checks.check_cipher() == []


def test_the_product_as_it_is_has_nothing_to_complain_of():
    assert checks.check_cipher() == []
    assert list(checks.check_databases()) == []
    assert list(checks.check_workflows()) == []


@pytest.mark.django_db
def test_migrate_makes_the_groups_of_the_roles():
    Group.objects.all().delete()

    call_command("migrate", verbosity=0)

    names = set(Group.objects.values_list("name", flat=True))
    assert names >= set(ROLES)
