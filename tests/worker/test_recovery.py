"""What a worker that dies, sleeps or is asked to stop leaves to the next one."""

from __future__ import annotations

import json
import signal
from functools import partial

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection, transaction

from durableweb import durable
from tests.support.deciding import decided
from tests.support.server import Process
from tests.worker.conftest import Site
from workflows.models import Checkpoint, Event, Interrupt, Run
from workflows.services.resume_run import ResumeRun

WANTED = 6


def repeated(lines: list[str]) -> list[str]:
    """The numbers of the steps that were noted more than once."""
    return sorted({line.split()[-1] for line in lines if lines.count(line) > 1})


def assert_history_is_whole(run: Run, wanted: int = WANTED) -> None:
    """Every step has one checkpoint, every number one event."""
    saved = Checkpoint.objects.filter(thread_id=run.thread_id, namespace="")
    assert sorted(saved.values_list("step", flat=True)) == list(range(-1, wanted + 1))
    seqs = list(
        Event.objects.filter(thread_id=run.thread_id)
        .order_by("seq")
        .values_list("seq", flat=True)
    )
    assert seqs == list(range(1, len(seqs) + 1))


@pytest.mark.rule("RA.15")
@pytest.mark.usefixtures("only_sqlite")
def test_a_killed_process_goes_on_when_it_is_back_and_waits_for_no_lease(site: Site):
    first = site.work(PAUSE="0.3", LEASE_SECONDS="3600")
    run = site.start("steps", {"wanted": WANTED})
    site.wait(lambda: "end 1" in site.lines(), "second step")

    first.kill9()
    noted = len(site.lines())
    site.work(PAUSE="0.3")
    site.wait(lambda: len(site.lines()) > noted, "next step")

    assert_continued_once(site, run)


@pytest.mark.rule("RA.15")
@pytest.mark.usefixtures("only_postgresql")
def test_another_worker_goes_on_when_the_lease_of_a_killed_one_has_run_out(site: Site):
    from workflows.worker import procrastinate

    # Fifteen seconds after a kill, where the machine has time for it.
    looks = procrastinate.SWEEP_SECONDS + procrastinate.POLL_SECONDS
    assert settings.LEASE_SECONDS + looks < 15
    workers = [site.work("--no-supervise", PAUSE="0.3") for _ in range(2)]
    for worker in workers:
        worker.wait_until(partial(_is_up, worker), "start")
    run = site.start("steps", {"wanted": WANTED})
    site.wait(lambda: "end 1" in site.lines(), "second step")

    [busy] = [worker for worker in workers if worker.pid in site.pids()]
    busy.kill9()
    noted = len(site.lines())
    site.wait(lambda: len(site.lines()) > noted, "next step")

    assert_continued_once(site, run)


def test_an_answer_survives_the_worker_that_took_it(site: Site):
    run = site.start("posted", {"text": "dear ann"})
    worker = site.work(*_alone(), PAUSE="3", LEASE_SECONDS="4")
    site.wait_status(run, "interrupted")
    question = Interrupt.objects.get()
    decision = decided(
        ResumeRun(
            site.person, question.pk, "approve", version=question.version, round=1
        )
    )
    site.wait(lambda: "answered" in site.lines(), "answer")

    worker.kill9()
    site.work(*_alone())
    site.wait_status(decision.run, "success", "error")

    assert decision.run.status == "success", decision.run.traceback
    assert site.lines().count("draft") == 1
    assert site.lines().count("post") == 1
    question.refresh_from_db()
    assert question.status == "resolved"


def assert_continued_once(site: Site, run: Run) -> None:
    """The run ends well, and only the step whose record was not durable was repeated."""
    site.wait_status(run, "success", "error")
    assert run.status == "success", run.error
    assert run.recoveries == 1
    assert len(repeated(site.lines())) <= 1, site.lines()
    assert_history_is_whole(run)


def test_a_worker_that_is_asked_to_stop_repeats_nothing(site: Site):
    worker = site.work(*_alone(), PAUSE="1")
    run = site.start("steps", {"wanted": WANTED})
    site.wait(lambda: "begin 1" in site.lines(), "second step")

    code = worker.stop()

    assert code == 0, worker.output()
    run.refresh_from_db()
    assert run.status == "pending"
    site.work(*_alone())
    site.wait_status(run, "success", "error")
    assert run.recoveries == 0
    assert repeated(site.lines()) == []
    assert_history_is_whole(run)


@pytest.mark.rule("RA.15")
@pytest.mark.usefixtures("only_postgresql")
def test_a_worker_that_is_asked_to_stop_ends_in_time_beside_a_node_that_does_not(
    site: Site,
):
    worker = site.work("--no-supervise")
    run = site.start("patient", {"wanted": 1})
    site.wait(lambda: "waiting" in site.lines(), "node that waits")

    code = worker.stop(30)

    assert code == 0, worker.output()
    run.refresh_from_db()
    assert (run.status, run.recoveries) == ("pending", 0)
    assert f"run {run.pk} of thread {run.thread_id} did not come to" in worker.output()


