"""Threads and workflows that programs have named: any of them is listed, and has its pages."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from django.urls import resolve, reverse

from tests.web.conftest import SCHEMA, Html
from workflows.models import Run, Thread
from workflows.services import registry

pytestmark = pytest.mark.django_db

IDS = [
    *("customers/7", "/", "a/b/c/", "100%", "%2F", "a%2Fb", "50%/7", "..", ".", "..."),
    *("x?y#z", "ü ñ", "a\\b", "a+b", "a;b=c&d", "état/été", "🙂/1", "a\nb"),
]


@pytest.mark.parametrize("thread_id", IDS)
def test_it_is_listed_and_has_its_pages(as_, letter, thread_id):
    Thread.objects.create(pk=thread_id, graph="letter", title="Of a program")
    client = as_("operator")

    page = Html(client.get("/threads/"))
    (link,) = [each for each in page.all("a") if each.text == "Of a program"]
    address = link.attributes["href"]

    assert address == reverse("workflows:thread", args=[thread_id])
    segments = address.split("/")
    assert len(segments) == 4
    assert segments[2] not in (".", "..")
    answer = client.get(address)
    assert answer.status_code == 200
    assert Html(answer).one("h1").text == "Of a program"
    assert answer.context["thread"].id == thread_id
    state = reverse("workflows:thread_state", args=[thread_id])
    assert client.get(state).status_code in (200, 404)


@pytest.mark.parametrize("name", ["team/refunds", "/", "100%", "..", "a b", "é/?#"])
def test_a_workflow_of_any_name_can_be_started(as_, own_registry, name):
    registry.register(
        SimpleNamespace(name=name), name=name, title="Of a program", input_schema=SCHEMA
    )
    client = as_("operator")

    page = Html(client.get("/start/"))
    (link,) = [each for each in page.all("a") if each.text == "Of a program"]
    address = link.attributes["href"]

    assert client.get(address).status_code == 200
    form = {"input/repository": ".", "input/limit": "1"}
    assert client.post(address, form).status_code == 303
    assert Run.objects.get().graph == name
    for path in ("/queue/", "/runs/", "/threads/", "/decisions/", "/policies/"):
        assert client.get(path).status_code == 200


def test_plain_ids_stand_in_addresses_as_they_are():
    assert reverse("workflows:thread", args=["order-7"]) == "/threads/order-7/"
    assert resolve("/threads/100%/").kwargs == {"thread_id": "100%"}
