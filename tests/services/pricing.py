"""A workflow of one body that calls tasks, and forks of its threads after one of them, for tests."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Annotated, Any, TypedDict

import pytest

from tests.services.napping import config_of
from tests.services.posting import carried_out
from workflows.engine.func.entrypoint import entrypoint
from workflows.engine.func.task import task
from workflows.engine.types import Command
from workflows.models import Thread
from workflows.services import registry
from workflows.services.fork_thread import fork_thread
from workflows.services.start_run import start_thread
from workflows.storage.saver import DjangoSaver


class State(TypedDict, total=False):
    """What was done, in order."""

    log: Annotated[list[str], operator.add]


ran: list[str] = []
undone: list[str] = []


@pytest.fixture(autouse=True)
def nothing_ran() -> None:
    for each in (ran, undone):
        each.clear()


@task
def price(what: Any) -> str:
    ran.append(f"price {what}")
    return f"{what} by call {len(ran)}"


@task
def ship(what: Any) -> str:
    ran.append(f"ship {what}")
    return f"shipped {what}"


def put_back(what: str) -> None:
    undone.append(what)


def begun(body: Callable[..., Any], *answers: Any) -> Thread:
    """A thread of an entrypoint with this body, whose questions were answered so."""
    registry.register(entrypoint()(body), name="flow")
    started = start_thread("flow", "x")
    carried_out()
    thread = Thread.objects.get(pk=started.thread_id)
    for answer in answers:
        answered(thread, answer)
    return thread


def answered(thread: Thread, answer: Any) -> Any:
    graph = registry.get(thread.graph).graph.copy(
        update={"checkpointer": DjangoSaver()}
    )
    return graph.invoke(Command(resume=answer), config_of(thread))


def forked(thread: Thread, after_task: str, **more: Any) -> Thread:
    """A fork of the thread after that call, carried out."""
    ran.clear()
    made = fork_thread(thread.pk, after_task=after_task, **more)
    carried_out()
    return Thread.objects.get(pk=made.thread_id)


def returned(thread: Thread) -> Any:
    """What the entrypoint has returned last."""
    graph = registry.get(thread.graph).graph.copy(
        update={"checkpointer": DjangoSaver()}
    )
    return graph.get_state(config_of(thread)).values


def prices(given: Any) -> Any:
    return [price(each).result() for each in "abc"]