@pytest.mark.rule("RA.15")
def test_a_run_that_kills_its_worker_takes_no_other_along_for_ever(site: Site):
    limits = {"LEASE_SECONDS": "2", "MAX_RECOVERIES": "1", "PAUSE": "1"}
    worker = site.work(*_alone(), **limits)
    poison = site.start("poison", {})
    innocent = site.start("steps", {"wanted": WANTED})
    worker.popen.wait()
    # Both count the death; without a process of its own the innocent would be given up, too.
    second = site.work(*_alone(), **limits)

    site.wait_status(poison, "error", "success")
    site.wait_status(innocent, "error", "success")

    assert (poison.status, poison.reason) == ("error", "crash_loop")
    assert (innocent.status, innocent.recoveries) == ("success", 1), innocent.reason
    assert site.lines().count("deadly") == 2
    assert second.is_running()


@pytest.mark.usefixtures("only_postgresql")
class TestManyWorkers:
    @pytest.mark.rule("RA.15")
    def test_a_worker_that_slept_past_its_lease_does_no_harm(self, site: Site):
        sleeper = site.work("--no-supervise", PAUSE="1", LEASE_SECONDS="3")
        run = site.start("steps", {"wanted": WANTED})
        site.wait(lambda: "begin 1" in site.lines(), "second step")

        sleeper.send(signal.SIGSTOP)
        site.work("--no-supervise", PAUSE="0.5")
        site.wait(lambda: len(set(site.pids())) == 2, "step of the other worker")
        sleeper.send(signal.SIGCONT)
        site.wait_status(run, "success", "error")

        assert run.status == "success", run.error
        assert_history_is_whole(run)
        assert len(repeated(site.lines())) <= 2, site.lines()
        site.wait(lambda: "taken over" in sleeper.output(), "refusal")

    @pytest.mark.rule("RA.15")
    def test_a_run_that_kills_its_worker_is_parked(self, site: Site):
        site.work(LEASE_SECONDS="1", MAX_RECOVERIES="1")
        run = site.start("poison", {})

        site.wait_status(run, "error")

        assert run.reason == "crash_loop"
        assert site.lines() == ["deadly", "deadly"]
        fine = site.start("steps", {"wanted": 1})
        site.wait_status(fine, "success")

    def test_many_runs_are_shared_and_each_step_is_taken_once(self, site: Site):
        for _ in range(2):
            site.work("--no-supervise", "--concurrency", "2")
        runs = [site.start("steps", {"wanted": 2}) for _ in range(10)]

        for run in runs:
            site.wait_status(run, "success")
        assert site.lines().count("begin 0") == 10
        assert site.lines().count("begin 1") == 10

    def test_a_finished_run_leaves_no_job(self, site: Site):
        before = jobs()
        site.work("--no-supervise")
        run = site.start("steps", {"wanted": 1})
        site.wait_status(run, "success")

        site.wait(lambda: not jobs() - before, "end of the job")

    def test_an_undone_transaction_leaves_no_job(self, site: Site):
        def start_and_fail() -> None:
            with transaction.atomic():
                site.start("steps", {"wanted": 1})
                raise RuntimeError

        before = jobs()
        with pytest.raises(RuntimeError):
            start_and_fail()

        assert jobs() == before


def jobs() -> set[int]:
    """The queue's rows; a worker that an earlier test killed may have left some."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM procrastinate_jobs")
        return {int(row[0]) for row in cursor.fetchall()}


@pytest.mark.usefixtures("only_sqlite")
def test_the_queue_worker_refuses_sqlite_with_a_sentence(site: Site):
    with pytest.raises(AssertionError, match=r"manage\.py worker needs PostgreSQL"):
        site.processes.manage(site.url, "worker")


def test_a_question_is_answered_from_the_command_line(site: Site):
    run = site.start("posted", {"text": "dear ann"})
    site.work(*_alone())
    site.wait_status(run, "interrupted")
    User.objects.create_user("nobody")
    env = {"DJANGO_SETTINGS_MODULE": "tests.worker.settings"}
    number = str(Interrupt.objects.get().pk)

    with pytest.raises(AssertionError, match="no question"):
        site.processes.manage(
            site.url, "resume_run", number, "approve", "--user", "nobody", env=env
        )
    said = site.processes.manage(
        site.url, "resume_run", number, "approve", "--user", "operator", env=env
    )

    assert "approve by operator" in said
    resumed = Run.objects.get(kind="resume")
    site.wait_status(resumed, "success")
    assert (
        json.loads(Event.objects.filter(kind="decision").get().data)["by"] == "operator"
    )


def _is_up(worker: Process) -> bool:
    return "runs at once" in worker.output()


def _alone() -> list[str]:
    return [] if connection.vendor == "sqlite" else ["--no-supervise"]


@pytest.mark.rule("RA.16", "RA.17")
def test_a_node_of_another_process_is_cancelled_by_a_beat(site: Site):
    site.work(*_alone(), LEASE_SECONDS="6")
    run = site.start("patient", {})
    site.wait(lambda: "waiting" in site.lines(), "first step")

    assert durable.cancel(run.thread_id, reason="enough", mode="now") == [run.pk]
    site.wait_status(run, "cancelled", "error", "success")

    assert run.status == "cancelled", run.error
    site.wait(lambda: "let go" in site.lines(), "end of the node")
    assert json.loads(run.heartbeat).popitem()[1][:2] == ["wait", '"row 1"']
