"""Delta channels are shown as their values, not as what was written to them (R2.8)."""

from __future__ import annotations

from typing import Annotated, Any, TypedDict

import pytest
from django.contrib.auth.models import User

from workflows.engine.channels import DeltaChannel
from workflows.engine.constants import START
from workflows.engine.graph.state import StateGraph
from workflows.models import Thread
from workflows.services import registry
from workflows.services.access import Rights
from workflows.services.state import read_state
from workflows.storage.saver import DjangoSaver

pytestmark = [pytest.mark.rule("R2.8"), pytest.mark.django_db(transaction=True)]


def merged(value: Any, writes: list[Any]) -> dict[str, Any]:
    found = dict(value or {})
    for write in writes:
        found |= write
    return found


class State(TypedDict, total=False):
    held: Annotated[dict[str, int], DeltaChannel(merged)]


def shown(name: str) -> Any:
    graph = StateGraph(State).add_node("quiet", lambda state: None)
    flow = graph.add_edge(START, "quiet").compile(DjangoSaver(), name=name)
    for n in range(3):
        flow.invoke({"held": {f"k{n}": n}}, {"configurable": {"thread_id": "t"}})
    if name == "known":
        registry.register(flow, name=name)
    Thread.objects.filter(pk="t").update(graph=name)
    admin = Rights(User.objects.create_superuser("root"))
    [field] = read_state(Thread.objects.get(pk="t"), admin).fields
    return field.tree


def test_a_known_workflow_puts_it_together():
    assert shown("known") == {"k0": 0, "k1": 1, "k2": 2}


def test_of_an_unknown_one_it_is_shown_what_was_written():
    assert shown("gone") == {
        "snapshot": {"k0": 0},
        "written since": [[{"k1": 1}], [{"k2": 2}]],
    }
