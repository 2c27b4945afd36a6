"""The list of decisions, and one decision as a program reads it."""

from urllib.parse import quote

import pytest

from tests.api.conftest import problem_in
from tests.api.reading import as_, asked, asks, leave_through, post
from tests.web.conftest import ask, decision_form
from workflows.models import Decision

__all__ = ["as_", "asked", "asks", "post"]


@pytest.fixture
def decide(as_, thread):
    """The reviewer decides a question; `decide(kind)` gives the decision's number."""
    browser = as_("reviewer")

    def made(kind="approve", to="Ada", on=thread):
        question = ask(on, {"title": "Send it?", "to": "Ada"})
        form = decision_form(question, kind) | {"v/to": to, "reject_reason": "no"}
        browser.post(f"/review/{question.pk}/decision", form)
        return Decision.objects.get(interrupt=question).pk

    return made


def numbers(answer) -> list[int]:
    assert answer.status_code == 200, answer.content
    return [each["number"] for each in answer.json()["items"]]


class TestList:
    def test_the_newest_comes_first(self, program, decide):
        made = [decide(), decide("edit", to="Eve")]

        answer = program("viewer").get("/decisions")

        assert numbers(answer) == made[::-1]
        line = answer.json()["items"][0]
        assert (line["kind"], line["who"], line["channel"]) == (
            "edit",
            "reviewer",
            "web",
        )
        assert line["workflow"] == "letter"

    def test_it_is_narrowed(self, program, decide):
        approved, rejected = decide(), decide("reject")
        Decision.objects.filter(pk=approved).update(channel="api")
        at = Decision.objects.get(pk=rejected).created_at
        one = program("viewer")
        both = [rejected, approved]

        assert numbers(one.get("/decisions?who=mine")) == []
        assert numbers(program("reviewer").get("/decisions?who=mine")) == both
        assert numbers(one.get("/decisions?kind=reject")) == [rejected]
        assert numbers(one.get("/decisions?channel=api")) == [approved]
        assert numbers(one.get("/decisions?workflow=letter")) == both
        assert numbers(one.get("/decisions?workflow=other")) == []
        since = quote(at.isoformat())
        assert numbers(one.get(f"/decisions?since={since}")) == [rejected]
        assert numbers(one.get(f"/decisions?until={since}")) == [approved]

    @pytest.mark.parametrize("limit", [1, 2, 5, 200])
    def test_its_pages_leave_none_out(self, program, decide, limit):
        made = [decide() for _ in range(5)]

        found = leave_through(program("viewer"), "/decisions", limit)

        assert [each["number"] for each in found] == made[::-1]

    @pytest.mark.parametrize(
        ("query", "place"),
        [
            ("who=ada", "query.who"),
            ("kind=approved", "query.kind"),
            ("channel=mail", "query.channel"),
            ("since=yesterday", "query.since"),
            ("since=2026-03-31T10:00:00", "query.since"),
            ("since=0001-01-01T00:00:00%2B14:00", "query.since"),
            ("until=1", "query.until"),
            ("cursor=-", "query.cursor"),
            ("days=3", "query.days"),
        ],
    )
    def test_it_says_what_it_does_not_take(self, program, thread, query, place):
        body = problem_in(program("viewer").get(f"/decisions?{query}"), 400, "invalid")

        assert [*body["errors"]] == [place]

    def test_more_rows_ask_no_more(self, program, decide, asks):
        decide()
        one = program("reviewer", "read", "decide")
        first = asks(one, "/decisions?limit=200")
        for _ in range(20):
            decide()
        # One that changed the state takes a look at it, where it is told with the decision.
        Decision.objects.update(edits='{"text": "new"}')

        assert asks(one, "/decisions?limit=200") == first

    def test_hidden_ones_are_not_there(self, program, as_, other_thread):
        number = _of(other_thread)

        assert numbers(program("operator").get("/decisions")) == []
        assert numbers(program("admin").get("/decisions")) == [number]


class TestOne:
    def test_it_tells_what_is_known_of_it(self, program, decide, settings):
        settings.UNDO_SECONDS = 60
        number = decide("reject")

        body = program("reviewer", "read", "decide").get(f"/decisions/{number}").json()

        assert body["decision"]["number"] == number
        assert body["decision"]["kind"] == "reject"
        assert body["decision"]["before"] == body["decision"]["after"]
        assert body["decision"]["may_undo"] is True
        assert body["votes"] == []
        assert [each["what"] for each in body["audit"]] == ["decided"]
        assert len(body["audit"][0]["seal"]) == 64
        assert body["why_not_reopen"]

    def test_it_tells_what_it_changed(self, program, decide):
        number = decide("edit", to="Eve")

        body = program("viewer").get(f"/decisions/{number}").json()["decision"]

        assert (body["before"]["to"], body["after"]["to"]) == ("Ada", "Eve")

    def test_a_token_that_does_not_decide_takes_nothing_back(
        self, program, decide, settings
    ):
        settings.UNDO_SECONDS = 60
        number = decide()

        body = program("reviewer").get(f"/decisions/{number}").json()

        assert body["decision"]["may_undo"] is False

    def test_unknown_and_hidden_look_alike(self, program, other_thread):
        hidden = _of(other_thread)

        for number in (hidden, 999_999, 0, 2**70):
            answer = program("operator").get(f"/decisions/{number}")
            body = problem_in(answer, 404, "not_found")
            assert body["detail"] == f"There is no decision {number} that you may see."

    def test_the_scope_to_read_is_asked_for(self, program, thread):
        for path in ("/decisions", "/decisions/1"):
            problem_in(program("reviewer", "decide").get(path), 403, "not_allowed")


def _of(thread) -> int:
    question = ask(thread, status="decided")
    return Decision.objects.create(
        interrupt=question, round=1, kind="approve", channel="web", answer="true"
    ).pk
