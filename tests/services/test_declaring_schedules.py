"""What `schedule` takes in an app's workflows.py, and what it refuses with which words (RB.10)."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from django.apps import apps

from workflows.services import registry
from workflows.services.schedules import declared
from workflows.services.schedules.declared import schedule

pytestmark = [pytest.mark.rule("RB.10"), pytest.mark.one_database]
FITTING: dict[str, Any] = {"cron": "0 3 * * *", "input": {"to": "a"}}
AT = datetime(2026, 11, 23, 3, tzinfo=UTC)


def test_what_it_says_is_kept(letter):
    schedule(
        "nightly",
        "letter",
        tz="Europe/Berlin",
        overlap="queue",
        catch_up=timedelta(hours=2),
        jitter=90,
        **FITTING,
    )

    item = declared.find("nightly")

    assert (item.graph, item.cron.text, item.cron.zone) == (
        "letter",
        "0 3 * * *",
        "Europe/Berlin",
    )
    assert (item.overlap, item.catch_up, item.jitter) == (
        "queue",
        timedelta(hours=2),
        90.0,
    )
    assert item.input_at(AT) == {"to": "a"}
    assert item.key(AT) == "nightly 2026-11-23T03:00Z"


def test_the_workflow_may_be_given_itself(letter):
    schedule("nightly", letter, **FITTING)

    assert declared.find("nightly").graph == "letter"


def test_the_input_may_be_made_of_the_instant_by_the_clocks_of_the_place():
    given: dict[str, Any] = {"cron": "0 4 * * *", "tz": "Europe/Berlin"}
    schedule("nightly", "letter", input=lambda at: {"at": at.isoformat()}, **given)

    found = declared.find("nightly").input_at(AT)

    assert found == {"at": "2026-11-23T04:00:00+01:00"}


@pytest.mark.parametrize(
    ("more", "error", "words"),
    [
        ({"cron": "0 3 * *"}, ValueError, r"cron is '0 3 \* \*'; give minute, hour"),
        ({"cron": "0 25 * * *"}, ValueError, "out of range"),
        ({"cron": "0 0 30 2 *"}, ValueError, "failed to find next date"),
        ({"cron": "0,0 " * 200}, ValueError, "it is too long"),
        ({"cron": 3}, TypeError, "cron is 3; give minute, hour"),
        ({"tz": "Europe/Bern"}, ValueError, "tz is 'Europe/Bern'; give a name of the"),
        ({"tz": "Europe"}, ValueError, "tz is 'Europe'"),
        ({"tz": "../etc"}, ValueError, "tz is '../etc'"),
        ({"tz": ""}, ValueError, "tz is ''"),
        ({"tz": None}, TypeError, "tz is None"),
        ({"overlap": "wait"}, ValueError, "give 'skip', 'queue' or 'allow'"),
        ({"catch_up": timedelta(-1)}, ValueError, "catch_up is .*0 or more"),
        ({"catch_up": "1 h"}, TypeError, "catch_up is '1 h'; give seconds"),
        ({"catch_up": float("inf")}, ValueError, "up to 366 days"),
        ({"jitter": -1}, ValueError, "jitter is -1; give seconds or a timedelta"),
        ({"jitter": float("nan")}, ValueError, "jitter is nan"),
        ({"jitter": True}, TypeError, "jitter is True"),
        ({"input": SimpleNamespace(a=1)}, TypeError, "input is .*what a state may"),
    ],
)
def test_what_does_not_fit_is_refused_where_it_is_declared(more, error, words):
    with pytest.raises(error, match=rf"schedule\(\): .*{words}"):
        schedule("nightly", "letter", **{**FITTING, **more})

    assert declared.find("nightly") is None


@pytest.mark.parametrize("name", ["", " ", "a/b", "a\nb", "x" * 151, None, 7])
def test_a_name_is_a_line_without_a_slash(name):
    with pytest.raises((TypeError, ValueError), match="1 to 150 printable characters"):
        schedule(name, "letter", **FITTING)


def test_a_name_is_taken_once():
    schedule("nightly", "letter", **FITTING)

    with pytest.raises(ValueError, match="'nightly' is taken by another call"):
        schedule("nightly", "report", **FITTING)


def test_a_workflow_that_is_not_registered_is_known_by_name_only():
    schedule("early", "registered-later", **FITTING)

    with pytest.raises(ValueError, match="give the name of a workflow, or what was"):
        schedule("nightly", SimpleNamespace(name="letter"), **FITTING)


def test_a_coroutine_function_makes_no_input():
    async def later(at: datetime) -> dict[str, str]:
        return {}

    with pytest.raises(TypeError, match="give a plain function, or the input itself"):
        schedule("nightly", "letter", cron="0 3 * * *", input=later)


def test_the_part_of_the_jitter_is_the_same_each_time_and_before_the_next_instant():
    schedule("nightly", "letter", jitter=600, **FITTING)
    schedule("often", "letter", cron="* * * * *", input={}, jitter=timedelta(hours=1))
    nightly, often = declared.find("nightly"), declared.find("often")
    days = [AT + timedelta(days=number) for number in range(40)]

    parts = [nightly.due(at) - at for at in days]

    assert parts == [nightly.due(at) - at for at in days]
    assert all(timedelta(0) <= part < timedelta(seconds=600) for part in parts)
    assert len(set(parts)) > 20
    minutes = [AT + timedelta(minutes=number) for number in range(100)]
    assert all(often.due(at) < at + timedelta(minutes=1) for at in minutes)


def test_what_a_module_declares_that_fails_to_import_is_taken_back(monkeypatch, letter):
    module = ModuleType("broken.workflows")

    def fail(name: str) -> ModuleType:
        schedule("half", "letter", **FITTING)
        raise RuntimeError("later on")

    config = SimpleNamespace(name="broken", module=module)
    monkeypatch.setattr(apps, "get_app_configs", lambda: [config])
    monkeypatch.setattr(registry, "module_has_submodule", lambda *_: True)
    monkeypatch.setattr("importlib.import_module", fail)
    monkeypatch.setattr(registry, "failures", {})

    registry.autodiscover()

    assert "broken.workflows" in registry.failures
    assert declared.find("half") is None
    assert sys.modules.get("broken.workflows") is None
