"""The reference pages have every setting, command, flag, check and line of the log."""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.management import BaseCommand, load_command_class

from workflows.defaults import DEFAULTS
from workflows.engine.calls import _SETTINGS

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted((ROOT / "workflows").rglob("*.py"))
LOUD = {"warning", "error", "exception", "critical"}
LOGGERS = {"log", "logger", "_log"}
# So many letters of a part are enough to find it by.
ENOUGH = 30
PLACE = re.compile(r"%(?:r|s|d|\.1f)")
# What every command of Django has.
USUAL = {"--skip-checks", *BaseCommand().create_parser("", "")._option_string_actions}


def page(name: str) -> str:
    return (ROOT / "docs/reference" / name).read_text(encoding="utf-8")


def texts(node: ast.AST) -> Iterator[str]:
    """The fixed parts of a text, whether a format or an f-string."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield from PLACE.split(node.value)
    elif isinstance(node, ast.JoinedStr):
        for part in node.values:
            if isinstance(part, ast.Constant):
                yield str(part.value)


def said(path: Path) -> Iterator[list[str]]:
    """The fixed parts of each warning or error that the file logs, the longest first."""
    for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute)):
            continue
        owner = call.func.value
        is_log = isinstance(owner, ast.Name) and owner.id in LOGGERS
        is_logged = is_log and call.func.attr in LOUD
        is_warned = call.func.attr == "warn" and not is_log
        if (is_logged or is_warned) and call.args:
            parts = [part.strip(" ;:,.()'\"") for part in texts(call.args[0])]
            if any(parts):
                yield sorted(parts, key=len, reverse=True)


def test_what_an_operator_may_read_in_the_log_is_found():
    known = page("messages.md")
    missing = []
    for parts in [parts for path in SOURCES for parts in said(path)]:
        telling = [part for part in parts if len(part) > 14] or parts[:1]
        if not any(part[:ENOUGH] in known for part in telling):
            missing.append(telling[0])

    assert missing == []


def test_every_check_is_found():
    source = (ROOT / "workflows/checks.py").read_text(encoding="utf-8")
    known = page("messages.md")
    for number in re.findall(r'id="workflows\.([EWI]\d+)"', source):
        assert number in known


def test_every_reason_of_a_run_is_found():
    known = page("messages.md")
    source = (ROOT / "workflows/services/outcomes.py").read_text(encoding="utf-8")
    for reason in re.findall(r'Error: "(\w+)",', source):
        assert f"`{reason}`" in known


def test_every_setting_is_found():
    source = (ROOT / "durableweb/settings.py").read_text(encoding="utf-8")
    read = set(re.findall(r'env\.\w+\(\s*"(\w+)"', source))
    known = page("settings.md")
    assert not [name for name in read | DEFAULTS.keys() if f"`{name}`" not in known]


def test_a_setting_that_a_host_may_say_has_its_star():
    known = page("settings.md")
    assert not [name for name in DEFAULTS if f"`{name}` *" not in known]


def test_every_setting_of_a_call_is_found_with_its_values():
    known = page("settings.md")
    for name, choices in _SETTINGS.items():
        [row] = re.findall(rf"^\| `{name}` \|(.*)$", known, re.MULTILINE)
        values = re.findall(r"`([^`]+)`", row.split("|")[0])
        told = [json.dumps(v) if isinstance(v, str) else str(v) for v in choices]
        assert sorted(values) == sorted(told)


@pytest.mark.parametrize(
    ("app", "name"),
    [
        *(
            ("workflows", path.stem)
            for path in (ROOT / "workflows/management/commands").glob("[a-z]*.py")
        ),
        ("durableweb.demo", "demo"),
    ],
)
def test_every_command_is_found_with_its_flags(app, name):
    known = page("commands.md")
    parser = load_command_class(app, name).create_parser("manage.py", name)
    assert f"| `{name}" in known
    for flag, action in parser._option_string_actions.items():
        if flag not in USUAL and action.help != "==SUPPRESS==":
            assert re.search(rf"[` ]{flag}\b", known), flag
