"""The programs of docs/howto/updates.md change a living order, and refuse what is spent already."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

import pytest

from tests.docs.test_examples import FENCE, ROOT
from tests.services.conftest import own_registry, people
from tests.services.posting import carried_out, values_of
from workflows.models import Interrupt, Thread
from workflows.services.resume_run import ResumeRun
from workflows.services.start_run import start_thread

assert own_registry
assert people

PAGE = "docs/howto/updates.md"


@pytest.fixture
def program(monkeypatch: Any) -> Any:
    module = ModuleType("updates_of_the_page")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    for _, code in FENCE.findall((ROOT / PAGE).read_text(encoding="utf-8")):
        exec(code, module.__dict__)
    return module


def pay(person: Any, price: int) -> None:
    row = Interrupt.objects.get(status="pending")
    ResumeRun(
        person, row.pk, "respond", price, version=row.version, round=row.round
    ).execute()
    carried_out()


@pytest.mark.django_db(transaction=True)
@pytest.mark.rule("RB.16")
def test_the_limit_is_changed_while_somebody_is_asked(
    people: Any, program: Any
) -> None:
    start_thread("orders", {"limit": 200, "spent": 0}, thread_id="t")
    carried_out()
    pay(people.admin, 150)

    assert program.raise_limit("t", 100) == "No: 150 are spent already"
    assert program.raise_limit("t", 500) == "500 instead of 200"
    assert Interrupt.objects.get(status="pending")

    pay(people.admin, 300)
    assert Interrupt.objects.get(status="pending")
    pay(people.admin, 50)
    values = values_of(Thread.objects.get())
    assert values == {"limit": 500, "spent": 500, "notes": ["asked"]}
    assert program.raise_limit("t", 900).startswith("No: thread 't' has ended")
