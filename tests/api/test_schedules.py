"""What programs do about schedules."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.acting import demoted, noted
from tests.api.conftest import problem_in
from workflows.engine.func.entrypoint import entrypoint
from workflows.models import AuditEntry, Run, Schedule, Tick
from workflows.services import registry
from workflows.services.schedules.declared import schedule

HERE = "/schedules/nightly"


@pytest.fixture
def nightly(people: Any) -> None:
    @entrypoint()
    def report(day: Any) -> Any:
        return day

    registry.register(report, name="report")
    schedule("nightly", report, cron="0 3 * * *", input={"day": 1})


@pytest.fixture
def one(program: Any, nightly: None) -> Any:
    return program("operator", "run")


def test_one_starts_now(one):
    answer = one.post(f"{HERE}/run")

    assert answer.status_code == 201, answer.content
    body, run = answer.json(), Run.objects.get()
    assert (body["run"], body["thread_id"]) == (run.pk, run.thread_id)
    assert noted("schedule.triggered")["subject"] == "schedule nightly"


def test_with_one_key_it_starts_once(one):
    found = [one.post(f"{HERE}/run", {"key": "k"}).json() for _ in range(2)]

    assert found[0] == found[1]
    assert Tick.objects.count() == Run.objects.count() == 1


def test_it_is_paused_and_goes_on(one):
    paused = {"schedule": "nightly", "is_paused": True}
    assert one.post(f"{HERE}/pause").json() == paused
    assert one.post(f"{HERE}/pause").json() == paused
    noted("schedule.paused")
    assert one.post(f"{HERE}/resume", {}).json()["is_paused"] is False
    noted("schedule.resumed")
    assert Schedule.objects.get().paused_at is None


@pytest.mark.parametrize(
    "body", [{"key": "x" * 300}, {"input": 5}, {"key": 5}, {"at": "2026-01-01"}]
)
def test_words_that_are_none(one, body):
    problem_in(one.post(f"{HERE}/run", body), 400, "invalid")
    assert not Run.objects.exists()


@pytest.mark.parametrize("what", ["run", "pause", "resume"])
def test_who_may_not(people, one, other_thread, what):
    for name, scope in (("viewer", "run"), ("operator", "edit")):
        answer = demoted(people[name], scope).post(f"{HERE}/{what}")
        problem_in(answer, 403, "not_allowed")
    stranger = demoted(people["stranger"], "run")
    problem_in(stranger.post(f"{HERE}/{what}"), 404, "not_found")
    problem_in(one.post(f"/schedules/none/{what}"), 404, "not_found")
    assert not AuditEntry.objects.filter(action__startswith="schedule").exists()
