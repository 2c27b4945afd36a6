"""The same people at every page, a workflow with questions, and html read by role and text."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests.support.persons import log_in, make_people
from tests.support.registered import put_back, registered
from workflows.engine import serde
from workflows.engine.ids import digest
from workflows.models import Decision, Event, Interrupt, Run, Thread
from workflows.services import registry
from workflows.services.access import ROLES

SCHEMA = {
    "type": "object",
    "properties": {
        "repository": {"type": "string", "title": "Repository", "minLength": 1},
        "limit": {"type": "integer", "minimum": 1, "default": 20},
        "tags": {"type": "array", "items": {"type": "string"}},
    },
    "required": ["repository"],
}


@pytest.fixture
def people(db: None) -> dict[str, User]:
    """One person a role, and a stranger who has none."""
    names = (*ROLES, "stranger")
    return make_people(
        [User(username=name, is_staff=name == "admin") for name in names]
    )


@pytest.fixture
def as_(people: dict[str, User]) -> Any:
    """A browser in which that person is logged in; `as_(None)` is nobody's."""

    def open_browser(name: str | None, **options: Any) -> Client:
        client = Client(**options)
        if name:
            log_in(client, people[name])
        return client

    return open_browser


@pytest.fixture(autouse=True)
def own_registry() -> Iterator[None]:
    """What a test registers is gone after it."""
    before = registered()
    put_back()
    yield
    put_back(before)


@pytest.fixture
def letter(own_registry: None) -> registry.Registered:
    """A registered workflow with an input schema."""
    graph = SimpleNamespace(name="letter")
    registry.register(
        graph, name="letter", title="Letter", editable=["text"], input_schema=SCHEMA
    )
    return registry.get("letter")


@pytest.fixture
def thread(letter: registry.Registered, db: None) -> Thread:
    return Thread.objects.create(
        id="t-1", graph="letter", title="First letter", status="interrupted"
    )


@pytest.fixture
def other_thread(db: None) -> Thread:
    """A thread of a workflow that is open to one group only."""
    registry.register(
        SimpleNamespace(name="payroll"),
        name="payroll",
        title="Payroll",
        start_groups=["finance"],
        decide_groups=["finance"],
    )
    return Thread.objects.create(id="t-secret", graph="payroll", title="Salaries")


_asked = iter(range(1, 1_000_000))


def ask(
    thread: Thread, value: Any = "Send it?", schema: Any = None, **more: Any
) -> Interrupt:
    """A pending question as the saver writes it."""
    run = Run.objects.create(
        thread=thread, graph=thread.graph, kind="start", status="interrupted"
    )
    title = value.get("title", "") if isinstance(value, dict) else str(value)
    return Interrupt.objects.create(
        **{
            "thread": thread,
            "run": run,
            "graph": thread.graph,
            "checkpoint": thread.head,
            "interrupt_id": digest(f"question {next(_asked)}"),
            "task": "task-1",
            "node": "ask",
            "title": title[:100],
            "value": serde.dumps(value),
            "response_schema": serde.dumps(schema) if schema else "",
            **more,
        }
    )


def happen(thread: Thread, what: str, /, **data: Any) -> Event:
    """One more event of a thread."""
    thread.seq += 1
    thread.save(update_fields=["seq"])
    return Event.objects.create(
        thread=thread, seq=thread.seq, kind=what, data=json.dumps(data)
    )


def decision_form(question: Interrupt, kind: str = "approve", **more: Any) -> dict:
    """What the page of a question posts."""
    return {
        "kind": kind,
        "version": question.version,
        "round": question.round,
        "checkpoint": "",
        "key": f"key-{next(_asked)}",
        **more,
    }


def decisions() -> list[tuple[str, str]]:
    return list(Decision.objects.order_by("id").values_list("kind", "reason"))


@dataclass
class Element:
    """One element of a page, with the text inside of it."""

    tag: str
    attributes: dict[str, str]
    text: str = ""
    parents: list["Element"] = field(default_factory=list)


class Html(HTMLParser):
    """A page as a list of elements that can be asked for by tag and attribute."""

    VOID = frozenset({"input", "meta", "link", "br", "hr", "img", "path"})

    def __init__(self, response: Any) -> None:
        super().__init__()
        self.elements: list[Element] = []
        self._open: list[Element] = []
        self.feed(response.content.decode())

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        element = Element(tag, {k: v or "" for k, v in attrs}, parents=[*self._open])
        self.elements.append(element)
        if tag not in self.VOID:
            self._open.append(element)

    def handle_startendtag(self, tag: str, attrs: Any) -> None:
        self.elements.append(
            Element(tag, {k: v or "" for k, v in attrs}, parents=[*self._open])
        )

    def handle_endtag(self, tag: str) -> None:
        while self._open:
            if self._open.pop().tag == tag:
                break

    def updatepos(self, i: int, j: int) -> int:
        """Nobody asks in which line something stands, and to count takes long."""
        return j

    def handle_data(self, data: str) -> None:
        for element in self._open:
            element.text += data

    def all(self, tag: str = "", **wanted: str) -> list[Element]:
        return [
            element
            for element in self.elements
            if (not tag or element.tag == tag)
            and all(element.attributes.get(k) == v for k, v in wanted.items())
        ]

    def one(self, tag: str = "", **wanted: str) -> Element:
        found = self.all(tag, **wanted)
        assert len(found) == 1, f"{len(found)} of <{tag} {wanted}>"
        return found[0]

    def text(self, tag: str = "main") -> str:
        return " ".join(" ".join(e.text for e in self.all(tag)).split())

    def form(self, action: str) -> Element:
        return self.one("form", action=action)

    def buttons(self) -> dict[str, str]:
        """The buttons that decide: kind -> words."""
        return {
            e.attributes["value"]: " ".join(e.text.split())
            for e in self.all("button", name="kind")
        }

    def has_text(self, words: str) -> bool:
        return words in self.text("body")
