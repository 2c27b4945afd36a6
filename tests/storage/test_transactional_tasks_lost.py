"""A transactional task whose process, run or connection is lost on the way: its row and its record are there, or neither (RB.7)."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import Group
from django.db import OperationalError, connection, connections, transaction
from django.db.models import F

from durableweb.errors import LeaseLostError, RunCancelled
from durableweb.func import entrypoint, task
from durableweb.types import RetryPolicy
from tests.engine.support.lives import wait_for_threads
from tests.storage.conftest import real_transactions
from tests.storage.other_processes import (
    environment,
    other_backends,
    wait_until_gone,
)
from tests.storage.transacted import (
    CONFIG,
    ENDS,
    awaited_flow_of,
    flow_of,
    paid,
    pay,
    ran,
    rows,
)
from workflows.engine.drivers import faults, threads
from workflows.engine.runtime import current
from workflows.models import PendingWrite, Run
from workflows.storage.leases import keeper
from workflows.storage.saver import DjangoSaver

pytestmark = [real_transactions, pytest.mark.rule("RB.7")]


@pytest.fixture(autouse=True)
def _clean() -> Iterator[None]:
    ran.clear()
    yield
    keeper.clear()


def die() -> None:
    """What a process leaves that was killed: rows, and a lease that runs out."""
    wait_for_threads()
    keeper.clear()
    Run.objects.filter(status="running").update(lease_until="2020-01-01T00:00Z")


def test_killed_before_any_request_there_is_one_row() -> None:
    for k in count(1):
        DjangoSaver().delete_thread("t")
        paid().delete()
        with faults.kill_before(k):
            try:
                flow_of(DjangoSaver()).invoke("ida", CONFIG, durability="sync")
            except faults.Killed:
                die()
            else:
                break
        left = rows()
        ran.clear()

        given = None if DjangoSaver().head("t") else "ida"
        assert flow_of(DjangoSaver()).invoke(given, CONFIG) == ENDS, f"before {k}"
        assert rows() == ["ida"], f"before {k}"
        assert ("pay" in ran) is (left == []), f"before {k}"
    assert k > 8


def test_killed_before_any_request_there_is_one_row_also_where_it_is_awaited(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(threads, "IDLE_SECONDS", 0.01)
    with asyncio.Runner() as runner:
        for k in count(1):
            DjangoSaver().delete_thread("t")
            paid().delete()
            flow = awaited_flow_of(DjangoSaver())
            with faults.kill_before(k):
                try:
                    runner.run(flow.ainvoke("ida", CONFIG, durability="sync"))
                except faults.Killed:
                    die()
                else:
                    break
            given = None if DjangoSaver().head("t") else "ida"
            flow = awaited_flow_of(DjangoSaver())
            assert runner.run(flow.ainvoke(given, CONFIG)) == ENDS, f"before {k}"
            assert rows() == ["ida"], f"before {k}"
        runner.run(sync_to_async(connections.close_all)())
    assert k > 8


class Dying(DjangoSaver):
    """Killed as a task's result is saved: before that, or after it and before the transaction is committed."""

    after = False

    def commit(self, commit: Any) -> None:
        pays = any(each.name == "pay" for each in commit.writes)
        if pays and not self.after:
            raise faults.Killed
        super().commit(commit)
        if pays:
            raise faults.Killed


@pytest.mark.parametrize("after", [False, True])
def test_killed_between_body_and_commit_there_is_neither(after: bool) -> None:
    saver = Dying()
    saver.after = after
    with pytest.raises(faults.Killed):
        flow_of(saver).invoke("ida", CONFIG)
    die()
    assert rows() == []
    assert not PendingWrite.objects.filter(slot="return", path__contains="pay").exists()

    assert flow_of(DjangoSaver()).invoke(None, CONFIG) == ENDS
    assert rows() == ["ida"]
    assert ran == ["plain", "pay", "pay", "plain"]


@pytest.mark.parametrize("awaited", [False, True])
def test_where_another_worker_has_the_run_neither_is_there(awaited: bool) -> None:
    @task(transactional=True, retry_policy=RetryPolicy(retry_on=Exception))
    def lost(name: str) -> None:
        Group.objects.create(name=name)
        Run.objects.update(fence=F("fence") + 1)

    @entrypoint(checkpointer=DjangoSaver())
    def flow(name: str) -> None:
        lost(name).result()

    @entrypoint(checkpointer=DjangoSaver())
    async def coroutine(name: str) -> None:
        await lost(name)

    def call() -> Any:
        if awaited:
            return asyncio.run(coroutine.ainvoke("ida", CONFIG))
        return flow.invoke("ida", CONFIG)

    with pytest.raises(LeaseLostError):
        call()
    assert rows() == []


def test_a_run_that_was_asked_to_end_meanwhile_has_done_neither() -> None:
    @task(transactional=True)
    def late(name: str) -> None:
        Group.objects.create(name=name)
        context: Any = current.get()
        context.run.stop.request("now", "enough")

    @entrypoint(checkpointer=DjangoSaver())
    def flow(name: str) -> None:
        late(name).result()

    with pytest.raises(RunCancelled):
        flow.invoke("ida", CONFIG)
    wait_for_threads()
    assert rows() == []


