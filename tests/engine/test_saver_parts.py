"""A saver that overrides `put` saves a step in parts; a crash between any two changes no answer."""

from __future__ import annotations

import operator
from typing import Annotated, Any, TypedDict

import pytest

from durableweb.checkpoint.memory import InMemorySaver
from durableweb.errors import EmptyInputError
from durableweb.func import task
from durableweb.graph import START, StateGraph
from durableweb.types import Command, interrupt

pytestmark = pytest.mark.rule("R6.17", "R4.2")

CONFIG: Any = {"configurable": {"thread_id": "t"}}
PARTS = 12


class State(TypedDict, total=False):
    log: Annotated[list[Any], operator.add]


class Crash(Exception):
    """The process was killed here."""


class Crashing(InMemorySaver):
    """Fails once, before the part of that number is saved."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.left = number

    def put(self, *given: Any, **more: Any) -> Any:
        self._count()
        return super().put(*given, **more)

    def put_writes(self, *given: Any, **more: Any) -> None:
        self._count()
        super().put_writes(*given, **more)

    def _count(self) -> None:
        self.left -= 1
        if self.left == 0:
            raise Crash


@task
def charge(amount: int) -> tuple[str, int]:
    return ("charged", amount)


def ask(state: State) -> Any:
    return {"log": [charge(5).result(), interrupt("go on?")]}


def flow(saver: Any) -> Any:
    graph = StateGraph(State)
    graph.add_node("a", lambda state: {"log": ["a"]})
    graph.add_node("b", lambda state: {"log": ["b"]})
    graph.add_node(ask)
    graph.add_edge(START, "a").add_edge(START, "b")
    return graph.add_edge(["a", "b"], "ask").compile(saver)


def lived(saver: Crashing) -> tuple[Any, bool]:
    """The end of the story, and whether it crashed on the way."""
    graph = flow(saver)
    crashed = False
    given: Any = {"log": ["in"]}
    for _ in range(6):
        try:
            out = graph.invoke(given, CONFIG, durability="sync")
        except Crash:
            crashed = True
            given = None
        except EmptyInputError:
            given = {"log": ["in"]}
        else:
            if "__interrupt__" not in out:
                return out, crashed
            given = Command(resume="yes")
    raise AssertionError("it does not come to an end")


@pytest.mark.parametrize("number", range(1, PARTS + 1))
def test_a_crash_before_any_part_changes_no_answer(number):
    out, crashed = lived(Crashing(number))

    assert crashed
    assert out == {"log": ["in", "a", "b", ("charged", 5), "yes"]}


def test_no_part_is_left_out():
    _, crashed = lived(Crashing(PARTS + 1))

    assert not crashed
