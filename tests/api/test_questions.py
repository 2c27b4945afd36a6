"""The queue of open questions, and one question as a program reads it."""

import json
from datetime import timedelta
from urllib.parse import quote

import pytest

from tests.api.conftest import problem_in
from tests.api.reading import as_, asked, asks, leave_through, post
from tests.web.conftest import ask, decision_form
from workflows.models import (
    AuditEntry,
    Comment,
    Interrupt,
    Policy,
    QuestionField,
    Thread,
)
from workflows.storage.clock import machine_now

__all__ = ["as_", "asked", "asks", "post"]


def numbers(answer) -> list[int]:
    assert answer.status_code == 200, answer.content
    return [each["number"] for each in answer.json()["items"]]


class TestQueue:
    def test_the_longest_waiting_comes_first(self, program, thread):
        made = [ask(thread, f"Send letter {number}?").pk for number in range(3)]

        answer = program("viewer").get("/questions")

        assert numbers(answer) == made
        line = answer.json()["items"][0]
        assert line["title"] == "Send letter 0?"
        assert (line["workflow"], line["status"]) == ("letter", "pending")
        assert (line["version"], line["round"]) == (1, 1)
        assert line["refusal"] == ""

    def test_it_is_narrowed(self, program, thread, people):
        plain = ask(thread, "Send the letter?")
        bill = ask(
            thread,
            "Pay the bill?",
            node="pay",
            assignee=people["reviewer"],
            due_at=machine_now() - timedelta(hours=1),
            due_order=machine_now() - timedelta(hours=1),
            priority=5,
        )
        QuestionField.objects.create(
            interrupt=bill, source="payload", name="amount", text="700", number=700.0
        )
        later = ask(thread, "Later?", snoozed_until=machine_now() + timedelta(hours=1))
        one = program("reviewer")

        assert numbers(one.get("/questions?node=pay")) == [bill.pk]
        assert numbers(one.get("/questions?q=letter")) == [plain.pk]
        assert numbers(one.get("/questions?who=me")) == [bill.pk]
        assert numbers(one.get("/questions?who=nobody")) == [plain.pk]
        assert numbers(one.get("/questions?who=@reviewer")) == [bill.pk]
        assert numbers(one.get("/questions?due=overdue")) == [bill.pk]
        assert numbers(one.get("/questions?put_off=true")) == [later.pk]
        assert numbers(one.get("/questions?age=3600")) == []
        assert numbers(one.get("/questions?workflow=other")) == []
        assert numbers(one.get("/questions?sort=priority")) == [bill.pk, plain.pk]
        more = "/questions?field=" + quote("payload.amount > 500")
        assert numbers(one.get(more)) == [bill.pk]
        more += "&field=" + quote("payload.amount < 600")
        assert numbers(one.get(more)) == []

    @pytest.mark.parametrize("sort", ["age", "due", "priority"])
    @pytest.mark.parametrize("limit", [1, 3, 200])
    def test_its_pages_leave_none_out(self, program, thread, sort, limit):
        made = {ask(thread, f"{n}?", priority=n % 2).pk for n in range(7)}
        one = program("viewer")

        found = leave_through(one, f"/questions?sort={sort}", limit)

        assert {each["number"] for each in found} == made
        assert len(found) == 7

    @pytest.mark.parametrize(
        ("query", "place"),
        [
            ("sort=name", "query.sort"),
            ("due=soonest", "query.due"),
            ("who=ada", "query.who"),
            ("who=@", "query.who"),
            ("age=-1", "query.age"),
            ("field=amount", "query.field"),
            ("field=" + quote("payload.amount > much"), "query.field"),
            ("put_off=perhaps", "query.put_off"),
            ("cursor=MTIz", "query.cursor"),
            ("status=decided", "query.status"),
            ("q=%00", "query.q"),
        ],
    )
    def test_it_says_what_it_does_not_take(self, program, thread, query, place):
        body = problem_in(program("viewer").get(f"/questions?{query}"), 400, "invalid")

        assert [*body["errors"]] == [place]

    def test_a_cursor_of_another_order_is_none(self, program, thread):
        for number in range(3):
            ask(thread, f"{number}?")
        one = program("viewer")
        cursor = one.get("/questions?limit=1").json()["next"]

        answer = one.get(f"/questions?limit=1&sort=due&cursor={cursor}")

        problem_in(answer, 400, "invalid")

    def test_hidden_ones_are_not_there(self, program, other_thread):
        hidden = ask(other_thread)

        assert numbers(program("operator").get("/questions")) == []
        assert numbers(program("admin").get("/questions")) == [hidden.pk]

    @pytest.mark.parametrize(
        ("who", "scopes", "may"),
        [
            ("reviewer", ["read"], False),
            ("reviewer", ["read", "decide"], True),
            ("viewer", ["read"], False),
        ],
    )
    def test_who_may_decide_is_cut_by_the_token(
        self, program, thread, who, scopes, may
    ):
        ask(thread)

        (line,) = program(who, *scopes).get("/questions").json()["items"]

        assert line["may_decide"] is may

    @pytest.mark.parametrize("policy", [{}, {"four_eyes": True, "quorum": 2}])
    def test_more_rows_ask_no_more(self, program, thread, asks, people, policy):
        if policy:
            Policy.objects.create(body=json.dumps(policy))
        ask(thread)
        one = program("reviewer", "read", "decide")
        first = asks(one, "/questions?limit=200")
        for number in range(20):
            other = Thread.objects.create(id=f"n-{number}", graph="letter")
            ask(other, f"{number}?", assignee=people["reviewer"])

        assert asks(one, "/questions?limit=200") == first