@pytest.mark.skipif(
    connection.vendor == "sqlite", reason="there the end of a run waits for the body"
)
async def test_a_body_that_its_run_has_left_behind_has_done_nothing() -> None:
    has_begun, goes_on = threading.Event(), threading.Event()

    @task(transactional=True)
    def slow(name: str) -> str:
        ran.append("slow")
        number = len(ran)
        has_begun.set()
        assert number > 1 or goes_on.wait(60)
        Group.objects.create(name=f"{name} {number}")
        return name

    @entrypoint(checkpointer=DjangoSaver())
    async def flow(name: str) -> str:
        found: str = await slow(name)
        return found

    left = asyncio.ensure_future(flow.ainvoke("ida", CONFIG))
    await asyncio.to_thread(has_begun.wait, 60)
    left.cancel()
    with pytest.raises(asyncio.CancelledError):
        await left
    assert await flow.ainvoke(None, CONFIG) == "ida"
    goes_on.set()
    await asyncio.to_thread(wait_for_threads)

    assert ran == ["slow", "slow"]
    assert await sync_to_async(rows)() == ["ida 2"]


@pytest.mark.parametrize("is_followed", [False, True])
def test_a_transaction_of_a_run_that_has_ended_is_taken_back(is_followed: bool) -> None:
    saver = DjangoSaver()
    place = saver.open("t", None)

    def late() -> None:
        with saver.one_transaction("t", place):
            Group.objects.create(name="ida")
            saver.close(place)
            if is_followed:
                saver.open("t", None)

    with pytest.raises(LeaseLostError):
        late()

    assert rows() == []


def test_what_fails_after_the_commit_undoes_nothing() -> None:
    @task(transactional=True, retry_policy=RetryPolicy(retry_on=Exception))
    def work(name: str) -> str:
        ran.append("work")
        Group.objects.create(name=name)
        transaction.on_commit(lambda: 1 // 0)
        return name

    @entrypoint(checkpointer=DjangoSaver())
    def flow(name: str) -> str:
        found: str = work(name).result()
        return found

    with pytest.raises(ZeroDivisionError):
        flow.invoke("ida", CONFIG)
    assert rows() == ["ida"]

    assert flow.invoke(None, CONFIG) == "ida"
    assert ran == ["work"]


def test_a_transaction_that_the_body_has_broken_is_its_failure() -> None:
    @task(transactional=True, retry_policy=RetryPolicy(initial_interval=0.001))
    def work(name: str) -> str:
        ran.append("work")
        Group.objects.create(name=name)
        if len(ran) == 1:
            transaction.set_rollback(True)
        return name

    @entrypoint(checkpointer=DjangoSaver())
    def flow(name: str) -> str:
        found: str = work(name).result()
        return found

    assert flow.invoke("ida", CONFIG) == "ida"
    assert rows() == ["ida"]
    assert ran == ["work", "work"]


def test_a_commit_of_which_nobody_knows_how_it_ended_ends_the_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is not tried again, and no failure takes the place of a record that may be there."""
    exit_of = transaction.Atomic.__exit__
    cut: list[bool] = []

    def committed_unheard(self: Any, *error: Any) -> None:
        exit_of(self, *error)
        if ran and not cut and error[0] is None and "pay" in ran:
            cut.append(True)
            raise OperationalError("the connection was lost")

    monkeypatch.setattr(transaction.Atomic, "__exit__", committed_unheard)
    again = RetryPolicy(initial_interval=0.001, retry_on=Exception)

    @task(transactional=True, retry_policy=again)
    def once(name: str) -> str:
        Group(name=name).save_base(force_insert=True)
        ran.append("pay")
        return name

    @entrypoint(checkpointer=DjangoSaver())
    def flow(name: str) -> str:
        try:
            found: str = once(name).result()
        except Exception:  # noqa: BLE001 - what a body may do
            return "swallowed"
        return found

    with pytest.raises(OperationalError, match="was lost"):
        flow.invoke("ida", CONFIG)
    assert cut

    assert flow.invoke(None, CONFIG) == "ida"
    assert rows() == ["ida"]
    assert ran == ["pay"]


KILLED = """
import os, signal, sys
import django
django.setup()
from django.contrib.auth.models import Group
from django.db import transaction
from durableweb.func import entrypoint, task
from workflows.storage.saver import DjangoSaver


@task(transactional=True)
def pay(name):
    Group.objects.create(name=name)
    if sys.argv[1] == "committed":
        transaction.on_commit(lambda: os.kill(os.getpid(), signal.SIGKILL))
    else:
        os.kill(os.getpid(), signal.SIGKILL)
    return f"paid {name}"


@entrypoint(checkpointer=DjangoSaver())
def flow(name):
    return pay(name).result()


flow.invoke("ida", {"configurable": {"thread_id": "t"}})
"""


@pytest.mark.parametrize("when", ["committed", "before"])
def test_after_kill_9_there_are_both_or_neither(when: str) -> None:
    before = other_backends()
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, when], env=environment(), check=False
    )
    wait_until_gone(before)
    assert killed.returncode == -signal.SIGKILL
    is_done = when == "committed"
    assert rows() == (["ida"] if is_done else [])
    die()

    @entrypoint(checkpointer=DjangoSaver())
    def flow(name: str) -> str:
        found: str = pay(name).result()
        return found

    assert flow.invoke(None, CONFIG) == "paid ida"
    assert rows() == ["ida"]
    assert ran == ([] if is_done else ["pay"])
