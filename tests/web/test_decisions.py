"""The list of decisions, and its files."""

import csv
import io
import json
from dataclasses import replace

import pytest
from django.contrib.auth.models import Group

from tests.web.conftest import Html, ask, decision_form
from workflows.engine import serde
from workflows.models import Decision, Policy, Thread
from workflows.services import registry

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

    # Without a row under the cursor its key takes back one's own, and nobody else's.
    own = Html(as_("reviewer").get("/decisions/"))
    everybodys = Html(as_("admin").get("/decisions/?who=all"))
    for list_, is_mine in ((own, True), (everybodys, False)):
        (undo,) = (b for b in list_.all("button") if b.text.startswith("Undo"))
        assert ("data-mine" in undo.attributes) is is_mine
        assert ("z" in undo.text.split()) is is_mine

    as_("reviewer").post(f"/decisions/{decision.pk}/undo")
    assert Html(as_("reviewer").get("/decisions/")).has_text("taken back")


def line_of(page):
    """The cells of the first row of the list."""
    cells = {e.attributes.get("data-label"): e.text for e in reversed(page.all("td"))}
    return {name: " ".join(text.split()) for name, text in cells.items()}


class TestRows:
    def test_they_say_which_fields_were_changed(self, as_, thread):
        question = ask(thread, {"title": "Send it?", "to": "Ada", "sum": 100})
        form = decision_form(question, "edit", **{"v/title": "Send it?", "v/sum": "90"})
        answer = as_("reviewer").post(
            f"/review/{question.pk}/decision", form | {"v/to": "Bob", "reason": "typo"}
        )
        assert answer.status_code in {302, 303}, answer.content

        line = line_of(Html(as_("reviewer").get("/decisions/")))

        assert "to before: Ada after: Bob" in line["Decision"]
        assert "sum before: 100 after: 90" in line["Decision"]
        assert "title before" not in line["Decision"]
        number = Decision.objects.get().pk
        page = Html(as_("reviewer").get(f"/decisions/{number}/"))
        assert page.has_text("Bob")
        [row] = [
            json.loads(text)
            for text in b"".join(as_("viewer").get("/decisions/export.json?who=all"))
            .decode()
            .splitlines()
        ]
        assert {"field": "to", "old": "Ada", "new": "Bob"} in row["changes"]

    def test_a_long_list_goes_on_on_the_page_of_the_decision(self, as_, thread):
        fields = {f"f{n}": n for n in range(6)}
        question = ask(thread, {"title": "Sure?", **fields})
        form = decision_form(question, "edit", **{"v/title": "Sure?"})
        form |= {f"v/f{n}": str(n + 10) for n in range(6)}
        as_("reviewer").post(f"/review/{question.pk}/decision", form)

        assert (
            "and 3 more"
            in line_of(Html(as_("reviewer").get("/decisions/")))["Decision"]
        )
        number = Decision.objects.get().pk
        whole = Html(as_("reviewer").get(f"/decisions/{number}/"))
        assert whole.has_text("f5")

    def test_they_tell_policy_and_way(self, as_, thread):
        Policy.objects.create(body='{"quorum": 2, "four_eyes": true, "undo": 0}')
        question = ask(thread, {"title": "Send it?", "to": "Ada"})
        for name in ("reviewer", "admin"):
            form = decision_form(question, "approve") | SHOWN
            as_(name).post(f"/review/{question.pk}/decision", form)
        # What came into force later changes nothing about what was decided before.
        Policy.objects.create(body='{"quorum": 3}', version=2)

        by = line_of(Html(as_("viewer").get("/decisions/?who=all")))["By"]

        assert by == "admin web 2 of 2 by right of an admin"
        page = Html(as_("viewer").get(f"/decisions/{Decision.objects.get().pk}/"))
        assert page.has_text("reviewer")

    def test_four_eyes_are_said_to_be_kept(self, as_, thread):
        Policy.objects.create(body='{"four_eyes": true}')
        question = ask(thread, {"title": "Send it?", "to": "Ada"})
        form = decision_form(question, "reject", reject_reason="no") | SHOWN
        as_("reviewer").post(f"/review/{question.pk}/decision", form)

        assert (
            "four eyes kept" in line_of(Html(as_("reviewer").get("/decisions/")))["By"]
        )

    def test_secrets_of_the_state_stay_masked(self, as_, people, letter):
        registry._graphs.clear()
        registry.register(letter.graph, name="letter", editable=["key"], secret=["key"])
        thread = Thread.objects.create(id="t-2", graph="letter", status="interrupted")
        question = ask(thread, {"title": "Send it?"})
        Decision.objects.create(
            interrupt=question,
            round=1,
            kind="approve",
            person=people["reviewer"],
            person_name="reviewer",
            answer=serde.dumps({"decision": "approve", "value": None, "reason": ""}),
            original=question.value,
            edits=serde.dumps({"key": "swordfish"}),
        )

        for address in ("/decisions/", f"/decisions/{Decision.objects.get().pk}/"):
            answer = as_("reviewer").get(address)
            assert b"swordfish" not in answer.content
            assert Html(answer).has_text("•••")
        body = b"".join(as_("reviewer").get("/decisions/export.json"))
        assert b"swordfish" not in body
        assert b"swordfish" in b"".join(
            as_("admin").get("/decisions/export.json?who=all")
        )


