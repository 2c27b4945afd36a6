"""The program of docs/howto/sleep.md sleeps, goes on and asks, as the page says."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest

from durableweb.checkpoint.memory import InMemorySaver
from durableweb.types import Command
from tests.docs.test_examples import FENCE, ROOT
from workflows.services import registry

PAGE = "docs/howto/sleep.md"
CONFIG = {"configurable": {"thread_id": "t"}}


@pytest.mark.parametrize("is_slept_out", [True, False])
def test_its_program_sleeps_and_asks(monkeypatch, is_slept_out):
    module = ModuleType("orders_of_the_page")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    blocks = FENCE.findall((ROOT / PAGE).read_text(encoding="utf-8"))
    exec(blocks[0][1], module.__dict__)
    registry.unregister("orders")
    sent: list[str] = []
    module.send_reminder.node.fn = sent.append
    graph = module.graph.with_saver(InMemorySaver())

    assert graph.invoke({"number": "A-17"}, CONFIG) == {"number": "A-17"}
    (asleep,) = graph.get_state(CONFIG).tasks[0].sleeps
    asked = graph.invoke(Command(resume={asleep.id: is_slept_out}), CONFIG)

    assert asked["__interrupt__"][0].value == "Has A-17 been paid?"
    assert sent == (["A-17"] if is_slept_out else [])
