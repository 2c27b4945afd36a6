"""The numbers of the site, for programs that watch it."""

from datetime import timedelta
from types import SimpleNamespace

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.web.conftest import ask
from workflows.models import Interrupt, Run, Thread, Worker
from workflows.services import registry
from workflows.storage.clock import machine_now


@pytest.fixture
def asked(thread, other_thread):
    """One question that is late, and one of a workflow of others."""
    row = ask(thread)
    late = machine_now() - timedelta(minutes=5)
    Interrupt.objects.filter(pk=row.pk).update(due_at=late, due_order=late)
    ask(other_thread)
    Run.objects.create(
        thread=thread, graph="letter", kind="start", status="pending", due_at=late
    )
    Run.objects.create(
        thread=thread,
        graph="letter",
        kind="start",
        status="error",
        error="ValueError: the secret number is 7",
        error_node="send",
        finished_at=late,
    )
    return row


def gauges(answer):
    """Every sample: its name, its labels, its number."""
    return {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(answer.content.decode())
        for sample in family.samples
    }


def test_what_waits_and_what_is_late(program, asked):
    body = program("viewer").get("/health").json()

    assert body["questions"]["open"] == 1
    assert body["questions"]["overdue"] == 1
    assert body["questions"]["oldest"] == asked.pk
    assert (body["work"]["due"], body["work"]["running"]) == (1, 0)
    assert body["pace"] == {"decided": 0, "median_seconds": None}
    (failure,) = body["failures"]
    assert (failure["kind"], failure["node"]) == ("ValueError", "send")
    assert "secret" not in str(body)


def test_workers_are_told_to_operators(program, asked):
    Worker.objects.create(
        name="here:1:1", hands=4, started_at=machine_now(), seen_at=machine_now()
    )

    assert program("viewer").get("/health").json()["workers"] is None
    told = program("operator").get("/health").json()["workers"]
    assert told == {"alive": 1, "slots": 4}


def test_prometheus_reads_it(program, asked):
    answer = program("operator").get("/metrics")

    assert answer.headers["Content-Type"].startswith("text/plain")
    found = gauges(answer)
    here = ("workflow", "letter")
    assert found["durableweb_questions_open", here] == 1
    assert found["durableweb_questions_overdue", here] == 1
    assert found["durableweb_question_oldest_seconds",] >= 0
    assert found["durableweb_runs", ("status", "pending"), here] == 1
    assert found["durableweb_runs_due",] == 1
    assert found["durableweb_run_due_oldest_seconds",] >= 300
    failed = (("kind", "ValueError"), ("node", "send"), here)
    assert found["durableweb_failures_7d", *failed] == 1
    assert found["durableweb_workers_alive",] == 0
    assert "payroll" not in answer.content.decode()


def test_a_name_with_odd_characters_is_still_one_line(program, asked):
    name = 'a "b" {c}\\d'
    registry.register(SimpleNamespace(name=name), name=name)
    ask(Thread.objects.create(id="odd", graph=name))

    found = gauges(program("operator").get("/metrics"))

    assert found["durableweb_questions_open", ("workflow", name)] == 1
