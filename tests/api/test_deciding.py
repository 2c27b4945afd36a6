"""Decisions of programs: what they give, what they find in their way, and who may."""

from __future__ import annotations

import json
from datetime import datetime

import pytest
from django.contrib.auth.models import Group

from tests.api.acting import demoted, noted, told
from tests.api.conftest import problem_in
from tests.api.deciding import body_of, here, one, question, ruled, untouched
from tests.web.conftest import SCHEMA, as_, ask
from workflows.engine import serde
from workflows.models import Decision, Interrupt, Run, Thread
from workflows.models.interrupt import END_OF_TIME
from workflows.storage.clock import machine_now

assert as_
assert one
assert question

ANSWER = {"repository": "durableweb", "limit": 2**63 + 1}


class TestADecision:
    def test_it_counts_and_can_be_taken_back_for_a_while(self, one, thread):
        question = ruled(thread, undo=60)
        answer = one.post(here(question), body_of(question, reason="fine"))

        assert answer.status_code == 200, answer.content
        body, made = answer.json(), Decision.objects.get()
        assert body == {
            "number": made.pk,
            "question": question.pk,
            "round": 1,
            "kind": "approve",
            "who": "reviewer",
            "reason": "fine",
            "channel": "api",
            "at": body["at"],
            "thread_id": "t-1",
            "run": made.run_id,
            "is_held": False,
            "undo_until": body["undo_until"],
        }
        assert datetime.fromisoformat(body["undo_until"]) > machine_now()
        assert body["undo_until"].endswith("Z")

    def test_audit_and_history_name_channel_and_token(self, one, question, as_):
        one.post(here(question), body_of(question))

        entry = noted("question.decided")
        assert (entry["person"], entry["kind"]) == ("reviewer", "approve")
        assert told("decision", "t-1")["by"] == "reviewer (token a program)"
        made = Decision.objects.get()
        page = as_("admin").get(f"/decisions/{made.pk}/").content.decode()
        assert "reviewer, API" in page
        assert "API with token a program (dw_" in page
        assert b"API" in as_("admin").get("/decisions/?who=all&channel=api").content
        file = as_("admin").get("/decisions/export.csv?who=all")
        assert b",api," in b"".join(file.streaming_content)

    def test_a_form_is_checked_and_keeps_its_digits(self, one, thread):
        question = ask(thread, "Which?", SCHEMA)

        wrong = one.post(here(question), body_of(question, value={"limit": 0}))
        places = set(problem_in(wrong, 400, "invalid")["errors"])
        assert places == {"value.repository", "value.limit"}
        assert untouched(question)
        right = one.post(here(question), body_of(question, value=ANSWER))
        assert right.status_code == 200, right.content
        assert serde.loads(Decision.objects.get().answer) == ANSWER

    def test_what_comes_back_keeps_its_type_and_what_is_typed_is_data(
        self, one, thread
    ):
        at = datetime.fromisoformat("2026-03-31T14:30:00+00:00")
        question = ask(thread, {"title": "When?", "at": at})
        shown = json.loads(question.value)
        other = {"$t": "datetime", "v": "2026-01-01T00:00:00"}
        answer = one.post(
            here(question), body_of(question, "edit", value={**shown, "new": other})
        )

        assert answer.status_code == 200, answer.content
        value = serde.loads(Decision.objects.get().answer)["value"]
        assert (value["at"], value["new"]) == (at, other)

    def test_each_card_gets_its_own(self, one, thread):
        calls = [{"name": name, "args": {"to": name}} for name in ("a", "b")]
        question = ask(thread, {"action_requests": calls})
        said = [
            {"kind": "approve"},
            {"kind": "edit", "value": {"to": "c"}, "reason": ""},
        ]
        answer = one.post(here(question), body_of(question, value=said))

        assert answer.status_code == 200, answer.content
        given = serde.loads(Decision.objects.get().answer)["decisions"]
        assert [each["type"] for each in given] == ["approve", "edit"]
        assert given[1]["edited_action"]["args"] == {"to": "c"}

    def test_one_is_held_for_the_others_of_its_thread(self, one, question):
        other = ask(question.thread)
        body = one.post(here(question), body_of(question, hold=True)).json()

        assert (body["is_held"], body["undo_until"]) == (True, None)
        one.post(here(other), body_of(other))
        assert Run.objects.filter(kind="resume", due_at__lt=END_OF_TIME).count() == 2

    def test_without_a_window_it_is_final_at_once(self, one, thread):
        question = ruled(thread, undo=0)

        assert one.post(here(question), body_of(question)).json()["undo_until"] is None


