"""What waits for what it has called is not told beside that: who reads where a thread waits is told once (RB.1, RB.2)."""

from __future__ import annotations

from typing import Any, TypedDict

import pytest

from tests.services.napping import every_sleep_is_long
from tests.services.posting import carried_out
from workflows.engine.func.entrypoint import entrypoint
from workflows.engine.func.task import task
from workflows.engine.graph.state import StateGraph
from workflows.engine.signals import wait_signal
from workflows.engine.sleeping import sleep
from workflows.models import Thread
from workflows.services import registry
from workflows.services.asleep import WaitRecord, sleep_of
from workflows.services.start_run import start_thread

assert every_sleep_is_long

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.rule("RB.1", "RB.2"),
]
HOUR = 3600


class State(TypedDict, total=False):
    note: Any


def record_of(graph: Any) -> WaitRecord:
    """What a thread of this workflow waits for when its first run has ended."""
    registry.register(graph, name="waits")
    start_thread("waits", {}, thread_id="t")
    assert carried_out() == ["waiting"]
    found = sleep_of(Thread.objects.get())
    assert found is not None
    return found


def graph_of(**nodes: Any) -> Any:
    graph = StateGraph(State)
    for name, node in nodes.items():
        graph.add_node(name, node).add_edge("__start__", name)
    return graph.compile()


def told(record: WaitRecord) -> dict[str, list[str]]:
    return {each.node: [one.name for one in each.awaits] for each in record.waiters}


def test_tasks_of_an_entrypoint():
    @task
    def check(name: str) -> Any:
        return wait_signal(name)

    @entrypoint()
    def check_all(given: Any) -> Any:
        return [each.result() for each in [check("a"), check("b")]]

    record = record_of(check_all)

    assert told(record) == {"check": ["a", "b"]}
    assert record.due == {"check", "check_all"}


def test_an_entrypoint_that_waits_itself_beside_a_task():
    @task
    def check() -> Any:
        return wait_signal("a")

    @entrypoint()
    def both(given: Any) -> Any:
        beside = check()
        return [wait_signal("b"), beside.result()]

    assert told(record_of(both)) == {"check": ["a"], "both": ["b"]}


def test_graphs_below():
    def inner(state: State) -> State:
        return {"note": wait_signal("c")}

    below = graph_of(inner=inner)

    def call(state: State) -> State:
        below.invoke({})
        return {}

    record = record_of(graph_of(call=call, added=below))

    assert told(record) == {"inner": ["c"]}
    assert record.due == {"call", "added"}


def test_what_sleeps_below():
    def inner(state: State) -> State:
        return {"note": sleep(HOUR)}

    record = record_of(graph_of(added=graph_of(inner=inner)))

    assert record.nodes == ("inner",)
    assert record.until is not None
