"""The list of runs, and one run as a program reads it."""

import pytest

from tests.api.conftest import problem_in
from tests.api.reading import as_, asked, asks, leave_through, post
from workflows.models import AuditEntry, Run
from workflows.services import registry

__all__ = ["as_", "asked", "asks", "post"]


def make(thread, count: int = 1, **more) -> list[int]:
    return [
        Run.objects.create(
            thread=thread,
            **{"graph": thread.graph, "kind": "start", "status": "success", **more},
        ).pk
        for _ in range(count)
    ]


def ids(answer) -> list[int]:
    assert answer.status_code == 200, answer.content
    return [each["id"] for each in answer.json()["items"]]


class TestList:
    def test_the_newest_comes_first(self, program, thread):
        made = make(thread, 3)

        assert ids(program("viewer").get("/runs")) == made[::-1]

    def test_it_is_narrowed(self, program, thread):
        (failed,) = make(
            thread, status="error", error="ValueError: no", error_node="send"
        )
        (queued,) = make(thread, status="pending", queue="slow")
        one = program("viewer")

        assert ids(one.get("/runs?status=error")) == [failed]
        assert ids(one.get("/runs?failure=ValueError&node=send")) == [failed]
        assert ids(one.get("/runs?failure=KeyError")) == []
        assert ids(one.get("/runs?queue=slow")) == [queued]
        assert ids(one.get("/runs?workflow=letter")) == [queued, failed]
        assert ids(one.get("/runs?workflow=other")) == []
        for word in ("attention", "due", "lost"):
            one.get(f"/runs?status={word}").json()["items"]

    @pytest.mark.parametrize("limit", [1, 3, 7, 200])
    def test_its_pages_leave_none_out(self, program, thread, limit):
        made = make(thread, 7)

        found = leave_through(program("viewer"), "/runs", limit)

        assert [each["id"] for each in found] == made[::-1]

    @pytest.mark.parametrize(
        ("query", "place"),
        [
            ("status=done", "query.status"),
            ("cursor=x", "query.cursor"),
            ("before=3", "query.before"),
            ("node=" + "x" * 201, "query.node"),
        ],
    )
    def test_it_says_what_it_does_not_take(self, program, thread, query, place):
        body = problem_in(program("viewer").get(f"/runs?{query}"), 400, "invalid")

        assert [*body["errors"]] == [place]

    def test_those_of_hidden_workflows_are_nobodys(self, program, other_thread):
        make(other_thread)

        assert ids(program("operator").get("/runs")) == []
        assert len(ids(program("admin").get("/runs"))) == 1

    def test_more_rows_ask_no_more(self, program, thread, asks, people):
        make(thread)
        one = program("operator")
        first = asks(one, "/runs")
        make(thread, 20, created_by=people["admin"])

        assert asks(one, "/runs") == first


class TestOne:
    def test_it_has_what_it_was_given(self, program, asked):
        body = program("viewer").get(f"/runs/{asked.run_id}").json()

        assert (body["workflow"], body["kind"]) == ("post", "start")
        assert (body["status"], body["by"]) == ("interrupted", "operator")
        assert body["input"] == {"to": "Ada"}
        assert body["thread_id"] == asked.thread_id
        assert body["may_cancel"] is False

    @pytest.mark.parametrize(
        ("scopes", "operates"), [(["read"], False), (["read", "run"], True)]
    )
    def test_who_operates_sees_more_and_may_more(
        self, program, asked, scopes, operates
    ):
        Run.objects.filter(pk=asked.run_id).update(traceback="Traceback ...")

        body = program("operator", *scopes).get(f"/runs/{asked.run_id}").json()

        assert body["may_cancel"] is operates
        assert bool(body["traceback"]) is operates

    @pytest.mark.parametrize("scopes", [["read"], ["read", "secrets"]])
    def test_a_secret_of_the_input_needs_its_scope(self, program, asked, scopes):
        item = registry.get("post")
        registry._graphs["post"] = type(item)(
            **{**vars(item), "secret": frozenset({"to"})}
        )

        body = program("admin", *scopes).get(f"/runs/{asked.run_id}").json()

        sees = "secrets" in scopes
        assert body["input"] == {"to": "Ada" if sees else "•••"}
        assert AuditEntry.objects.filter(action="secret.seen").exists() is sees

    def test_it_stands_in_a_line(self, program, thread):
        (number,) = make(thread, status="pending", queue="slow")

        line = program("viewer").get(f"/runs/{number}").json()["line"]

        assert (line["queue"], line["is_known"]) == ("slow", False)

    def test_unknown_and_hidden_look_alike(self, program, other_thread):
        (hidden,) = make(other_thread)

        for number in (hidden, 999_999, 0, 2**70):
            answer = program("operator").get(f"/runs/{number}")
            body = problem_in(answer, 404, "not_found")
            assert body["detail"] == f"There is no run {number} that you may see."
        problem_in(program("operator").get("/runs/x"), 400, "invalid")

    def test_the_scope_to_read_is_asked_for(self, program, thread):
        for path in ("/runs", "/runs/1"):
            problem_in(program("operator", "run").get(path), 403, "not_allowed")
