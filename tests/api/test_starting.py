"""Starting workflows: what is made, what a repeated key gives, what is refused."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection

from tests.api.acting import noted, told
from tests.api.conftest import problem_in
from workflows.models import AuditEntry, Run, Thread
from workflows.services import queues, registry

LETTER = {"repository": "durableweb", "limit": 2**63 + 1}
HERE = "/workflows/letter/runs"


@pytest.fixture
def one(program: Any) -> Any:
    return program("operator", "run")


class TestWhatIsMade:
    def test_it_is_the_run_and_its_thread(self, one):
        answer = one.post(HERE, {"input": LETTER, "title": "For Ada"})

        assert answer.status_code == 201, answer.content
        run = Run.objects.get()
        body = answer.json()
        assert (body["id"], body["thread_id"]) == (run.pk, run.thread_id)
        assert (body["workflow"], body["kind"], body["status"]) == (
            "letter",
            "start",
            "pending",
        )
        assert run.created_by.username == "operator"
        assert Thread.objects.get().title == "For Ada"
        assert str(2**63 + 1) in run.payload

    def test_the_audit_and_the_history_name_the_token(self, one):
        one.post(HERE, {"input": LETTER, "thread_id": "t-9"})

        run = Run.objects.get()
        assert noted("run.started")["subject"] == f"run {run.pk}"
        assert told("run", "t-9")["by"] == "operator (token a program)"

    def test_it_goes_where_it_is_told(self, one):
        queues.Queue("slow")
        registry.register(
            SimpleNamespace(name="b"), name="b", start_groups=["operator"], queue="slow"
        )
        later = {"queue": "slow", "priority": 3, "delay": 60, "dedup_key": "d"}
        limits = {"run_timeout": 5, "start_timeout": 7.5, "if_busy": "enqueue"}
        body = one.post(HERE, {"input": LETTER, **later, **limits}).json()

        run = Run.objects.get()
        assert (body["queue"], body["priority"]) == ("slow", 3)
        assert body["not_before"]
        assert (run.run_timeout, run.dedup_key) == (5, "d")
        assert (run.due_at - run.created_at).seconds in (59, 60)

    def test_an_equal_one_is_refused_while_it_has_not_ended(self, one):
        first = one.post(HERE, {"input": LETTER, "dedup_key": "d"}).json()
        answer = one.post(HERE, {"input": LETTER, "dedup_key": "d"})

        body = problem_in(answer, 409, "duplicate_run")
        assert body["thread_id"] == first["thread_id"]
        assert Run.objects.count() == 1

    def test_a_busy_thread_is_refused(self, one):
        one.post(HERE, {"input": LETTER, "thread_id": "t-9"})

        answer = one.post(HERE, {"input": LETTER, "thread_id": "t-9"})
        problem_in(answer, 409, "thread_busy")

    def test_what_looks_like_a_type_stays_data(self, one):
        typed = {"$t": "datetime", "v": "2026-01-01T00:00:00"}
        registry.register(SimpleNamespace(name="any"), name="any")
        one.post("/workflows/any/runs", {"input": typed})

        from workflows.engine import serde

        assert serde.loads(Run.objects.get().payload) == typed


class TestAKey:
    def test_it_gives_the_first_run_again(self, one):
        first = one.post(HERE, {"input": LETTER}, Idempotency_Key="k")
        again = one.post(HERE, {"input": LETTER}, Idempotency_Key="k")

        assert (first.status_code, again.status_code) == (201, 200)
        assert first.json() == again.json()
        assert Run.objects.count() == 1
        assert AuditEntry.objects.filter(action="run.started").count() == 1

    def test_with_another_input_it_is_refused(self, one):
        first = one.post(HERE, {"input": LETTER}, Idempotency_Key="k").json()
        other = one.post(HERE, {"input": LETTER | {"limit": 1}}, Idempotency_Key="k")

        assert problem_in(other, 409, "other_input")["thread_id"] == first["thread_id"]

    def test_on_another_thread_it_is_refused(self, one):
        one.post(HERE, {"input": LETTER, "thread_id": "a"}, Idempotency_Key="k")
        asked = {"input": LETTER, "thread_id": "b"}

        problem_in(one.post(HERE, asked, Idempotency_Key="k"), 409, "key_reused")
        assert Thread.objects.count() == 1

    def test_of_somebody_else_it_is_refused(self, one, program):
        one.post(HERE, {"input": LETTER}, Idempotency_Key="k")
        other = program("admin", "run").post(
            HERE, {"input": LETTER}, Idempotency_Key="k"
        )

        problem_in(other, 409, "key_reused")

    @pytest.mark.parametrize("key", ["", "x" * 201, "a\tb"])
    def test_what_is_none_is_refused(self, one, key):
        answer = one.post(HERE, {"input": LETTER}, Idempotency_Key=key)

        body = problem_in(answer, 400, "invalid")
        assert list(body["errors"]) == ["header.Idempotency-Key"]
        assert not Run.objects.exists()


class TestWhatIsRefused:
    @pytest.mark.parametrize(
        ("body", "places"),
        [
            ({"input": {"limit": 3}}, {"input.repository"}),
            ({"input": {"repository": 5}}, {"input.repository"}),
            ({"input": 5}, {"input"}),
            ({}, {"input"}),
            ({"input": LETTER, "owner": "admin"}, {"owner"}),
            ({"input": LETTER, "created_by": 1, "status": "success"}, {"created_by", "status"}),
            ({"input": LETTER, "priority": "3"}, {"priority"}),
            ({"input": LETTER, "priority": True}, {"priority"}),
            ({"input": LETTER, "priority": 10**30}, {"priority"}),
            ({"input": LETTER, "delay": -1}, {"delay"}),
            ({"input": LETTER, "delay": 1e300}, {"delay"}),
            ({"input": LETTER, "run_timeout": 0}, {"run_timeout"}),
            ({"input": LETTER, "run_timeout": 1e300}, {"run_timeout"}),
            ({"input": LETTER, "start_timeout": 1e12}, {"start_timeout"}),
            ({"input": LETTER, "if_busy": "wait"}, {"if_busy"}),
            ({"input": LETTER, "queue": "nowhere"}, {"queue"}),
            ({"input": LETTER, "thread_id": "a/b"}, {"thread_id"}),
            ({"input": LETTER, "thread_id": ""}, {"thread_id"}),
            ({"input": LETTER, "dedup_key": ""}, {"dedup_key"}),
            ({"input": LETTER, "title": None}, {"title"}),
        ],
    )  # fmt: skip
    def test_words_that_are_none(self, one, body, places):
        answer = one.post(HERE, body)

        assert set(problem_in(answer, 400, "invalid")["errors"]) == places
        assert not Run.objects.exists()
        assert not Thread.objects.exists()
        assert not AuditEntry.objects.filter(action="run.started").exists()

    @pytest.mark.parametrize("body", ["[]", "5", '"x"', "null", ""])
    def test_what_is_no_object(self, one, body):
        assert one.post(HERE, body).status_code == 400

    @pytest.mark.parametrize(
        "body", ['{"input": NaN}', '{"input": "\\u0000"}', '{"a": 1, "a": 2}', "{"]
    )
    def test_what_no_body_may_hold(self, one, body):
        problem_in(one.post(HERE, body), 400, "invalid_json")

    def test_the_id_of_a_thread_of_another_workflow(self, one, other_thread):
        answer = one.post(HERE, {"input": LETTER, "thread_id": other_thread.pk})

        assert set(problem_in(answer, 400, "invalid")["errors"]) == {"thread_id"}

    def test_a_workflow_that_is_unknown_hidden_or_not_theirs(self, one, other_thread):
        registry.register(SimpleNamespace(name="own"), name="own", hidden=True)

        found = {
            problem_in(one.post(f"/workflows/{name}/runs", {}), 404, "not_found")[
                "title"
            ]
            for name in ("nothing", "own", "payroll", "a%2500b".replace("%2500", "b"))
        }
        assert found == {"Not Found"}

    def test_somebody_who_only_looks(self, program):
        answer = program("viewer").post(HERE, {"input": LETTER})

        problem_in(answer, 403, "not_allowed")

    def test_a_token_that_only_reads(self, program):
        answer = program("operator", "read").post(HERE, {"input": LETTER})

        assert "no scope 'run'" in problem_in(answer, 403, "not_allowed")["detail"]
        assert not Run.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_two_that_send_one_key_at_once_make_one_run(program, one):
    ready = Barrier(4)

    def send() -> Any:
        try:
            ready.wait(20)
            return one.post(HERE, {"input": LETTER}, Idempotency_Key="k")
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        found = [each.result() for each in [pool.submit(send) for _ in range(4)]]

    assert sorted(each.status_code for each in found) == [200, 200, 200, 201]
    assert len({each.json()["id"] for each in found}) == 1
    assert Run.objects.count() == 1