class TestWhose:
    def test_a_team_are_those_who_share_a_group(self, as_, people, decided):
        tigers = Group.objects.create(name="tigers")
        assert not Html(as_("viewer").get("/decisions/?who=team")).has_text("Send it?")
        for name in ("viewer", "reviewer"):
            people[name].groups.add(tigers)

        page = Html(as_("viewer").get("/decisions/?who=team"))

        assert page.has_text("Send it?")
        assert b"Send it?" in b"".join(
            as_("viewer").get("/decisions/export.csv?who=team")
        )
        assert not Html(as_("operator").get("/decisions/?who=team")).has_text(
            "Send it?"
        )

    def test_nor_does_a_team_show_what_one_may_not_see(self, as_, people, decided):
        people["stranger"].groups.add(*people["reviewer"].groups.all())
        registry._graphs["letter"] = replace(
            registry.get("letter"), decide_groups=frozenset(), start_groups=frozenset()
        )

        assert not Html(as_("stranger").get("/decisions/?who=team")).has_text(
            "Send it?"
        )

    def test_the_way_is_a_filter_too(self, as_, decided):
        assert Html(as_("viewer").get("/decisions/?who=all&channel=web")).has_text(
            "Send it?"
        )
        assert not Html(as_("viewer").get("/decisions/?who=all&channel=link")).has_text(
            "Send it?"
        )


class TestReopening:
    def test_whoever_may_not_start_the_workflow_is_told_who_may(self, as_, decided):
        page = Html(as_("reviewer").get(f"/decisions/{decided.pk}/"))

        assert not page.all("form", action=f"/decisions/{decided.pk}/reopen")
        answer = as_("reviewer").post(
            f"/decisions/{decided.pk}/reopen", {"reason": "x"}
        )
        assert answer.status_code == 403

    def test_a_decision_that_can_be_undone_says_so_and_keeps_the_words(
        self, as_, people, thread
    ):
        Policy.objects.create(body='{"undo": 60}')
        question = ask(thread, {"title": "Send it?", "to": "Ada"})
        form = decision_form(question, "reject") | SHOWN
        as_("reviewer").post(f"/review/{question.pk}/decision", form)
        decided = Decision.objects.get()

        answer = as_("operator").post(
            f"/decisions/{decided.pk}/reopen", {"reason": "the wrong one"}
        )

        assert answer.status_code == 409
        assert Html(answer).has_text("take it back instead")
        assert Html(answer).has_text("the wrong one")

    def test_one_that_nobody_may_see_is_not_there(self, as_, decided):
        assert as_("stranger").get(f"/decisions/{decided.pk}/").status_code == 404
        answer = as_("stranger").post(
            f"/decisions/{decided.pk}/reopen", {"reason": "x"}
        )
        assert answer.status_code == 404