class TestOne:
    def test_it_has_what_a_decision_needs(self, program, asked):
        Comment.objects.create(interrupt=asked, person_name="Ada", text="Hm.")

        body = (
            program("reviewer", "read", "decide").get(f"/questions/{asked.pk}").json()
        )

        assert (body["title"], body["status"]) == ("Send the letter?", "pending")
        assert body["payload"]["text"] == "Dear Ada"
        assert "approve" in body["kinds"]
        assert (body["version"], body["round"]) == (1, 1)
        assert body["checkpoint"] == asked.thread.head
        assert (body["may_decide"], body["why_not"]) == (True, "")
        assert body["state"]["next"] == ["review"]
        assert [each["text"] for each in body["comments"]] == ["Hm."]
        assert body["claim"] is None
        assert body["needed"] == 1

    def test_a_schema_and_its_shape(self, program, thread):
        schema = {"type": "object", "properties": {"note": {"type": "string"}}}
        question = ask(thread, {"title": "Note?"}, schema)

        body = program("viewer").get(f"/questions/{question.pk}").json()

        assert body["shape"] == "schema"
        assert body["response_schema"] == schema

    def test_calls_are_cards(self, program, thread):
        calls = [{"name": name, "args": {"to": "Ada"}} for name in ("send", "file")]
        question = ask(
            thread,
            {
                "action_requests": calls,
                "review_configs": [
                    {"action_name": each["name"], "allowed_decisions": ["approve"]}
                    for each in calls
                ],
            },
        )

        body = program("viewer").get(f"/questions/{question.pk}").json()

        assert body["has_cards"] is True
        assert [each["name"] for each in body["cards"]] == ["send", "file"]

    def test_one_that_cannot_be_read_says_so(self, program, thread):
        question = ask(thread, "x", title="x")
        Interrupt.objects.update(value='{"title": "\\ud800"')

        body = program("viewer").get(f"/questions/{question.pk}").json()

        assert body["problem"]
        assert body["payload"] is None

    def test_one_that_was_decided_tells_how(self, program, as_, asked, settings):
        settings.UNDO_SECONDS = 60
        form = decision_form(asked, "reject", reject_reason="too long")
        as_("reviewer").post(f"/review/{asked.pk}/decision", form)

        body = (
            program("reviewer", "read", "decide").get(f"/questions/{asked.pk}").json()
        )

        assert body["status"] != "pending"
        assert body["may_decide"] is False
        assert (body["decision"]["kind"], body["decision"]["reason"]) == (
            "reject",
            "too long",
        )
        assert body["may_undo"] is True
        alone = program("reviewer").get(f"/questions/{asked.pk}").json()
        assert alone["may_undo"] is False

    @pytest.mark.parametrize("scopes", [["read"], ["read", "secrets"]])
    def test_secrets_of_the_state_need_their_scope(self, program, asked, scopes):
        body = program("admin", *scopes).get(f"/questions/{asked.pk}").json()

        value = {each["name"]: each["value"] for each in body["state"]["fields"]}
        sees = "secrets" in scopes
        assert value["key"] == ("s3cret" if sees else None)
        assert AuditEntry.objects.filter(action="secret.seen").exists() is sees

    @pytest.mark.parametrize(
        ("scopes", "may"),
        [
            (["read"], set()),
            (["read", "decide"], {"may_decide", "may_arrange"}),
            (["read", "edit"], {"may_edit"}),
        ],
    )
    def test_what_one_may_is_cut_by_the_token(self, program, asked, scopes, may):
        body = program("reviewer", *scopes).get(f"/questions/{asked.pk}").json()

        assert {k for k, v in body.items() if k.startswith("may_") and v} == may
        assert bool(body["why_not"]) is ("decide" not in scopes)

    def test_unknown_and_hidden_look_alike(self, program, other_thread):
        hidden = ask(other_thread).pk

        for number in (hidden, 999_999, 0, 2**70):
            answer = program("operator").get(f"/questions/{number}")
            body = problem_in(answer, 404, "not_found")
            assert body["detail"] == f"There is no question {number} that you may see."

    def test_the_scope_to_read_is_asked_for(self, program, asked):
        for path in ("/questions", f"/questions/{asked.pk}"):
            answer = program("reviewer", "decide").get(path)
            problem_in(answer, 403, "not_allowed")
