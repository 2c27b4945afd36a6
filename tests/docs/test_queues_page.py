"""The program of docs/howto/queues.md starts its letters and orders in the queues that the page says."""

from __future__ import annotations

import sys
from datetime import timedelta
from types import ModuleType
from typing import Any

import pytest

from tests.docs.test_examples import FENCE, ROOT
from tests.services.conftest import own_registry
from tests.services.posting import carried_out
from workflows.engine.start_errors import DuplicateRunError
from workflows.models import Run
from workflows.services.execute_run import execute_run
from workflows.services.start_run import start_thread
from workflows.storage.admission import Line, hands
from workflows.storage.claims import claim_run
from workflows.storage.leases import keeper

assert own_registry

PAGE = "docs/howto/queues.md"


@pytest.fixture
def program(monkeypatch: Any) -> Any:
    (code,) = [
        code for _, code in FENCE.findall((ROOT / PAGE).read_text(encoding="utf-8"))
    ]
    module = ModuleType("queues_of_the_page")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    exec(code, module.__dict__)
    yield module
    hands.clear()
    keeper.clear()


@pytest.mark.django_db(transaction=True)
@pytest.mark.rule("RB.9", "C.DuplicateRunError")
def test_letters_and_orders_wait_as_the_page_says(program: Any) -> None:
    program.send_reminder("a@example.org")
    reminder = Run.objects.get()
    with pytest.raises(DuplicateRunError):
        program.send_reminder("a@example.org")
    assert (reminder.queue, reminder.priority) == ("mail", 5)
    assert reminder.due_at - reminder.created_at > timedelta(minutes=59)
    assert execute_run(reminder.pk) == "pending"
    reminder.delete()

    letters = [start_thread("send-letter", {"to": str(n)}).run_id for n in range(5)]
    claims = [claim_run(each, "elsewhere") for each in letters]
    assert [claim is not None for claim in claims] == [True] * 4 + [False]

    threads = [program.order(*each) for each in (("c1", "pen"), ("c1", "ink"))]
    threads.append(program.order("c2", "pen"))
    first, second, other = [Run.objects.get(thread=each) for each in threads]
    assert (first.queue, first.partition) == ("orders", "c1")
    assert claim_run(second.pk, "elsewhere") is None
    claim = claim_run(other.pk, "elsewhere")
    assert claim is not None
    assert claim.line == Line("orders", "c2")
    Run.objects.exclude(pk__in=(first.pk, second.pk)).delete()
    assert carried_out() == ["success", "success"]
