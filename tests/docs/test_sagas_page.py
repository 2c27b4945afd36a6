"""The program of docs/howto/sagas.md undoes what it has booked when it fails, and when it is cancelled, as the page says."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest

from tests.docs.test_examples import FENCE, ROOT
from tests.services import letters
from tests.services.posting import carried_out
from workflows.models import Interrupt, Run, Thread
from workflows.services import registry
from workflows.services.cancel_run import cancel_thread
from workflows.services.start_run import start_thread

PAGE = "docs/howto/sagas.md"
TRIP = ["flight to Bern", "hotel in Bern"]

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.rule("RB.8")]


@pytest.fixture
def booked(monkeypatch):
    """What the program has booked, which has come to its question."""
    (code,) = [
        code for _, code in FENCE.findall((ROOT / PAGE).read_text(encoding="utf-8"))
    ]
    module = ModuleType("trips_of_the_page")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    exec(code, module.__dict__)
    start_thread("trip", "Bern", thread_id="t")
    assert carried_out() == ["interrupted"]
    assert module.booked == TRIP
    yield module.booked
    registry.unregister("trip")


def test_a_trip_that_fails_is_given_up_as_a_whole(booked, admin_user):
    letters.answer(admin_user, Interrupt.objects.get())

    assert carried_out() == ["error"]
    assert booked == []
    assert Run.objects.latest("id").error == "RuntimeError: there are no cars"


def test_a_trip_that_is_cancelled_is_given_up_as_a_whole(booked):
    cancel_thread("t", reason="ill")

    assert carried_out() == ["cancelled"]
    assert booked == []
    assert Thread.objects.get().status == "idle"


def test_a_trip_that_works_stays(booked, admin_user):
    letters.answer(admin_user, Interrupt.objects.get(), "reject", reason="I walk")

    assert carried_out() == ["success"]
    assert booked == TRIP
