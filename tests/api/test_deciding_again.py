"""Decisions that are sent again, that several people make, that are taken back or sent at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from django.db import connection

from tests.api.acting import noted, told
from tests.api.conftest import problem_in
from tests.api.deciding import body_of, here, one, question, ruled, untouched
from tests.web.conftest import ask
from workflows.models import AuditEntry, Decision, Interrupt, Run, Thread, Vote
from workflows.storage.clock import machine_now

assert one
assert question


class TestAKey:
    def test_it_gives_the_first_answer_again(self, one, question):
        sent = body_of(question, reason="fine")
        found = [one.post(here(question), sent, Idempotency_Key="k") for _ in range(3)]

        assert [each.status_code for each in found] == [200, 200, 200]
        assert len({each.content for each in found}) == 1
        assert Decision.objects.count() == 1
        assert AuditEntry.objects.filter(action="question.decided").count() == 1

    @pytest.mark.parametrize(
        "more", [{"kind": "reject"}, {"reason": "no"}, {"value": 5}, {"round": 2}]
    )
    def test_with_other_content_it_is_refused(self, one, question, more):
        one.post(here(question), body_of(question), Idempotency_Key="k")
        answer = one.post(here(question), body_of(question) | more, Idempotency_Key="k")

        problem_in(answer, 409, "key_reused")
        assert Decision.objects.count() == 1

    def test_of_another_question_it_is_refused(self, one, question):
        other = ask(question.thread)
        one.post(here(question), body_of(question), Idempotency_Key="k")

        answer = one.post(here(other), body_of(other), Idempotency_Key="k")
        problem_in(answer, 409, "key_reused")
        other.refresh_from_db()
        assert other.status == "pending"

    def test_of_somebody_else_it_is_late(self, one, program, question):
        sent = body_of(question)
        one.post(here(question), sent, Idempotency_Key="k")
        other = program("admin", "decide")

        answer = other.post(here(question), sent, Idempotency_Key="k")
        problem_in(answer, 409, "already_decided")

    def test_after_it_was_taken_back_it_decides_nothing_more(self, one, question):
        sent = body_of(question)
        first = one.post(here(question), sent, Idempotency_Key="k").json()
        one.post(f"/decisions/{first['number']}/undo")

        again = one.post(here(question), sent, Idempotency_Key="k")
        assert again.json()["number"] == first["number"]
        question.refresh_from_db()
        anew = body_of(question)
        answer = one.post(here(question), anew, Idempotency_Key="k")
        problem_in(answer, 409, "key_reused")
        assert Decision.objects.count() == 1
        assert question.status == "pending"

    @pytest.mark.parametrize("key", ["", "x" * 201, "a\tb"])
    def test_what_is_none_is_refused(self, one, question, key):
        answer = one.post(here(question), body_of(question), Idempotency_Key=key)

        body = problem_in(answer, 400, "invalid")
        assert list(body["errors"]) == ["header.Idempotency-Key"]
        assert untouched(question)


class TestAQuorum:
    @pytest.fixture
    def question(self, thread: Thread) -> Interrupt:
        return ruled(thread, quorum=2)

    def test_the_first_waits_and_the_last_decides(self, one, program, question):
        first = one.post(here(question), body_of(question))

        assert first.status_code == 202, first.content
        assert (first.json()["votes"], first.json()["needed"]) == (1, 2)
        assert first.json()["who"] == "reviewer"
        entry = noted("question.voted")
        assert (entry["votes"], entry["needed"]) == (1, 2)
        assert told("decision", "t-1")["by"] == "reviewer (token a program)"
        last = program("admin", "decide").post(here(question), body_of(question))
        assert last.status_code == 200
        assert Decision.objects.get().person.username == "admin"

    def test_nobody_votes_twice(self, one, question):
        one.post(here(question), body_of(question))

        body = problem_in(
            one.post(here(question), body_of(question)), 409, "already_voted"
        )
        assert body["who"] == "reviewer"
        assert Vote.objects.count() == 1

    def test_another_answer_is_refused(self, one, program, question):
        one.post(here(question), body_of(question))
        other = program("admin", "decide")

        answer = other.post(here(question), body_of(question, "edit", value="Other"))
        problem_in(answer, 409, "votes_differ")

    def test_a_key_gives_the_vote_again_also_when_others_have_decided(
        self, one, program, question
    ):
        sent = body_of(question)
        first = one.post(here(question), sent, Idempotency_Key="k")
        again = one.post(here(question), sent, Idempotency_Key="k")
        program("admin", "decide").post(here(question), sent)
        late = one.post(here(question), sent, Idempotency_Key="k")

        assert [each.status_code for each in (first, again, late)] == [202] * 3
        assert first.json() == again.json() == late.json()
        other = one.post(
            here(question), body_of(question, "reject"), Idempotency_Key="k"
        )
        problem_in(other, 409, "already_decided")

    def test_one_no_is_enough(self, one, question):
        assert one.post(here(question), body_of(question, "reject")).status_code == 200


class TestUndo:
    def undo(self, one: Any, number: int) -> Any:
        return one.post(f"/decisions/{number}/undo")

    def test_the_question_waits_again(self, one, question):
        made = one.post(here(question), body_of(question)).json()["number"]
        answer = self.undo(one, made)

        assert answer.status_code == 200, answer.content
        question.refresh_from_db()
        assert answer.json() == {
            "question": question.pk,
            "version": question.version,
            "round": 2,
            "status": "pending",
        }
        assert noted("decision.undone")["decision"] == made
        assert told("decision", "t-1")["by"] == "reviewer (token a program)"

    def test_it_is_too_late(self, one, question):
        made = one.post(here(question), body_of(question)).json()
        Run.objects.filter(pk=made["run"]).update(
            status="running", fence=1, started_at=machine_now()
        )

        body = problem_in(self.undo(one, made["number"]), 409, "too_late")
        assert body["when"]
        assert not AuditEntry.objects.filter(action="decision.undone").exists()

    def test_twice_is_too_late(self, one, question):
        made = one.post(here(question), body_of(question)).json()["number"]
        self.undo(one, made)

        problem_in(self.undo(one, made), 409, "too_late")

    def test_nobody_takes_back_what_somebody_else_decided(
        self, one, people, program, question
    ):
        made = program("admin", "decide").post(here(question), body_of(question)).json()

        problem_in(self.undo(one, made["number"]), 403, "not_allowed")

    def test_after_the_window(self, one, question):
        made = one.post(here(question), body_of(question)).json()
        Run.objects.filter(pk=made["run"]).update(due_at=machine_now() - timedelta(1))

        assert self.undo(one, made["number"]).status_code == 200


@pytest.mark.django_db(transaction=True)
class TestAtOnce:
    def sent(self, senders: list[Any], question: Interrupt, **headers: str) -> Any:
        ready = Barrier(len(senders))

        def send(one: Any) -> Any:
            try:
                ready.wait(20)
                return one.post(here(question), body_of(question), **headers)
            finally:
                connection.close()

        with ThreadPoolExecutor(len(senders)) as pool:
            return list(pool.map(send, senders))

    def test_one_key_makes_one_decision(self, one, question):
        found = self.sent([one] * 4, question, Idempotency_Key="k")

        assert [each.status_code for each in found] == [200] * 4, found[0].content
        assert len({each.content for each in found}) == 1
        assert Decision.objects.count() == 1
        assert AuditEntry.objects.filter(action="question.decided").count() == 1
        assert Run.objects.filter(kind="resume").count() == 1

    def test_of_several_people_one_is_first(self, one, program, question):
        others = [program("admin", "decide") for _ in range(3)]
        found = self.sent([one, *others], question)

        statuses = sorted(each.status_code for each in found)
        assert statuses == [200, 409, 409, 409]
        [won] = [each.json() for each in found if each.status_code == 200]
        for each in found:
            if each.status_code == 409:
                body = problem_in(each, 409, "already_decided")
                assert (body["who"], body["kind"]) == (won["who"], "approve")
                assert body["when"]
        assert Decision.objects.count() == 1
