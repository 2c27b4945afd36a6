"""Who subclasses the saver and overrides a method of the field is obeyed, and loses nothing."""

from __future__ import annotations

from typing import Any

import pytest
from asgiref.sync import async_to_sync

from durableweb.graph import START, StateGraph
from durableweb.types import Command, interrupt
from workflows.models import Interrupt
from workflows.storage.saver import DjangoSaver

pytestmark = [pytest.mark.rule("R6.17"), pytest.mark.django_db(transaction=True)]

CONFIG = {"configurable": {"thread_id": "t"}}


class Logging(DjangoSaver):
    """Hears of every checkpoint and of every task's writes."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[str] = []

    def put(self, config: Any, checkpoint: Any, metadata: Any, versions: Any) -> Any:
        self.heard.append(f"put {metadata['step']}")
        return super().put(config, checkpoint, metadata, versions)

    def put_writes(
        self, config: Any, writes: Any, task_id: str, task_path: str = ""
    ) -> None:
        self.heard.append("put_writes")
        super().put_writes(config, writes, task_id, task_path)


class LoggingAsync(DjangoSaver):
    """The same for the async methods alone."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[str] = []

    async def aput(
        self, config: Any, checkpoint: Any, metadata: Any, versions: Any
    ) -> Any:
        self.heard.append(f"put {metadata['step']}")
        return await super().aput(config, checkpoint, metadata, versions)


def approval(saver: Any) -> Any:
    def ask(state: Any) -> Any:
        return {"a": [interrupt({"title": "Pay?"}), interrupt("sure")]}

    return StateGraph(dict).add_node(ask).add_edge(START, "ask").compile(saver)


def rows() -> list[tuple[str, str, str]]:
    found = Interrupt.objects.order_by("ordinal")
    return [(row.title, row.node, row.status) for row in found]


def test_its_questions_stand_in_the_queue_and_are_closed_by_their_answers():
    saver = Logging()
    graph = approval(saver)

    graph.invoke({}, CONFIG)
    asked = rows()
    graph.invoke(Command(resume="yes"), CONFIG)
    graph.invoke(Command(resume="quite"), CONFIG)

    assert asked == [("Pay?", "ask", "pending")]
    assert rows() == [("Pay?", "ask", "resolved"), ("sure", "ask", "resolved")]
    assert "put 1" in saver.heard
    assert saver.heard.count("put_writes") >= 3


def test_so_do_those_of_one_with_async_methods_of_its_own():
    saver = LoggingAsync()
    graph = approval(saver)

    async def story() -> None:
        await graph.ainvoke({}, CONFIG)
        await graph.ainvoke(Command(resume="yes"), CONFIG)
        await graph.ainvoke(Command(resume="quite"), CONFIG)

    async_to_sync(story)()

    assert rows() == [("Pay?", "ask", "resolved"), ("sure", "ask", "resolved")]
    assert "put 1" in saver.heard
    assert graph.get_state(CONFIG).values == {"a": ["yes", "quite"]}


def test_a_question_that_is_asked_again_keeps_its_row():
    graph = approval(Logging())
    graph.invoke({}, CONFIG)
    first = Interrupt.objects.get()

    graph.invoke(None, CONFIG)

    again = Interrupt.objects.get()
    assert (again.pk, again.round, again.status) == (first.pk, first.round, "pending")
