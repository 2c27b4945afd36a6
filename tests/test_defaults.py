"""A host's settings may leave out what is ours: every setting that we read has a default."""

import re
from pathlib import Path

import pytest
from daphne.management.commands.runserver import Command
from django.conf import global_settings, settings
from django.core.management import get_commands, load_command_class

from workflows.defaults import DEFAULTS

ROOT = Path(__file__).resolve().parents[1]
# What a project has to say itself, and what is asked with a default where it is read.
OF_THE_HOST = {"ASGI_APPLICATION", "ROOT_URLCONF", "SETTINGS_MODULE"}


def test_every_setting_that_is_read_has_a_default():
    sources = [path.read_text() for path in (ROOT / "workflows").rglob("*.py")]
    read = {
        name
        for source in sources
        for name in re.findall(r"\bsettings\s*\.\s*([A-Z][A-Z_]+)", source)
    }
    known = DEFAULTS.keys() | OF_THE_HOST | set(dir(global_settings))

    assert read - known == set()


@pytest.mark.parametrize("name", sorted(DEFAULTS.keys() - {"OPEN_PATHS", "PUBLIC_URL"}))
def test_it_is_the_default_of_the_products_own_settings(name):
    source = (ROOT / "durableweb" / "settings.py").read_text()
    given = re.search(
        rf'^{name} = env\.\w+\(\s*"{name}", default=(.+?)\s*\)$', source, re.MULTILINE
    )

    assert given is not None, f"durableweb/settings.py does not set {name}"
    assert eval(given[1]) == DEFAULTS[name]
    assert hasattr(settings, name)


def test_runserver_answers_websockets_as_serve_does():
    found = get_commands()["runserver"]

    assert isinstance(load_command_class(found, "runserver"), Command)
