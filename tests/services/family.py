"""A workflow that starts children and waits for them, and the workflow of the children, for tests."""

from __future__ import annotations

from typing import Any, TypedDict

import pytest

from tests.services import letters
from workflows.engine.func.entrypoint import entrypoint
from workflows.engine.graph.state import StateGraph
from workflows.engine.runtime import interrupt
from workflows.models import Interrupt, Thread
from workflows.services import forgotten, registry
from workflows.services.children import start_child
from workflows.services.execute_run import execute_run
from workflows.services.start_run import start_thread
from workflows.services.sweep import sweep


class State(TypedDict, total=False):
    said: list[Any]
    note: str


class Parent:
    """A workflow whose node starts children and waits for them, and the children's workflow, `work`."""

    def __init__(self) -> None:
        self.began = 0
        self.mended = False
        self.worked: list[Any] = []
        self.inputs: list[Any] = ["a"]
        self.more: dict[str, Any] = {}
        self.wait: dict[str, Any] | None = {}

    def parent(self, state: State) -> State:
        self.began += 1
        children = [start_child("work", each, **self.more) for each in self.inputs]
        if self.wait is None:
            return {"said": [each.thread_id for each in children]}
        return {"said": [each.result(**self.wait) for each in children]}

    def work(self, given: Any) -> Any:
        self.worked.append(given)
        if given == "fail" and not self.mended:
            raise ValueError("broken")
        if given == "ask":
            return interrupt("go on?")["value"]
        return f"{given} done"

    def graph(self, **compiled: Any) -> Any:
        graph = StateGraph(State).add_node("parent", self.parent)
        return graph.set_entry_point("parent").compile(**compiled)


@pytest.fixture
def desk() -> Parent:
    made = Parent()
    registry.register(made.graph(), name="desk")
    registry.register(entrypoint()(made.work), name="work")
    return made


def begun() -> Thread:
    """A parent whose first run has ended; its children are queued."""
    started = start_thread("desk", {}, thread_id="parent")
    execute_run(started.run_id)
    return Thread.objects.get(pk="parent")


def children() -> list[Thread]:
    return [*Thread.objects.exclude(graph="desk").order_by("created_at")]


def answer(boss: Any, value: Any) -> None:
    """Answer the one question that is open, as a person does."""
    question = Interrupt.objects.get(status="pending")
    letters.answer(boss, question, "respond", value=value)


def swept() -> int:
    """A sweep that looks for what was left undone, too, as one a minute does."""
    forgotten.tell_of_forgotten.looks_at = 0.0
    return sweep()


def config_of(thread_id: str) -> dict[str, Any]:
    return {"configurable": {"thread_id": thread_id}}
