"""Stored values over time: classes that move and change, planted rows, hostile names, secrets."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any

import pytest

from durableweb.checkpoint.memory import InMemorySaver
from durableweb.checkpoint.serde import Serde
from durableweb.errors import UnknownTypeError
from durableweb.graph import START, StateGraph
from durableweb.runtime import Runtime
from durableweb.types import Command, interrupt
from tests.storage.commits import History, task
from tests.storage.test_encryption import dump
from workflows.engine.checkpoint.base import checkpoint_config
from workflows.engine.ids import digest
from workflows.models import ChannelValue, Thread
from workflows.storage.saver import DjangoSaver

pytestmark = pytest.mark.django_db(transaction=True)

CONFIG: Any = {"configurable": {"thread_id": "t"}}


@dataclass
class Order:
    """As it was when the thread stopped."""

    number: int
    total: float


@dataclass
class Purchase:
    """As it is now: renamed, with the total in cents."""

    number: int
    cents: int


def old_code() -> Serde:
    serde = Serde()
    serde.register_type("shop.Order", Order)
    return serde


def new_code() -> Serde:
    def to_cents(parts: dict[str, Any]) -> dict[str, Any]:
        return {"number": parts["number"], "cents": round(parts["total"] * 100)}

    serde = Serde()
    serde.register_type(
        "shop.Purchase", Purchase, 2, {1: to_cents}, aliases=["shop.Order"]
    )
    return serde


@pytest.mark.rule("RA.13", "R10.6")
def test_a_paused_thread_goes_on_after_its_class_was_renamed_and_changed():
    old = DjangoSaver(serde=old_code())
    history = History(old)
    history.commit({"order": Order(7, 12.5)}, writes=[task(order=Order(8, 1.0))])
    history.commit(writes=[task(order=Order(9, 0.5))])

    found = history.read(saver=DjangoSaver(serde=new_code()))

    assert found.checkpoint["channel_values"]["order"] == Purchase(7, 1250)
    assert found.pending_writes == [("task-1", "order", Purchase(9, 50))]
    with pytest.raises(UnknownTypeError, match=r"shop\.Order"):
        history.read(saver=DjangoSaver(serde=Serde()))


@pytest.mark.rule("RA.20", "R10.4", "R10.5")
@pytest.mark.parametrize("tag", ["antigravity:geohash", "os:system", "builtins:eval"])
def test_a_planted_tag_imports_and_calls_nothing(tag):
    history = History(DjangoSaver())
    history.commit({"a": {"x": "y" * 100}})
    text = f'{{"$t":"{tag}","v":{{"command":"true"}}}}'
    ChannelValue.objects.update(payload=text, digest=digest(text))

    with pytest.raises(UnknownTypeError) as refused:
        history.read(saver=DjangoSaver())

    assert refused.value.tag == tag
    assert "antigravity" not in sys.modules


HOSTILE = [
    "'; DROP TABLE workflows_thread; --",
    '" OR 1=1',
    "%s",
    "$.a",
    "a b",
    "{}",
    "é",
]


@pytest.mark.rule("R10.8")
@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_is_a_value_never_a_part_of_a_statement(name):
    saver = DjangoSaver()
    history = History(saver, name, f"sub{name}:1")
    History(saver, "other").commit({"a": 1})
    history.commit({name: 1}, writes=[task(name, name, **{name: [2]})])
    history.commit(writes=[task(name, name, **{name: [3]})])

    config = checkpoint_config(name, f"sub{name}:1")
    found = saver.get_tuple(config)
    listed = [*saver.list(config)]
    filtered = [*saver.list(config, filter={name: 1})]
    by_source = [*saver.list(config, filter={"source": name})]

    assert found is not None
    assert found.checkpoint["channel_values"] == {name: 1}
    assert found.pending_writes == [(name, name, [3])]
    assert len(listed) == 1
    assert filtered == by_source == []
    saver.copy_thread(name, f"{name} copy")
    saver.prune([name])
    saver.delete_for_runs([name])
    saver.delete_thread(name)
    assert {*Thread.objects.values_list("id", flat=True)} == {"other", f"{name} copy"}


@pytest.mark.rule("R10.10")
def test_values_of_the_context_are_never_saved():
    @dataclass
    class Context:
        key: str

    def ask(state: Any, runtime: Runtime[Context]) -> Any:
        assert runtime.context.key == "Rosebud"
        return {"answer": interrupt("book?")}

    memory = InMemorySaver()
    for saver in (DjangoSaver(), memory):
        graph = StateGraph(dict, context_schema=Context).add_node(ask)
        flow = graph.add_edge(START, "ask").compile(saver)
        flow.invoke({}, CONFIG, context=Context("Rosebud"))
        flow.invoke(Command(resume="yes"), CONFIG, context=Context("Rosebud"))
        assert flow.get_state(CONFIG).values == {"answer": "yes"}

    assert "Rosebud" not in dump()
    space = memory._threads["t"][""]
    kept = [repr(saved.body) for saved in space.saved.values()]
    kept += [repr(entries) for entries in space.entered.values()]
    assert kept
    assert not any("Rosebud" in text for text in kept)


@pytest.mark.rule("R4.6")
def test_writes_are_applied_in_the_order_of_their_paths_however_they_were_saved():
    saver = DjangoSaver()
    history = History(saver)
    history.commit({"a": 1})
    late, early = task("z", "late", a=2), task("a", "early", a=1)
    late.path, early.path = "~pull|b", "~pull|a"

    history.commit(writes=[late])
    history.commit(writes=[early])

    assert history.read().pending_writes == [("a", "a", 1), ("z", "a", 2)]
