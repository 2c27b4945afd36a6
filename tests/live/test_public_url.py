"""What `manage.py serve` takes for the address of the site."""

import pytest

from workflows.defaults import DEFAULTS
from workflows.management.commands import serve

HERE = "http://127.0.0.1:8123"


@pytest.fixture(autouse=True)
def _nothing_in_the_environment(monkeypatch):
    monkeypatch.delenv("PUBLIC_URL", raising=False)


def test_where_nobody_says_it_the_address_is_where_the_server_listens(settings):
    settings.PUBLIC_URL = DEFAULTS["PUBLIC_URL"]

    serve.say_where_it_is(HERE)

    assert settings.PUBLIC_URL == HERE


def test_what_a_project_says_in_its_settings_stays(settings):
    settings.PUBLIC_URL = "https://shop.example.org"

    serve.say_where_it_is(HERE)

    assert settings.PUBLIC_URL == "https://shop.example.org"


def test_what_the_environment_says_stays(settings, monkeypatch):
    monkeypatch.setenv("PUBLIC_URL", DEFAULTS["PUBLIC_URL"])
    settings.PUBLIC_URL = DEFAULTS["PUBLIC_URL"]

    serve.say_where_it_is(HERE)

    assert DEFAULTS["PUBLIC_URL"] == settings.PUBLIC_URL
