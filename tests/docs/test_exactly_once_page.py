"""The program of docs/howto/exactly-once.md opens one account, however often it is asked and wherever it is killed."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest
from django.contrib.auth.models import Group

from tests.docs.test_examples import FENCE, ROOT
from tests.services import letters
from tests.services.posting import carried_out
from workflows.engine.drivers import faults
from workflows.models import Interrupt, Run, Thread
from workflows.services import registry
from workflows.services.execute_run import execute_run
from workflows.storage.dead_leases import release_dead_leases
from workflows.storage.leases import keeper

PAGE = "docs/howto/exactly-once.md"
EVENT = {"id": "evt-1", "customer": "Ida"}

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.rule("RB.6", "RB.7"),
]


@pytest.fixture
def program(monkeypatch):
    (code,) = [
        code for _, code in FENCE.findall((ROOT / PAGE).read_text(encoding="utf-8"))
    ]
    module = ModuleType("onboarding_of_the_page")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    exec(code, module.__dict__)
    yield module
    registry.unregister("onboarding")
    keeper.clear()


def accounts() -> int:
    return Group.objects.filter(name="customer Ida").count()


def test_an_event_that_comes_twice_opens_one_account(program, admin_user):
    assert program.signed_up(EVENT) == program.signed_up(EVENT)
    assert carried_out() == ["interrupted"]
    assert program.signed_up(EVENT) == Thread.objects.get().pk
    assert accounts() == 1

    letters.answer(admin_user, Interrupt.objects.get(), "reject", reason="no")

    assert carried_out() == ["success"]
    assert accounts() == 0


def test_a_worker_that_is_killed_after_the_commit_has_opened_it(program):
    program.signed_up(EVENT)
    run = Run.objects.get()
    for k in range(1, 40):
        with faults.kill_before(k):
            try:
                execute_run(run.pk)
            except faults.Killed:
                pass
            else:
                break
        keeper.clear()
        assert accounts() <= 1
        Run.objects.filter(status="running").update(lease_until="2020-01-01T00:00Z")
        release_dead_leases()
        Run.objects.update(recoveries=0)

    assert Run.objects.get().status == "interrupted"
    assert accounts() == 1
