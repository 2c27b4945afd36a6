"""Workers tell of themselves, and whoever looks sees which live and with which code."""

from __future__ import annotations

import os
import socket
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.services.checking import by, the, worker
from tests.services.diagnosing import ago, findings, fine, make_run, the_one
from workflows.engine.func.entrypoint import entrypoint
from workflows.models import Worker
from workflows.services import registry
from workflows.services.checkup.check import STUCK
from workflows.services.code_stamps import code_here
from workflows.services.tidy import tidy
from workflows.services.workers import SILENT, SignOfLife, name_of, workers
from workflows.storage.owners import process_owner

assert by
assert fine
assert worker

pytestmark = pytest.mark.django_db(transaction=True)


def make_worker(name: str = "far:7:9", **more: object) -> Worker:
    return Worker.objects.create(
        name=name, hands=4, **{"code": code_here(), "version": "1", **more}
    )


class TestTelling:
    def test_a_worker_says_what_it_is(self, thread):
        SignOfLife(3).tell()

        [found] = workers()
        assert (found.name, found.hands) == (process_owner(), 3)
        assert name_of(found.name) == f"{socket.gethostname()}:{os.getpid()}"
        assert found.is_alive
        assert found.has_same_code

    def test_it_is_said_again_after_a_while_only(self):
        often, seldom = SignOfLife(1, every=0.0), SignOfLife(1)
        often.tell()
        Worker.objects.update(seen_at=ago(minutes=5), started_at=ago(minutes=9))
        before = Worker.objects.get()

        often.tell()

        after = Worker.objects.get()
        assert after.seen_at > before.seen_at
        assert after.started_at == before.started_at
        seldom.tell()
        with CaptureQueriesContext(connection) as asked:
            seldom.tell()
        assert not asked.captured_queries

    def test_it_takes_its_row_away(self):
        make_worker()
        life = SignOfLife(1)
        life.tell()

        life.leave()

        assert [each.name for each in workers()] == ["far:7:9"]

    def test_those_that_fell_silent_are_forgotten(self):
        make_worker("far:7:9", seen_at=ago(minutes=59))
        make_worker("far:8:9", seen_at=ago(minutes=61))

        SignOfLife(1).tell()

        assert {row.name for row in Worker.objects.all()} == {
            "far:7:9",
            process_owner(),
        }

    def test_they_are_not_shown_until_then(self):
        """The next worker may start in a month."""
        make_worker("far:7:9", seen_at=ago(minutes=59))
        make_worker("far:8:9", seen_at=ago(minutes=61))

        assert [each.name for each in workers()] == ["far:7:9"]

    def test_workers_that_go_on_forget_them_too(self):
        make_worker("far:8:9", seen_at=ago(minutes=61))

        tidy()

        assert not Worker.objects.exists()


class TestWhoLives:
    def test_one_that_is_silent_does_not(self):
        make_worker("far:1:9", seen_at=ago(seconds=5))
        make_worker("far:0:9", seen_at=ago(seconds=5) - SILENT)

        assert [(each.name, each.is_alive) for each in workers()] == [
            ("far:1:9", True),
            ("far:0:9", False),
        ]

    def test_one_whose_last_sign_is_to_come_does_not(self):
        """The clock was put back after it had died."""
        make_worker(seen_at=ago(hours=-2))

        [found] = workers()
        assert not found.is_alive

    def test_a_process_of_this_host_that_has_ended_does_not(self):
        make_worker(f"{socket.gethostname()}:{os.getpid()}:1")

        [found] = workers()
        assert not found.is_alive


class TestCode:
    def test_it_is_held_against_what_is_here(self, thread):
        code = {**code_here(), "letter": "old", "gone": "x"}
        make_worker(code=code)
        registry.register(entrypoint()(lambda value: value), name="new")

        [found] = workers()

        assert (found.other, found.lacks, found.more) == (
            ("letter",),
            ("new",),
            ("gone",),
        )

    def test_another_source_of_its_module_is_other_code(self, monkeypatch):
        monkeypatch.setattr(registry, "_importing", ["shop.workflows"])
        monkeypatch.setitem(registry.sources, "shop.workflows", "before")
        registry.register(entrypoint()(lambda value: value), name="price")
        make_worker()

        monkeypatch.setitem(registry.sources, "shop.workflows", "after")

        [found] = workers()
        assert found.other == ("price",)

    def test_modules_of_workflows_have_their_source_noted(self):
        assert len(registry.sources["durableweb.demo.workflows"]) == 12


class TestDoctor:
    def test_a_worker_with_other_code(self, thread):
        make_worker(code={**code_here(), "letter": "old"})

        assert the_one("other_code") == {
            "kind": "other_code",
            "what": "the worker far:7 has other code than is here: it has another form of letter",
            "do": "start that worker again with this code; where this code is the older, deploy it here",
            "url": "",
            "ids": {"worker": "far:7:9", "graphs": ["letter"]},
        }

    def test_one_that_is_gone_has_no_code(self, thread):
        make_worker(code={}, seen_at=ago(minutes=5))

        assert findings() == []

    def test_a_run_whose_workflow_no_worker_has(self, thread, by):
        run = make_run(thread)
        make_worker(code={})

        check = the("queue", by())

        assert check.mark == STUCK
        assert check.text == (
            f"Run {run.pk} has waited for 10 min: no worker that is alive has its workflow, though "
            "it is known here."
        )
        assert check.do == "Start the workers again with the code that is here."
        make_worker("far:8:9")
        assert "no worker that is alive" not in the("queue", by()).text

    def test_a_clock_that_differs_is_the_databases(self, thread):
        make_worker(seen_at=ago(seconds=-3))
        assert workers()[0].is_alive
        assert not workers(ago(seconds=-3) + SILENT + timedelta(seconds=9))[0].is_alive
