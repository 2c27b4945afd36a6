"""Workflows, nodes, titles and signals with odd names: every page that a link leads to is shown."""

from __future__ import annotations

import html
import re
from typing import Any, TypedDict
from urllib.parse import urldefrag, urljoin

import pytest
from django.test import Client

from tests.services.posting import carried_out
from workflows.engine.first import event, first_of, timer
from workflows.engine.graph.state import StateGraph
from workflows.engine.runtime import interrupt
from workflows.engine.signals import wait_signal
from workflows.services import registry
from workflows.services.children import start_child
from workflows.services.start_run import start_thread

pytestmark = pytest.mark.django_db(transaction=True)

NAMES = [
    *("a/b", "x?y#z", "ü ñ", "<b>bold</b>", "100%", "'q\"", "..", "{{ 7 }}"),
    *("&amp;", "x" * 150, "🙂", "a\\b", "-1", "%2F"),
]
PLACES = ["queue", "runs", "threads", "decisions", "policies", "start", "preferences"]
NOT_PAGES = ("/static/", "/admin/", "/logout/")
LINK = re.compile(r'href="([^"]+)')
MOST = 1000


class State(TypedDict, total=False):
    asked: Any
    waited: Any
    first: Any
    started: Any


def register(name: str) -> None:
    """A workflow of this name, whose nodes ask, wait, and start one that fails."""

    def asks(state: State) -> State:
        return {
            "asked": interrupt({"title": name, name: name, "amount": 7}, timeout=60)
        }

    def waits(state: State) -> State:
        return {"waited": wait_signal(name)}

    def first(state: State) -> State:
        return {"first": first_of(event(name, key=name), timer(3600))}

    def fails(state: State) -> State:
        raise ValueError(name)

    def starts(state: State) -> State:
        child = start_child(f"{name}, failing", {}, title=name, on_parent_end="leave")
        return {"started": child.thread_id}

    failing = StateGraph(State).add_node(name, fails).set_entry_point(name)
    registry.register(failing.compile(), name=f"{name}, failing", title=name)
    graph = StateGraph(State)
    for number, node in enumerate((asks, waits, first, starts)):
        graph.add_node(f"{name}{number}", node).set_entry_point(f"{name}{number}")
    registry.register(graph.compile(), name=name, title=name, description=name)


def links_on(address: str, page: str) -> set[str]:
    """The pages of this site that a page leads to."""
    links = (html.unescape(link) for link in LINK.findall(page))
    found = {urldefrag(urljoin(address, link)).url for link in links}
    return {
        each
        for each in found
        if each.startswith("/") and not each.startswith(NOT_PAGES)
    }


def test_every_page_is_shown(admin_user, own_registry):
    for name in NAMES:
        register(name)
        start_thread(name, {"asked": name}, title=name)
    assert sorted({*carried_out()}) == ["error", "interrupted"]
    client = Client(raise_request_exception=False)
    client.force_login(admin_user)
    to_see = [f"/{place}/" for place in PLACES]
    seen: set[str] = set()
    refused = {}

    while to_see and len(seen) < MOST:
        address = to_see.pop()
        if address in seen:
            continue
        seen.add(address)
        answer = client.get(address)
        if answer.status_code != 200:
            refused[address] = answer.status_code
        elif "html" in answer["Content-Type"]:
            to_see += links_on(address, answer.content.decode())

    assert refused == {}
    assert 10 * len(NAMES) < len(seen) < MOST
