"""A host's settings may leave out what is ours: every setting that we read has a default."""

import ast
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


def given_default(name: str) -> object:
    """The `default=` of the call that reads the setting from the environment."""
    tree = ast.parse((ROOT / "durableweb" / "settings.py").read_text())
    calls = [
        each.value
        for each in tree.body
        if isinstance(each, ast.Assign)
        and isinstance(each.value, ast.Call)
        and [ast.unparse(target) for target in each.targets] == [name]
    ]
    assert calls, f"durableweb/settings.py does not set {name}"
    [default] = [word.value for word in calls[0].keywords if word.arg == "default"]
    return eval(ast.unparse(default))


@pytest.mark.parametrize("name", sorted(DEFAULTS.keys() - {"OPEN_PATHS", "PUBLIC_URL"}))
def test_it_is_the_default_of_the_products_own_settings(name):
    assert given_default(name) == DEFAULTS[name]
    assert hasattr(settings, name)


def test_runserver_answers_websockets_as_serve_does():
    found = get_commands()["runserver"]

    assert isinstance(load_command_class(found, "runserver"), Command)
