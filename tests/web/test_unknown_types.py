"""What a page shows of values whose class this code does not know, and what comes of an answer."""

from __future__ import annotations

import pytest

from tests.web.conftest import Html
from tests.web.test_whole_way import decide, post_office, start
from workflows.engine.ids import digest
from workflows.models import Interrupt, PendingWrite, Run

pytestmark = [
    pytest.mark.rule("R10.5", "RA.20"),
    pytest.mark.django_db(transaction=True),
]

__all__ = ["post_office"]

GONE = '{"$t":"post.Letter","v":{"to":"Rosebud"}}'


def plant() -> Interrupt:
    """The open question holds an object of a class that is gone."""
    question = Interrupt.objects.get()
    question.value = GONE
    question.save(update_fields=["value"])
    asked = (
        f'{{"$t":"Interrupt","v":{{"value":{GONE},"id":"{question.interrupt_id}"}}}}'
    )
    text = f'[["__interrupt__",[{asked}]]]'
    rows = PendingWrite.objects.filter(slot="interrupt")
    assert rows.update(payload=text, digest=digest(text)) == 1
    return question


def test_the_raw_tree_is_shown_as_data(as_, post_office):
    post_office()
    thread = start(as_)
    question = plant()

    page = Html(as_("reviewer").get(f"/review/{question.pk}/"))

    assert page.has_text("post.Letter")
    assert page.has_text("Rosebud")
    assert as_("viewer").get(f"/threads/{thread}/").status_code == 200


def test_no_decision_is_offered_and_none_is_taken(as_, post_office):
    post_office()
    start(as_)
    number = Interrupt.objects.get().pk
    assert Html(as_("reviewer").get(f"/review/{number}/")).buttons() != {}
    question = plant()
    before = Run.objects.count()

    page = Html(as_("reviewer").get(f"/review/{question.pk}/"))
    answer = decide(as_, "reject", reason="who is this?")

    assert page.has_text("This question cannot be read here")
    assert page.has_text("register_type('post.Letter', cls)")
    assert page.buttons() == {}
    assert answer.status_code == 503
    assert Html(answer).has_text(f"Question #{question.pk} cannot be answered")
    question.refresh_from_db()
    assert question.status == Interrupt.Status.PENDING
    assert Run.objects.count() == before


@pytest.mark.rule("R10.7")
def test_a_question_that_was_changed_in_the_database_gets_no_answer(as_, post_office):
    post_office()
    start(as_)
    question = Interrupt.objects.get()
    question.value = question.value.replace("a", "e", 1)
    question.save(update_fields=["value"])

    page = Html(as_("reviewer").get(f"/review/{question.pk}/"))
    answer = decide(as_, "reject", reason="who is this?")

    assert page.has_text("does not match the digest of what was asked")
    assert answer.status_code == 503
    question.refresh_from_db()
    assert question.status == Interrupt.Status.PENDING


def test_an_answer_to_a_state_of_a_gone_class_needs_attention(as_, post_office):
    """The question can be read, what the workflow goes on with cannot."""
    post_office()
    start(as_)
    asked = Interrupt.objects.get()
    kept = f'{{"$t":"Interrupt","v":{{"value":{GONE},"id":"{asked.interrupt_id}"}}}}'
    text = f'[["__interrupt__",[{kept}]]]'
    rows = PendingWrite.objects.filter(slot="interrupt")
    assert rows.update(payload=text, digest=digest(text)) == 1

    decide(as_, "reject", reason="who is this?")

    run = Run.objects.latest("pk")
    assert (run.status, run.reason) == ("error", "unknown_type")
    assert "post.Letter" in run.error
