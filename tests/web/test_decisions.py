"""The list of decisions, and its files."""

import csv
import io
import json

import pytest

from tests.web.conftest import Html, ask, decision_form
from workflows.models import Decision, Policy

SHOWN = {"v/to": "Ada"}


@pytest.fixture
def decided(as_, thread):
    """One decision of the reviewer, with a reason that a spreadsheet would run."""
    question = ask(thread, {"title": "Send it?", "to": "Ada"})
    form = decision_form(question, "reject") | SHOWN
    form["reject_reason"] = '=HYPERLINK("http://evil.example")'
    as_("reviewer").post(f"/review/{question.pk}/decision", form)
    return Decision.objects.get()


def test_mine_and_everybodys(as_, decided):
    assert Html(as_("reviewer").get("/decisions/")).has_text("Send it?")
    assert Html(as_("viewer").get("/decisions/")).has_text("Nothing decided yet")
    page = Html(as_("viewer").get("/decisions/?who=all&workflow=letter&kind=reject"))
    assert page.has_text("Send it?")
    assert not Html(as_("viewer").get("/decisions/?who=all&kind=approve")).has_text(
        "Send it?"
    )


def test_a_stranger_sees_none(as_, decided):
    answer = as_("stranger").get("/decisions/?who=all")
    assert not Html(answer).has_text("Send it?")
    body = b"".join(as_("stranger").get("/decisions/export.csv?who=all"))
    assert b"Send it?" not in body


def test_the_csv_holds_no_formula(as_, decided):
    body = b"".join(as_("viewer").get("/decisions/export.csv?who=all")).decode()

    head, line = csv.reader(io.StringIO(body))
    row = dict(zip(head, line, strict=True))
    assert row["decision"] == "reject"
    assert row["reason"] == '\'=HYPERLINK("http://evil.example")'
    assert row["by"] == "reviewer"


def test_the_json_is_exact(as_, decided):
    body = b"".join(as_("viewer").get("/decisions/export.json?who=all")).decode()

    [row] = [json.loads(line) for line in body.splitlines()]
    assert row["reason"] == '=HYPERLINK("http://evil.example")'
    assert row["question"] == decided.interrupt_id


def test_other_formats_are_not_there(as_, decided):
    assert as_("viewer").get("/decisions/export.exe").status_code == 404


def test_pages_are_turned_by_number(as_, thread):
    for n in range(52):
        question = ask(thread, {"title": f"Q{n:02d}", "to": "Ada"})
        form = decision_form(question, "approve") | SHOWN
        as_("reviewer").post(f"/review/{question.pk}/decision", form)

    page = as_("reviewer").get("/decisions/")
    assert Html(page).has_text("Q51")
    assert not Html(page).has_text("Q00")
    more = Html(page).one("a", href=page.context["next_page"]).attributes["href"]
    assert Html(as_("reviewer").get(more)).has_text("Q00")


@pytest.mark.parametrize("query", ["before=x", "before=9" * 30, "who=%00", "kind=%00"])
def test_nonsense_in_the_address_is_no_fault(as_, decided, query):
    assert as_("viewer").get(f"/decisions/?{query}").status_code == 200


def test_undo_is_offered_while_there_is_time(as_, thread):
    Policy.objects.create(body='{"undo": 60}')
    question = ask(thread, {"title": "Send it?", "to": "Ada"})
    form = decision_form(question, "approve") | SHOWN
    as_("reviewer").post(f"/review/{question.pk}/decision", form)

    page = Html(as_("reviewer").get("/decisions/"))
    decision = Decision.objects.get()
    assert page.form(f"/decisions/{decision.pk}/undo")
    assert not Html(as_("viewer").get("/decisions/?who=all")).all(
        "form", action=f"/decisions/{decision.pk}/undo"
    )

    # Its key takes back one's own decisions, and nobody else's.
    own = Html(as_("reviewer").get("/decisions/"))
    everybodys = Html(as_("admin").get("/decisions/?who=all"))
    for list_, key in ((own, "z"), (everybodys, None)):
        (undo,) = (b for b in list_.all("button") if b.text.startswith("Undo"))
        assert undo.attributes.get("data-key") == key

    as_("reviewer").post(f"/decisions/{decision.pk}/undo")
    assert Html(as_("reviewer").get("/decisions/")).has_text("taken back")