class TestWhatStopsIt:
    def test_somebody_was_first(self, one, program, question):
        first = one.post(here(question), body_of(question, "reject", reason="no"))
        answer = program("admin", "decide").post(here(question), body_of(question))

        body = problem_in(answer, 409, "already_decided")
        assert (body["who"], body["kind"], body["reason"]) == (
            "reviewer",
            "reject",
            "no",
        )
        assert body["when"][:19] == first.json()["at"][:19]
        assert Decision.objects.count() == 1

    @pytest.mark.parametrize("word", ["version", "round"])
    @pytest.mark.parametrize("value", [0, 2, -1, 10**30])
    def test_it_has_changed_since(self, one, question, word, value):
        answer = one.post(here(question), body_of(question) | {word: value})

        problem_in(answer, 409, "stale_question")
        assert untouched(question)

    def test_somebody_is_at_work_on_it(self, one, program, question):
        program("admin", "decide").post(f"/questions/{question.pk}/claim")
        body = problem_in(one.post(here(question), body_of(question)), 409, "claimed")

        assert (body["who"], body["kind"]) == ("admin", "claimed")
        assert body["when"]
        assert untouched(question)

    def test_the_own_hand(self, people, thread):
        """Four eyes: who started the work does not decide it."""
        people["operator"].groups.add(Group.objects.get(name="reviewer"))
        Thread.objects.update(created_by=people["operator"])
        question = ruled(thread, four_eyes=True)

        for body in (body_of(question), body_of(question, "reject")):
            answer = demoted(people["operator"], "decide").post(here(question), body)
            detail = problem_in(answer, 403, "not_allowed")["detail"]
            assert "second pair of eyes" in detail
        assert untouched(question)

    def test_it_is_withdrawn(self, one, question):
        Interrupt.objects.update(status="withdrawn", closed_at=machine_now())

        body = problem_in(
            one.post(here(question), body_of(question)), 409, "not_pending"
        )
        assert body["kind"] == "withdrawn"

    @pytest.mark.parametrize(
        ("more", "places"),
        [
            ({"kind": "maybe"}, {"kind"}),
            ({"kind": "changes"}, {"reason"}),
            ({"kind": "timeout"}, {"kind"}),
            ({"kind": "close"}, {"kind"}),
            ({"reason": "x" * 10_001}, {"reason"}),
            ({"reason": None}, {"reason"}),
            ({"version": "1"}, {"version"}),
            ({"version": 1.5}, {"version"}),
            ({"round": True}, {"round"}),
            ({"hold": 1}, {"hold"}),
            ({"person": 1, "channel": "web", "bulk": 3}, {"person", "channel", "bulk"}),
            ({"override": True, "sent": ""}, {"override", "sent"}),
            ({"edits": []}, {"edits"}),
            ({"edits": {"a": 1}, "updates": {"a": 1}}, {"updates.a"}),
        ],
    )
    def test_words_that_are_none(self, one, question, more, places):
        answer = one.post(here(question), body_of(question) | more)

        assert set(problem_in(answer, 400, "invalid")["errors"]) == places
        assert untouched(question)

    def test_words_that_are_missing(self, one, question):
        answer = one.post(here(question), {})

        found = set(problem_in(answer, 400, "invalid")["errors"])
        assert found == {"kind", "version", "round"}


class TestWhoMay:
    def test_unknown_and_hidden_look_alike(self, one, question, other_thread):
        hidden = ask(other_thread)
        answers = [
            problem_in(
                one.post(f"/questions/{each}/decision", body_of(question)),
                404,
                "not_found",
            )["detail"].replace(str(each), "N")
            for each in (hidden.pk, hidden.pk + 1000, 10**25)
        ]

        assert len(set(answers)) == 1
        assert untouched(hidden)

    @pytest.mark.parametrize("name", ["viewer", "operator"])
    def test_who_may_not_decide(self, people, question, name):
        one = demoted(people[name], "decide")

        problem_in(one.post(here(question), body_of(question)), 403, "not_allowed")
        assert untouched(question)

    def test_who_may_not_decide_is_not_told_who_has(self, one, people, question):
        one.post(here(question), body_of(question))
        other = demoted(people["operator"], "decide")

        body = problem_in(
            other.post(here(question), body_of(question)), 403, "not_allowed"
        )
        assert "who" not in body

    @pytest.mark.parametrize("scopes", [("read",), ("edit", "run", "read")])
    def test_a_token_without_the_scope(self, people, question, scopes):
        one = demoted(people["admin"], *scopes)

        problem_in(one.post(here(question), body_of(question)), 403, "not_allowed")
        assert untouched(question)

    def test_a_question_that_was_given_to_somebody_else(self, one, people, question):
        Interrupt.objects.update(assignee=people["admin"])

        body = problem_in(
            one.post(here(question), body_of(question)), 403, "not_allowed"
        )
        assert "assigned to admin" in body["detail"]

    def test_an_admin_overrides_and_that_is_noted(self, program, question):
        program("admin", "decide").post(here(question), body_of(question))

        assert noted("question.decided")["override"] is True
