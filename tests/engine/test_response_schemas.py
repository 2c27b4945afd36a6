"""An answer is checked before any task starts, in the process that asked and in another."""

from __future__ import annotations

import sys
import types
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from durableweb.checkpoint.memory import InMemorySaver
from durableweb.errors import is_invalid_resume
from durableweb.graph import START, StateGraph
from durableweb.types import Command, interrupt
from tests.conformance.programs.shapes import S
from workflows.engine import response_schemas

pytestmark = pytest.mark.rule("R5.9")
CONFIG = {"configurable": {"thread_id": "t"}}


class Price(BaseModel):
    amount: int


class Asking:
    """A paused graph that asks with `schema`, and what its node has been doing."""

    def __init__(self, schema: Any) -> None:
        self.calls = 0
        self.saver = InMemorySaver()

        def ask(state: Any) -> Any:
            self.calls += 1
            return {"log": [interrupt("how much?", response_schema=schema)]}

        built = StateGraph(S).add_node("ask", ask).add_edge(START, "ask")
        self.graph = built.compile(checkpointer=self.saver)
        self.graph.invoke({"log": []}, CONFIG)

    def answer(self, value: Any) -> Any:
        return self.graph.invoke(Command(resume=value), CONFIG)

    def refused(self, value: Any) -> ValidationError:
        with pytest.raises(ValidationError) as caught:
            self.answer(value)
        assert is_invalid_resume(caught.value)
        return caught.value


@pytest.fixture
def another_process():
    """A process that has not asked the questions of this test."""

    def begin() -> None:
        response_schemas._hints.clear()

    return begin


def test_a_refused_answer_says_which_question_and_that_nothing_was_kept():
    asking = Asking(Price)

    error = asking.refused({"amount": "much"})

    [note] = error.__notes__
    assert "how much?" in note
    assert "'t'" in note
    assert "no task was started" in note


def test_another_process_finds_the_class_by_its_name(another_process):
    asking = Asking(Price)
    another_process()

    asking.refused({"amount": "much"})

    assert asking.calls == 1
    assert asking.answer({"amount": "3"}) == {"log": [Price(amount=3)]}


def test_a_class_that_has_changed_since_is_left_to_the_task(
    another_process, monkeypatch
):
    asking = Asking(Price)
    another_process()
    changed = type("Price", (BaseModel,), {"__annotations__": {"other": str}})
    monkeypatch.setattr(sys.modules[__name__], "Price", changed)

    asking.refused({"amount": "much"})

    assert asking.calls == 2


def test_a_class_that_nobody_has_loaded_is_not_imported(another_process, monkeypatch):
    module = types.ModuleType("not_loaded_later")
    monkeypatch.setitem(sys.modules, "not_loaded_later", module)
    exec(
        "from pydantic import BaseModel\nclass P(BaseModel):\n    n: int", vars(module)
    )
    asking = Asking(module.P)
    another_process()
    monkeypatch.delitem(sys.modules, "not_loaded_later")

    asking.refused({"n": "x"})

    assert asking.calls == 2
    assert "not_loaded_later" not in sys.modules


def test_a_schema_without_a_name_is_left_to_the_task_elsewhere(another_process):
    asking = Asking(list[int])
    asking.refused("x")
    assert asking.calls == 1
    another_process()

    asking.refused("x")

    assert asking.calls == 2
    assert asking.answer([1]) == {"log": [[1]]}


def test_only_the_latest_questions_are_remembered(monkeypatch):
    monkeypatch.setattr(response_schemas, "_REMEMBERED", 2)
    response_schemas._hints.clear()

    for _ in range(4):
        Asking(Price)

    assert len(response_schemas._hints) == 2
