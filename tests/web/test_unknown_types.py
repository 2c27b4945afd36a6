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


def test_an_answer_ends_as_what_needs_attention_and_runs_nothing(as_, post_office):
    post_office()
    start(as_)
    plant()

    decide(as_, "reject", reason="who is this?")

    run = Run.objects.latest("pk")
    assert (run.status, run.reason) == ("error", "unknown_type")
    assert "post.Letter" in run.error
