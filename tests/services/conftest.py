"""The same people in every test, a workflow to ask about and a question to answer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.models import User

from tests.support.persons import make_people
from tests.support.registered import put_back, registered
from workflows.engine import serde
from workflows.engine.ids import digest
from workflows.models import Interrupt, Run, Thread
from workflows.services import ports, registry


@dataclass
class People:
    viewer: User
    reviewer: User
    operator: User
    admin: User
    stranger: User


@pytest.fixture
def people(db: None) -> People:
    """One person a role, and one who has none."""
    names = ("viewer", "reviewer", "operator", "admin", "stranger")
    users = [User(username=name, first_name=name.capitalize()) for name in names]
    return People(**make_people(users))


@pytest.fixture(autouse=True)
def own_registry() -> Iterator[None]:
    """What a test registers is gone after it."""
    before = registered()
    yield
    put_back(before)


class Calls:
    """A run queue that remembers what it was told."""

    def __init__(self) -> None:
        self.runs: list[int] = []

    def enqueue(self, run_id: int, due_at: Any = None, priority: int = 0) -> None:
        self.runs.append(run_id)


@pytest.fixture(autouse=True)
def queue() -> Iterator[Calls]:
    before = ports.run_queue()
    calls = Calls()
    ports.install(run_queue=calls)
    yield calls
    ports.install(run_queue=before)


@pytest.fixture
def letter() -> Any:
    """A registered workflow; only its name and its rights matter here."""
    graph = SimpleNamespace(name="letter")
    return registry.register(
        graph, name="letter", title="Letter", editable=["text"], secret=["key"]
    )


@pytest.fixture
def thread(letter: Any, db: None) -> Thread:
    return Thread.objects.create(
        id="t1", graph="letter", title="First letter", status="interrupted", head="c1"
    )


_asked = iter(range(1, 1_000_000))


def ask(
    thread: Thread, value: Any = "Send it?", schema: Any = None, **more: Any
) -> Interrupt:
    """A pending question as the saver writes it."""
    run = Run.objects.create(thread=thread, kind="start", status="interrupted")
    return Interrupt.objects.create(
        thread=thread,
        run=run,
        graph=thread.graph,
        checkpoint=thread.head,
        interrupt_id=digest(f"question {next(_asked)}"),
        task="task-1",
        node="ask",
        title=str(value)[:100],
        value=serde.dumps(value),
        response_schema=serde.dumps(schema) if schema else "",
        **more,
    )


@pytest.fixture
def question(thread: Thread) -> Interrupt:
    return ask(thread)
