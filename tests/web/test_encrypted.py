"""Encrypted questions, answers and states: the pages show them to whom they may be shown."""

from __future__ import annotations

import pytest

from tests.storage.test_encryption import dump
from tests.web.conftest import Html, decision_form
from tests.web.test_whole_way import decide, post_office, start
from workflows.models import Decision, Draft, Interrupt, Run

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


def test_with_a_lost_key_nothing_is_decided_and_the_page_says_why(
    as_, post_office, settings
):
    post_office()
    start(as_)
    question = Interrupt.objects.get()
    form = decision_form(question, "edit", **{"v/text": "Dear Ada Lovelace"})
    as_("reviewer").post(f"/review/{question.pk}/draft", form)
    settings.VALUE_CIPHER = ""

    page = Html(as_("reviewer").get(f"/review/{question.pk}/"))
    assert page.has_text("This question cannot be read here")
    assert page.buttons() == {}
    answer = as_("reviewer").post(f"/review/{question.pk}/decision", form)

    assert answer.status_code == 503
    assert "Traceback" not in answer.content.decode()
    assert Html(answer).has_text(f"Question #{question.pk} cannot be read")
    assert not Decision.objects.exists()


def test_a_draft_that_does_not_decrypt_is_as_good_as_none(as_, post_office):
    post_office()
    start(as_)
    question = Interrupt.objects.get()
    form = decision_form(question, "", **{"v/text": "Dear Grace"})
    as_("reviewer").post(f"/review/{question.pk}/draft", form)
    Draft.objects.update(data="sealed:1:somewhere else")

    page = as_("reviewer").get(f"/review/{question.pk}/")

    assert page.status_code == 200
    assert Html(page).one("input", name="v/text").attributes["value"] == "Dear Ada"
