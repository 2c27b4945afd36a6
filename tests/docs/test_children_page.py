"""The program of docs/howto/children.md starts its children, waits for people to answer them, and ends, as the page says."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest

from tests.docs.test_examples import FENCE, ROOT
from tests.services import letters
from tests.services.posting import carried_out
from workflows.models import Child, Interrupt, Thread
from workflows.services import registry
from workflows.services.start_run import start_thread
from workflows.storage.saver import DjangoSaver

PAGE = "docs/howto/children.md"


@pytest.mark.django_db(transaction=True)
@pytest.mark.rule("RB.5")
def test_each_document_is_checked_by_a_child(admin_user, monkeypatch):
    (code,) = [
        code for _, code in FENCE.findall((ROOT / PAGE).read_text(encoding="utf-8"))
    ]
    module = ModuleType("checks_of_the_page")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    exec(code, module.__dict__)
    start_thread("check-all", ["lease", "deed"], thread_id="p")

    assert carried_out() == ["waiting", "interrupted", "interrupted"]
    asked = Interrupt.objects.select_related("thread").order_by("thread__title")
    assert [row.thread.title for row in asked] == ["deed", "lease"]
    letters.answer(admin_user, asked[0])
    letters.answer(admin_user, asked[1], "reject", reason="not signed")
    carried_out()

    graph = registry.get("check-all").graph.with_saver(DjangoSaver())
    found = graph.get_state({"configurable": {"thread_id": "p"}}).values
    assert found == {"lease": "refused", "deed": "in order"}
    assert Thread.objects.get(pk="p").status == "idle"
    assert Child.objects.filter(thread_id="p", settled=True).count() == 2
