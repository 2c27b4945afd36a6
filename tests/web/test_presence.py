"""The call of a page: here I am, and who else is?"""

from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from tests.web.conftest import ask
from workflows.models import Interrupt


@pytest.fixture
def question(thread):
    return ask(thread)


def call(client, **fields):
    return client.post("/presence/", fields)


def test_each_is_told_of_the_other(as_, question):
    assert call(as_("reviewer"), at=question.pk, edits="1").json() == {}

    told = call(as_("admin"), at=question.pk).json()
    assert told == {str(question.pk): [["reviewer", True]]}
    assert call(as_("viewer"), item=question.pk).json() == {
        str(question.pk): [["reviewer", True], ["admin", False]]
    }


def test_typing_renews_ones_own_claim_and_says_until_when(as_, question):
    as_("reviewer").post(f"/review/{question.pk}/claim")
    question.refresh_from_db()
    soon = timezone.now() + timedelta(minutes=1)
    Interrupt.objects.filter(pk=question.pk).update(claimed_until=soon)

    looked = call(as_("reviewer"), at=question.pk).json()["claim"]
    typed = call(as_("reviewer"), at=question.pk, edits="1").json()["claim"]
    others = call(as_("admin"), at=question.pk, edits="1").json()

    assert (looked["at"], looked["until"]) == (question.pk, soon.isoformat())
    assert datetime.fromisoformat(typed["until"]) > soon + timedelta(minutes=10)
    assert "claim" not in others


def test_who_leaves_is_gone(as_, question):
    call(as_("reviewer"), at=question.pk)
    call(as_("reviewer"), at=question.pk, leaves="1")

    assert call(as_("admin"), item=question.pk).json() == {}


def test_hidden_and_missing_are_alike(as_, other_thread):
    hidden = ask(other_thread)
    call(as_("admin"), at=hidden.pk)

    for number in (hidden.pk, 999_999):
        assert call(as_("reviewer"), at=number, item=number).json() == {}


@pytest.mark.parametrize("text", ["", "-1", "abc", "\u0661", "9" * 30, "1; drop"])
def test_nonsense_is_nobody(as_, question, text):
    answer = call(as_("reviewer"), at=text, item=text)

    assert (answer.status_code, answer.json()) == (200, {})


def test_it_takes_a_post_of_somebody_who_is_logged_in(as_, question):
    assert as_("reviewer").get("/presence/").status_code == 405
    assert call(as_(None), at=question.pk).status_code == 401
    strict = as_("reviewer", enforce_csrf_checks=True)
    assert call(strict, at=question.pk).status_code == 403
