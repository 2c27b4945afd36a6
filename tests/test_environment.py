"""What the environment says of the settings is taken as it was meant, or refused by its name."""

import ast
import os
import re
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

ROOT = Path(__file__).resolve().parents[1]
SETTINGS = ROOT / "durableweb/settings.py"


def documented() -> dict[str, str]:
    """Each variable of the reference page with its default there."""
    page = (ROOT / "docs/reference/settings.md").read_text(encoding="utf-8")
    rows = re.findall(
        r"^\| (`.*?) \|.*\| (.*?) \|$", page.split("## Of one call")[0], re.M
    )
    return {
        name: default
        for names, default in rows
        for name in re.findall(r"`(\w+)`", names)
    }


def read_as(*kinds: str) -> set[str]:
    """The variables that the settings read by these methods."""
    calls = [
        n for n in ast.walk(ast.parse(SETTINGS.read_text())) if isinstance(n, ast.Call)
    ]
    return {
        str(call.args[0].value)
        for call in calls
        if isinstance(call.func, ast.Attribute)
        and isinstance(call.func.value, ast.Name)
        and call.func.value.id == "env"
        and call.func.attr in kinds
        and isinstance(call.args[0], ast.Constant)
    }


NUMBERS = sorted(read_as("int", "float"))
SWITCHES = sorted(read_as("bool"))


def settings_with(monkeypatch: pytest.MonkeyPatch, **env: str) -> dict[str, Any]:
    monkeypatch.setenv("SECRET_KEY", "x")
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    return runpy.run_path(str(SETTINGS))


def refused(monkeypatch: pytest.MonkeyPatch, **env: str) -> str:
    with pytest.raises(ImproperlyConfigured) as found:
        settings_with(monkeypatch, **env)
    return str(found.value)


def test_what_the_page_has_as_number_or_switch_is_read_as_one():
    default = re.compile(r"\d|off|on |a day")
    told = {name for name, text in documented().items() if default.match(text)}
    assert told == {*NUMBERS, *SWITCHES}


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("value", ["abc", "1,5", "-1", "nan", "inf", "8 threads"])
def test_a_number_that_is_none_is_refused_by_name(monkeypatch, name, value):
    # Only PostgreSQL has prepared statements.
    monkeypatch.setenv("DATABASE_URL", "postgres://u@h/d")
    said = refused(monkeypatch, **{name: value})
    assert said.startswith(f"{name} is {value!r}; it has to be a ")
    assert re.search(r"number, (\d+ or more|from \d+ to [\d,]+)$", said)


@pytest.mark.parametrize(
    "name",
    [
        "HTTP_THREADS",
        "EMBEDDED_WORKER_THREADS",
        "LEASE_SECONDS",
        "BULK_MOST",
        "EMAIL_TIMEOUT",
    ],
)
def test_what_cannot_be_none_at_all_is_not_0(monkeypatch, name):
    assert f"{name} is '0'" in refused(monkeypatch, **{name: "0"})


@pytest.mark.parametrize("name", SWITCHES)
@pytest.mark.parametrize("value", ["abc", "2", "ture", "-"])
def test_a_switch_that_is_neither_on_nor_off_is_refused_by_name(
    monkeypatch, name, value
):
    said = refused(monkeypatch, **{name: value})
    assert said == (
        f"{name} is {value!r}; it has to be 1 (or true, on, yes) or 0 (or false, off, no)"
    )


@pytest.mark.parametrize(
    "value", ["600", "abc", "-1/m", "0/m", "1.5/s", "600/min", "600/ m", "٦/m", "/m"]
)
def test_a_rate_that_is_none_is_refused_by_name(monkeypatch, value):
    assert refused(monkeypatch, API_RATE=value) == (
        f"API_RATE is {value!r}; it has to be a number and one of s, m, h, d, such as "
        "600/m, or empty for no limit"
    )


def test_a_rate_is_taken_as_it_is_meant(monkeypatch):
    assert settings_with(monkeypatch, API_RATE=" 5/s ")["API_RATE"] == "5/s"
    assert settings_with(monkeypatch, API_RATE="")["API_RATE"] == ""
    monkeypatch.delenv("API_RATE")
    assert settings_with(monkeypatch)["API_RATE"] == "600/m"


def test_numbers_and_switches_are_taken_as_they_are_meant(monkeypatch):
    found = settings_with(
        monkeypatch,
        HTTP_THREADS=" 12 ",
        LEASE_SECONDS="2.5",
        DEBUG="True",
        SECURE_SSL_REDIRECT="off",
        PUBLIC_URL="https://review.example.org",
    )
    assert (found["HTTP_THREADS"], found["LEASE_SECONDS"]) == (12, 2.5)
    assert (found["DEBUG"], found["SECURE_SSL_REDIRECT"]) == (True, False)


def test_what_is_left_empty_was_not_given(monkeypatch):
    found = settings_with(
        monkeypatch,
        HTTP_THREADS="",
        SECURE_SSL_REDIRECT="",
        EMAIL_URL="",
        TIME_ZONE="",
        PUBLIC_URL="https://review.example.org",
    )
    assert (found["HTTP_THREADS"], found["SECURE_SSL_REDIRECT"]) == (8, True)
    assert found["EMAIL_BACKEND"].endswith("console.EmailBackend")
    assert found["TIME_ZONE"] == "UTC"


@pytest.mark.parametrize(
    "value", ["", "foo", "postgres://u:hush@h:port/d", "nosql://hush"]
)
def test_an_address_of_a_database_that_is_none_is_refused_and_not_repeated(
    monkeypatch, value
):
    said = refused(monkeypatch, DATABASE_URL=value)
    assert said.startswith("DATABASE_URL is not the address of a database")
    assert "hush" not in said


@pytest.mark.parametrize(
    "value", ["foo", "smtp://u:hush@h:port", "mail.example.org:hush"]
)
def test_an_address_of_a_mail_server_that_is_none_is_refused_and_not_repeated(
    monkeypatch, value
):
    said = refused(monkeypatch, EMAIL_URL=value)
    assert said.startswith("EMAIL_URL is not the address of a mail server")
    assert "hush" not in said


@pytest.mark.parametrize("value", ["Mars/Olympus", "../../etc/passwd"])
def test_a_time_zone_that_is_none_is_refused_by_name(monkeypatch, value):
    assert f"TIME_ZONE is {value!r}" in refused(monkeypatch, TIME_ZONE=value)


def test_the_command_says_so_in_one_line():
    done = subprocess.run(
        [sys.executable, "manage.py", "check"],
        env=os.environ | {"SECRET_KEY": "x", "HTTP_THREADS": "abc"},
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert done.stderr == (
        "The settings cannot be used: HTTP_THREADS is 'abc'; it has to be a whole number, "
        "1 or more\n"
    )
