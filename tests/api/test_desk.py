"""Around a question: claims, remarks, and who should answer it, by programs."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.api.acting import demoted, noted, told
from tests.api.conftest import problem_in
from tests.api.deciding import one, question
from tests.web.conftest import ask
from workflows.models import AuditEntry, Comment, Interrupt
from workflows.storage.clock import machine_now

assert one
assert question

SOON = "2026-12-24T18:00:00+01:00"


def at(question: Interrupt, what: str) -> str:
    return f"/questions/{question.pk}/{what}"


class TestClaim:
    def test_it_is_theirs_for_a_while(self, one, question):
        body = one.post(at(question, "claim"), {"seconds": 7200}).json()

        assert (body["question"], body["claimed_by"]) == (question.pk, "reviewer")
        until = datetime.fromisoformat(body["claimed_until"])
        assert until > machine_now() + timedelta(seconds=7100)
        noted("question.claimed")
        assert told("desk", "t-1")["by"] == "reviewer (token a program)"

    def test_nobody_else_takes_it_without_saying_so(self, one, program, question):
        one.post(at(question, "claim"))
        other = program("admin", "decide")
        body = problem_in(other.post(at(question, "claim")), 409, "claimed")

        assert (body["who"], body["kind"]) == ("reviewer", "claimed")
        taken = other.post(at(question, "claim"), {"take_over": True}).json()
        assert taken["claimed_by"] == "admin"
        assert noted("question.taken_over")["from"] == "reviewer"

    @pytest.mark.parametrize(
        ("body", "place"),
        [
            ({"seconds": -1}, "seconds"),
            ({"seconds": 10**30}, "seconds"),
            ({"seconds": "5"}, "seconds"),
            ({"take_over": "yes"}, "take_over"),
            ({"person": 1}, "person"),
        ],
    )
    def test_words_that_are_none(self, one, question, body, place):
        answer = one.post(at(question, "claim"), body)

        assert set(problem_in(answer, 400, "invalid")["errors"]) == {place}
        question.refresh_from_db()
        assert question.claimed_by is None

    def test_a_closed_one_is_refused(self, one, question):
        Interrupt.objects.update(status="withdrawn")

        problem_in(one.post(at(question, "claim")), 409, "not_pending")

    def test_it_is_given_back(self, one, question):
        one.post(at(question, "claim"))
        body = one.post(at(question, "release")).json()

        assert (body["claimed_by"], body["claimed_until"]) == ("", None)
        noted("question.released")
        assert one.post(at(question, "release"), {}).status_code == 200

    def test_nobody_gives_back_what_is_not_theirs(self, one, program, question):
        program("admin", "decide").post(at(question, "claim"))

        problem_in(one.post(at(question, "release")), 403, "not_allowed")


class TestComment:
    def test_it_stands_below_the_question(self, one, question):
        answer = one.post(at(question, "comments"), {"text": " Look @admin "})

        assert answer.status_code == 201, answer.content
        comment = Comment.objects.get()
        body = answer.json()
        assert (body["number"], body["who"], body["text"]) == (
            comment.pk,
            "reviewer",
            "Look @admin",
        )
        assert [each.username for each in comment.mentioned.all()] == ["admin"]
        noted("question.commented")

    @pytest.mark.parametrize("text", ["", "  ", "x" * 5001, 5, None])
    def test_what_is_none(self, one, question, text):
        answer = one.post(at(question, "comments"), {"text": text})

        assert set(problem_in(answer, 400, "invalid")["errors"]) == {"text"}
        assert not Comment.objects.exists()

    def test_what_no_text_may_hold(self, one, question):
        answer = one.post(at(question, "comments"), '{"text": "\\ud800"}')

        problem_in(answer, 400, "invalid_json")


class TestArrange:
    def test_what_is_said_changes_and_the_rest_stays(self, one, question, people):
        Interrupt.objects.update(priority=7)
        body = {"assignee": "reviewer", "due_at": SOON}
        answer = one.post(at(question, "arrange"), body)

        assert answer.status_code == 200, answer.content
        assert answer.json() == {
            "question": question.pk,
            "assignee": "reviewer",
            "group": "",
            "snooze_until": None,
            "due_at": "2026-12-24T17:00:00Z",
            "priority": 7,
        }
        entry = noted("question.arranged")
        assert entry["assignee"] == "reviewer"
        again = one.post(at(question, "arrange"), {"assignee": None, "due_at": None})
        assert (again.json()["assignee"], again.json()["due_at"]) == ("", None)

    @pytest.mark.parametrize(
        ("body", "place"),
        [
            ({"assignee": "viewer"}, "assignee"),
            ({"assignee": "nobody"}, "assignee"),
            ({"assignee": 5}, "assignee"),
            ({"group": "nothing"}, "group"),
            ({"priority": 101}, "priority"),
            ({"priority": 1.5}, "priority"),
            ({"snooze_until": "2001-01-01T00:00:00Z"}, "snooze_until"),
            ({"snooze_until": "9999-12-31T23:59:59Z"}, "snooze_until"),
            ({"due_at": "tomorrow"}, "due_at"),
            ({"due_at": "2026-12-24T18:00:00"}, "due_at"),
            ({"due_at": "0001-01-01T00:00:00+14:00"}, "due_at"),
            ({"due_at": "0001-01-02T00:00:00Z"}, "due_at"),
            ({"due_at": "9999-12-31T23:59:59-14:00"}, "due_at"),
            ({"due_at": 1_800_000_000}, "due_at"),
            ({"status": "resolved"}, "status"),
            ({"claimed_by": 1}, "claimed_by"),
        ],
    )
    def test_words_that_are_none(self, one, question, body, place):
        before = Interrupt.objects.values().get()
        answer = one.post(at(question, "arrange"), body)

        assert set(problem_in(answer, 400, "invalid")["errors"]) == {place}
        assert Interrupt.objects.values().get() == before

    def test_a_moment_that_reminders_are_counted_from(self, one, thread):
        policy = {"remind": [60], "escalate": [{"after": 60, "priority": 1}]}
        question = ask(thread, policy=json.dumps(policy))
        for year in ("0001", "9999"):
            body = {"due_at": f"{year}-06-01T00:00:00Z"}
            problem_in(one.post(at(question, "arrange"), body), 400, "invalid")
        body = {"due_at": datetime(2030, 1, 1, tzinfo=UTC).isoformat()}
        assert one.post(at(question, "arrange"), body).status_code == 200

    def test_an_operator_arranges_with_both_scopes(self, people, question):
        body = {"priority": 5}

        both = demoted(people["operator"], "decide", "run")
        assert both.post(at(question, "arrange"), body).status_code == 200
        for scope in ("decide", "run"):
            answer = demoted(people["operator"], scope).post(
                at(question, "arrange"), body
            )
            problem_in(answer, 403, "not_allowed")


ACTS: list[tuple[str, Any]] = [
    ("claim", {}),
    ("release", {}),
    ("comments", {"text": "x"}),
    ("arrange", {"priority": 1}),
]


class TestWhoMay:
    @pytest.mark.parametrize(("what", "body"), ACTS)
    def test_unknown_and_hidden_look_alike(self, one, other_thread, what, body):
        hidden = ask(other_thread).pk
        answers = [
            problem_in(one.post(f"/questions/{n}/{what}", body), 404, "not_found")[
                "detail"
            ].replace(str(n), "N")
            for n in (hidden, hidden + 999, 10**25)
        ]

        assert len(set(answers)) == 1

    @pytest.mark.parametrize(("what", "body"), ACTS)
    def test_a_token_without_the_scope(self, people, question, what, body):
        one = demoted(people["admin"], "read", "run", "edit")
        before = AuditEntry.objects.count()

        problem_in(one.post(at(question, what), body), 403, "not_allowed")
        assert AuditEntry.objects.count() == before

    @pytest.mark.parametrize(("what", "body"), [a for a in ACTS if a[0] != "comments"])
    def test_who_only_looks(self, people, question, what, body):
        one = demoted(people["viewer"], "decide")

        problem_in(one.post(at(question, what), body), 403, "not_allowed")
