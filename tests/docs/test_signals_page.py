"""The programs of docs/howto/signals.md wait, are sent a signal by the webhook, and go on, as the page says."""

from __future__ import annotations

import json
import sys
from datetime import timedelta
from types import ModuleType, SimpleNamespace

import pytest
from django.test import RequestFactory

from durableweb.checkpoint.memory import InMemorySaver
from durableweb.errors import WaitTimeout
from durableweb.types import Command, wait_signal
from tests.docs.test_examples import FENCE, ROOT
from tests.engine.support.clocks import clock, graph_of
from workflows.engine import serde
from workflows.models import Signal
from workflows.services import registry

assert clock

PAGE = "docs/howto/signals.md"
CONFIG = {"configurable": {"thread_id": "t"}}


@pytest.fixture
def blocks():
    return [
        code for _, code in FENCE.findall((ROOT / PAGE).read_text(encoding="utf-8"))
    ]


@pytest.fixture
def module(monkeypatch):
    found = ModuleType("shop_of_the_page")
    monkeypatch.setitem(sys.modules, found.__name__, found)
    return found


def test_its_workflow_waits_and_goes_on(blocks, module):
    exec(blocks[0], module.__dict__)
    registry.unregister("orders")
    graph = module.graph.with_saver(InMemorySaver())

    assert graph.invoke({"number": "A-17"}, CONFIG) == {"number": "A-17"}
    (wait,) = graph.get_state(CONFIG).tasks[0].waits
    assert graph.invoke(None, CONFIG) == {"number": "A-17"}

    paid = graph.invoke(Command(resume={wait.id: {"amount": 12.5}}), CONFIG)
    assert (wait.topic, paid["amount"]) == ("paid", 12.5)


@pytest.mark.rule("C.WaitTimeout")
def test_a_wait_without_a_default_raises(clock):
    def collect(order):
        return {"log": [wait_signal("paid", timeout=timedelta(days=14))]}

    graph = graph_of(collect=collect)
    graph.invoke({"log": []}, CONFIG)
    clock.advance(14 * 24 * 3600)

    with pytest.raises(WaitTimeout, match="no signal 'paid' came") as raised:
        graph.invoke(None, CONFIG)

    error = raised.value
    assert isinstance(error, TimeoutError)
    assert (error.topic, error.node, error.thread_id) == ("paid", "collect", "t")


@pytest.mark.django_db(transaction=True)
def test_its_webhook_sends_one_signal(blocks, module, monkeypatch):
    kept = []
    payments = SimpleNamespace(create=lambda **given: kept.append(given))
    shop = {
        "shop": SimpleNamespace(),
        "shop.models": SimpleNamespace(Payment=SimpleNamespace(objects=payments)),
        "shop.bank": SimpleNamespace(check_signature=lambda request: None),
    }
    for name, each in shop.items():
        monkeypatch.setitem(sys.modules, name, each)
    exec(blocks[1], module.__dict__)
    body = json.dumps({"id": "p-1", "order": "A-17", "amount": 12.5})
    request = RequestFactory().post("/paid", body, content_type="application/json")

    answers = [module.payment_came(request).status_code for _ in range(2)]

    (sent,) = Signal.objects.all()
    assert answers == [204, 204]
    assert (sent.thread_id, sent.topic, sent.key) == ("order-A-17", "paid", "p-1")
    assert serde.loads(sent.payload) == {"amount": 12.5}
    assert len(kept) == 2
