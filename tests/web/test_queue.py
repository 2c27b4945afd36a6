"""The queue: what waits, for whom, in which order."""

from urllib.parse import parse_qs, urlsplit

import pytest
from django.db.models.functions import Now

from tests.web.conftest import Html, ask
from workflows.models import Interrupt
from workflows.services.desk.arranging import note_fields


def test_open_questions_are_listed_oldest_first(as_, thread):
    first, second = ask(thread, "Send it?"), ask(thread, "Print it?")

    page = Html(as_("reviewer").get("/queue/"))

    rows = [
        e.attributes["id"]
        for e in page.all("li", **{"class": "q-row"})
        if "id" in e.attributes
    ]
    assert rows == [f"item-{first.pk}", f"item-{second.pk}"]
    assert page.one("a", href=f"/review/{first.pk}/").text == "Send it?"
    assert "2 open questions" in page.text()


def test_the_rows_stand_where_the_live_part_puts_new_ones(as_, thread):
    ask(thread)

    page = Html(as_("viewer").get("/queue/"))

    assert page.one("ul", id="queue-rows")
    assert page.one("button", id="queue-new").attributes.get("hidden") == ""


def test_questions_that_are_decided_do_not_wait(as_, thread):
    ask(thread, status="decided")

    assert "Nothing waits for you" in Html(as_("reviewer").get("/queue/")).text()


def test_it_can_be_narrowed_to_one_workflow(as_, thread, other_thread):
    mine, other = ask(thread), ask(other_thread)

    page = Html(as_("admin").get("/queue/?workflow=payroll"))

    assert page.all("li", id=f"item-{other.pk}")
    assert not page.all("li", id=f"item-{mine.pk}")


def test_what_one_may_not_see_is_not_listed(as_, thread, other_thread):
    ask(other_thread)

    assert Html(as_("reviewer").get("/queue/")).all("li", **{"class": "q-row"}) == []


def test_a_long_queue_has_pages(as_, thread):
    questions = [ask(thread, f"Question {n}") for n in range(51)]

    client = as_("reviewer")
    first = Html(client.get("/queue/"))
    link = next(e for e in first.all("a") if e.text == "Show newer questions")
    second = Html(client.get(link.attributes["href"]))

    assert len(first.all("li", **{"class": "q-row"})) == 50
    assert second.all("li", id=f"item-{questions[-1].pk}")
    assert not second.all("li", id=f"item-{questions[0].pk}")


def test_questions_of_one_instant_fill_pages_without_loss(as_, thread):
    """A step that fans out asks them all in one statement."""
    questions = [ask(thread, f"Question {n}") for n in range(101)]
    Interrupt.objects.update(asked_at=Now())
    client = as_("reviewer")

    seen = []
    address = "/queue/"
    while address:
        page = Html(client.get(address))
        seen += [
            e.attributes["id"]
            for e in page.all("li", **{"class": "q-row"})
            if "id" in e.attributes
        ]
        links = [e for e in page.all("a") if e.text == "Show newer questions"]
        address = links[0].attributes["href"] if links else ""

    assert seen == [f"item-{question.pk}" for question in questions]


@pytest.mark.parametrize(
    "query", ["?after=x", "?after=2026-01-01,", "?workflow=%00", "?workflow=none"]
)
def test_nonsense_in_the_address_does_no_harm(as_, thread, query):
    ask(thread)

    assert as_("reviewer").get(f"/queue/{query}").status_code == 200


def test_titles_cannot_hide_what_they_say(as_, thread):
    ask(thread, {"title": "pay \u202e001$ <b onclick=x>now</b>"})

    response = as_("reviewer").get("/queue/")

    assert b"RLO" in response.content
    assert b"<b onclick" not in response.content


class TestFieldFilter:
    """A filter on a field is chosen part by part; the address holds it as one text."""

    @pytest.fixture
    def asked(self, thread):
        found = [ask(thread, {"title": "Pay?", "amount": n}) for n in (5, 500)]
        for each in found:
            note_fields(each)
        return found

    def test_its_parts_become_one_filter(self, as_, asked):
        parts = {"f_of": "payload", "f_name": "amount", "f_is": ">", "f_value": "100"}
        query = {"sort": "age", "f": "payload.title ~ pay", **parts}

        answer = as_("reviewer").get("/queue/", query, follow=True)

        page = Html(answer)
        assert dict(parse_qs(urlsplit(answer.redirect_chain[0][0]).query)) == {
            "sort": ["age"],
            "f": ["payload.title ~ pay", "payload.amount > 100"],
        }
        assert not page.all("li", id=f"item-{asked[0].pk}")
        assert page.all("li", id=f"item-{asked[1].pk}")
        chips = page.one("ul", **{"class": "chips"}).text
        assert "amount more than 100" in chips
        assert "title contains pay" in chips

    def test_without_a_name_there_is_none(self, as_, asked):
        query = {"sort": "age", "f_of": "state", "f_name": " ", "f_is": "="}

        answer = as_("reviewer").get("/queue/", query)

        assert answer.status_code == 302
        assert answer["Location"] == "/queue/?sort=age"

    def test_the_fields_of_the_list_are_offered(self, as_, asked):
        page = Html(as_("reviewer").get("/queue/?sort=age"))

        assert page.all("datalist", id="queue-field-names")
        assert page.all("option", value="amount")
        assert page.all("option", value="title")

    def test_what_says_nothing_comes_back_to_be_mended(self, as_, asked):
        page = Html(as_("reviewer").get("/queue/?f=payload.amount > much"))

        problem = page.one("p", id="queue-field-problem").text
        assert "amount: “more than” compares numbers, and 'much' is none" in problem
        assert page.one("input", id="queue-field-name").attributes["value"] == "amount"
        assert page.one("input", id="queue-field-value").attributes["value"] == "much"
        assert page.all("li", id=f"item-{asked[0].pk}")
