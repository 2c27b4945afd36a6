"""What an attribute may be, where it may be set, and on which savers (RB.11)."""

from __future__ import annotations

import threading
from contextvars import copy_context
from datetime import datetime
from typing import Any, TypedDict

import pytest

from durableweb.checkpoint.base import BaseCheckpointSaver
from durableweb.checkpoint.memory import InMemorySaver
from durableweb.func import entrypoint, task
from durableweb.graph import START, StateGraph
from durableweb.runtime import set_attributes
from durableweb.types import RetryPolicy, interrupt
from workflows.engine.attributes import checked
from workflows.engine.replay import replay_check

pytestmark = pytest.mark.rule("RB.11")

CONFIG: Any = {"configurable": {"thread_id": "t"}}


class State(TypedDict, total=False):
    n: int


def run(node: Any, saver: Any, **options: Any) -> Any:
    graph = StateGraph(State).add_node("node", node, **options).add_edge(START, "node")
    return graph.compile(checkpointer=saver).invoke({"n": 0}, CONFIG)


@pytest.mark.parametrize(
    ("given", "error", "words"),
    [
        ({"a b": 1}, ValueError, "a name is 'a b'; give a Python identifier"),
        ({"a" * 61: 1}, ValueError, "of at most 60 characters"),
        ({"status": 1}, ValueError, "a name is 'status'; give another name"),
        ({"And": 1}, ValueError, "a name is 'And'; give another name"),
        ({"has": 1}, ValueError, "another name"),
        ({"class": 1}, ValueError, "another name"),
        ({"a": {}}, TypeError, "a is {}; give a text, a number, True or False"),
        ({"a": b"x"}, TypeError, "give a text"),
        ({"a": ("x",)}, TypeError, "give a text"),
        ({"a": ["x", 1]}, TypeError, "give a text"),
        ({"a": "x" * 1001}, ValueError, "give at most 1000 characters, not 1001"),
        ({"a": ["x" * 1001]}, ValueError, "give at most 1000 characters, not 1001"),
        ({"a": ["x"] * 101}, ValueError, "a list of at most 100 texts, not 101"),
        ({"a": "x\0"}, ValueError, "a text without NUL"),
        ({"a": "\ud800"}, ValueError, "lone surrogates"),
        ({"a": float("nan")}, ValueError, "a finite number"),
        ({"a": float("-inf")}, ValueError, "a finite number"),
        ({"a": 2**53 + 1}, ValueError, "a whole number from -2"),
        ({"a": datetime(2026, 1, 1)}, ValueError, "with a timezone"),  # noqa: DTZ001
        ({f"a{n}": n for n in range(33)}, ValueError, "33 attributes (a0, a1, a10"),
    ],
)
def test_what_cannot_be_one_is_refused(given, error, words):
    with pytest.raises(error) as raised:
        checked(given)

    assert words in str(raised.value)
    assert str(raised.value).startswith("set_attributes(): ")


def test_removing_many_is_not_having_many():
    assert len(checked({f"a{n}": None for n in range(50)})) == 50


def test_outside_a_graph_it_is_refused():
    with pytest.raises(
        RuntimeError, match=r"set_attributes.. was called outside a graph"
    ):
        set_attributes(a=1)


class Plain(BaseCheckpointSaver):
    """A saver of the author's own that knows nothing of attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.kept = InMemorySaver()

    def get_tuple(self, config: Any) -> Any:
        return self.kept.get_tuple(config)

    def put(self, *given: Any) -> Any:
        return self.kept.put(*given)

    def put_writes(self, *given: Any) -> None:
        self.kept.put_writes(*given)


def test_a_saver_that_keeps_none_runs_what_sets_none_and_refuses_the_rest():
    assert run(lambda state: {"n": 1}, Plain()) == {"n": 1}

    with pytest.raises(RuntimeError, match="on Plain, which keeps no attributes"):
        run(lambda state: set_attributes(a=1), Plain())
    with pytest.raises(NotImplementedError, match="has no attributes_of"):
        Plain().attributes_of("t")


def test_without_a_saver_it_is_refused_with_what_to_do():
    with pytest.raises(RuntimeError, match="'node' runs without a saver: compile"):
        run(lambda state: set_attributes(a=1), None)


class InParts(InMemorySaver):
    """Overrides `put`, so a step is saved in parts; notes their order."""

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []

    def put(self, *given: Any) -> Any:
        self.parts.append("checkpoint")
        return super().put(*given)

    def put_attributes(self, thread_id: str, change: Any) -> None:
        self.parts.append(f"attributes {dict(change)}")
        super().put_attributes(thread_id, change)


def test_saved_in_parts_they_come_before_the_checkpoint():
    saver = InParts()

    run(lambda state: set_attributes(a=1), saver)

    assert saver.parts[-2:] == ["attributes {'a': 1}", "checkpoint"]
    assert saver.attributes_of("t") == {"a": 1}


@pytest.mark.rule("RA.4")
def test_a_replay_check_goes_over_a_body_that_sets_them_and_changes_none():
    @task
    def price() -> int:
        set_attributes(amount=1)
        return 1

    @entrypoint(checkpointer=(saver := InMemorySaver()))
    def flow(given: int) -> Any:
        set_attributes(state="begun")
        found = price().result()
        set_attributes(state="asks")
        return [found, interrupt("q")]

    flow.invoke(1, CONFIG)
    saver.put_attributes("t", {"state": "mine", "amount": None})

    report = replay_check(flow, "t")

    assert report.bodies
    assert saver.attributes_of("t") == {"state": "mine"}


def test_what_is_left_of_a_failed_attempt_sets_nothing_any_more():
    """A thread of the author's own goes on beside the attempt that follows."""
    may_go_on = threading.Event()
    left: list[threading.Thread] = []

    def late() -> None:
        may_go_on.wait(30)
        set_attributes(late=True)

    def node(state: State) -> Any:
        if not left:
            left.append(threading.Thread(target=copy_context().run, args=(late,)))
            left[0].start()
            raise ValueError("once")
        may_go_on.set()
        left[0].join(30)
        set_attributes(good=True)

    saver = InMemorySaver()
    retry = RetryPolicy(initial_interval=0.001, jitter=False, retry_on=ValueError)

    run(node, saver, retry_policy=retry)

    assert not left[0].is_alive()
    assert saver.attributes_of("t") == {"good": True}
