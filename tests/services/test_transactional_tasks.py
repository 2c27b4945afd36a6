"""A worker whose connection is lost as a transactional task is committed: the run goes on, and finds what was committed (RB.7)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import OperationalError, transaction

from durableweb.func import entrypoint, task
from tests.services.posting import carried_out
from workflows.models import Run, Thread
from workflows.services import lost_runs, registry
from workflows.services.start_run import start_thread
from workflows.storage.dead_leases import release_dead_leases
from workflows.storage.leases import keeper
from workflows.storage.outage import outage

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.rule("RB.7")]
ran: list[str] = []


@task(transactional=True)
def pay(name: str) -> str:
    ran.append(name)
    Group.objects.create(name=name)
    return f"paid {name}"


@entrypoint()
def paying(name: str) -> str:
    paid: str = pay(name).result()
    return paid


@pytest.fixture(autouse=True)
def _registered() -> Iterator[None]:
    ran.clear()
    registry.register(paying, name="paying", title="Pay")
    yield
    registry.unregister("paying")
    keeper.clear()
    lost_runs._lost.clear()
    outage.forget()


@pytest.mark.parametrize("was_committed", [False, True])
def test_it_is_a_lost_worker_and_no_failure(
    monkeypatch: pytest.MonkeyPatch, was_committed: bool
) -> None:
    exit_of = transaction.Atomic.__exit__
    cut: list[bool] = []

    def lost(self: Any, kind: Any, error: Any, trace: Any) -> None:
        is_outermost = len(transaction.get_connection(self.using).atomic_blocks) == 1
        if not (ran and not cut and is_outermost):
            exit_of(self, kind, error, trace)
            return
        cut.append(True)
        gone = OperationalError("the connection was lost")
        if was_committed:
            exit_of(self, kind, error, trace)
        else:
            exit_of(self, OperationalError, gone, None)
        raise gone

    start_thread("paying", "ida", thread_id="t")
    monkeypatch.setattr(transaction.Atomic, "__exit__", lost)
    assert carried_out() == ["lost"]
    run = Run.objects.get()
    assert run.status == "running"  # until its lease is over
    assert run.error == ""

    keeper.clear()
    Run.objects.update(lease_until="2020-01-01T00:00Z")
    release_dead_leases()

    assert carried_out() == ["success"]
    assert Thread.objects.get().status == "idle"
    assert ran == ["ida"] * (1 if was_committed else 2)
    assert Group.objects.filter(name="ida").count() == 1
