"""Encrypted questions, answers and states: the pages show them to whom they may be shown."""

from __future__ import annotations

import pytest

from tests.storage.test_encryption import dump
from tests.web.conftest import Html
from tests.web.test_whole_way import decide, post_office, start
from workflows.models import Interrupt, Run

pytestmark = [pytest.mark.rule("R10.9"), pytest.mark.django_db(transaction=True)]

__all__ = ["post_office"]


@pytest.fixture(autouse=True)
def cipher(settings):
    settings.VALUE_CIPHER = "tests.storage.ciphers.BindingCipher"


def test_from_the_form_to_the_finished_run(as_, post_office):
    post_office()
    thread = start(as_)
    question = Interrupt.objects.get()

    queue = Html(as_("reviewer").get("/queue/"))
    assert queue.one("a", href=f"/review/{question.pk}/").text == "Send the letter?"
    page = Html(as_("reviewer").get(f"/review/{question.pk}/"))
    assert page.has_text("Send the letter?")
    assert page.has_text("Dear Ada")
    assert not page.has_text("s3cret")
    assert as_("stranger").get(f"/review/{question.pk}/").status_code == 404

    assert decide(as_, "edit", **{"v/text": "Dear Ada Lovelace"}).status_code == 303

    assert Run.objects.latest("pk").status == "success"
    page = Html(as_("viewer").get(f"/threads/{thread}/"))
    assert page.has_text("Dear Ada Lovelace")
    assert "approved with changes" in page.one("ol", id="timeline").text
    stored = dump()
    for text in ("Dear Ada", "Lovelace", "s3cret", "Send the letter"):
        assert text not in stored


def test_with_a_lost_key_the_pages_still_open_and_say_so(as_, post_office, settings):
    post_office()
    thread = start(as_)
    number = Interrupt.objects.get().pk
    settings.VALUE_CIPHER = ""

    assert as_("reviewer").get("/queue/").status_code == 200
    page = as_("reviewer").get(f"/review/{number}/")
    assert page.status_code == 200
    assert "Dear Ada" not in page.content.decode()
    assert Html(as_("viewer").get(f"/threads/{thread}/")).has_text("is encrypted")
