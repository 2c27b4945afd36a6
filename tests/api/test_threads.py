"""The list of threads, and one thread as a program reads it."""

from datetime import timedelta
from urllib.parse import quote

import pytest

from tests.api.conftest import problem_in
from tests.api.reading import as_, asked, asks, leave_through, post
from tests.web.conftest import ask
from workflows.models import Awaited, Child, Run, Signal, Thread, ThreadAttribute
from workflows.services.access import ROLES
from workflows.storage.clock import machine_now

__all__ = ["as_", "asked", "asks", "post"]


def ids(answer) -> list[str]:
    return [each["id"] for each in answer.json()["items"]]


def make(count: int, **more) -> list[str]:
    names = [f"n-{number}" for number in range(count)]
    for name in names:
        Thread.objects.create(id=name, **{"graph": "letter", **more})
    return names


class TestList:
    def test_what_changed_last_comes_first(self, program, thread):
        make(2)

        assert ids(program("viewer").get("/threads")) == ["n-1", "n-0", "t-1"]

    def test_a_line_tells_how_a_thread_stands(self, program, thread):
        ask(thread)
        Thread.objects.filter(pk="t-1").update(
            status="waiting", wake_at=machine_now() - timedelta(hours=1)
        )
        Awaited.objects.create(thread=thread, wait="w", kind="signal", topic="paid")

        (line,) = program("viewer").get("/threads").json()["items"]

        assert line["workflow"] == "letter"
        assert line["title"] == "First letter"
        assert (line["status"], line["questions"]) == ("waiting", 1)
        assert ids(program("viewer").get("/threads?status=late")) == ["t-1"]
        assert line["awaits"] == [{"kind": "signal", "name": "paid", "key": ""}]
        assert line["is_late"] is True
        assert line["changed_at"].endswith("Z")

    def test_one_at_rest_tells_how_its_last_run_ended(self, program, thread):
        Run.objects.create(thread=thread, graph="letter", kind="start", status="error")
        Thread.objects.update(status="idle")

        (line,) = program("viewer").get("/threads").json()["items"]

        assert (line["status"], line["outcome"]) == ("idle", "error")

    def test_it_is_narrowed(self, program, thread):
        make(2, status="error")
        ThreadAttribute.objects.create(
            thread=thread, name="amount", kind="int", number=120.0
        )
        one = program("viewer")

        assert ids(one.get("/threads?status=interrupted")) == ["t-1"]
        assert len(ids(one.get("/threads?workflow=letter&status=error"))) == 2
        assert ids(one.get("/threads?where=" + quote("amount > 100"))) == ["t-1"]
        assert ids(one.get("/threads?workflow=other")) == []

    @pytest.mark.parametrize("limit", [1, 2, 3, 7, 200])
    def test_its_pages_leave_nobody_out(self, program, thread, limit):
        names = make(7)
        Thread.objects.update(updated_at=machine_now())

        found = leave_through(program("viewer"), "/threads", limit)

        assert sorted(each["id"] for each in found) == sorted([*names, "t-1"])

    @pytest.mark.parametrize(
        ("query", "place"),
        [
            ("status=asleep", "query.status"),
            ("limit=0", "query.limit"),
            ("limit=201", "query.limit"),
            ("limit=ten", "query.limit"),
            ("cursor=nonsense", "query.cursor"),
            ("cursor=%21", "query.cursor"),
            ("cursor=MTI", "query.cursor"),
            ("where=" + quote("amount >"), "query.where"),
            ("where=" + quote("amont = 1"), "query.where"),
            ("where=%20", "query.where"),
            ("where=a%00", "query.where"),
            ("stauts=idle", "query.stauts"),
        ],
    )
    def test_it_says_what_it_does_not_take(self, program, thread, query, place):
        body = problem_in(program("viewer").get(f"/threads?{query}"), 400, "invalid")

        assert [*body["errors"]] == [place]

    def test_the_place_in_a_where_is_told(self, program, thread):
        answer = program("viewer").get("/threads?where=" + quote("amount > x"))

        assert "at character 10" in problem_in(answer, 400, "invalid")["detail"]

    def test_those_of_hidden_workflows_are_nobodys(self, program, thread, other_thread):
        for role in ROLES:
            seen = ids(program(role).get("/threads"))
            assert ("t-secret" in seen) == (role == "admin")

    def test_more_rows_ask_no_more(self, program, thread, asks):
        one = program("operator")
        first = asks(one, "/threads")
        for name in make(20, status="waiting"):
            ask(Thread.objects.get(pk=name))

        # Of threads that wait it is asked for what, once for all of them.
        assert asks(one, "/threads") <= first + 1


class TestOne:
    def test_it_tells_what_the_page_has(self, program, asked):
        thread = asked.thread
        Signal.objects.create(thread_id=thread.pk, topic="paid", payload='{"sum": 3}')
        Child.objects.create(thread_id=thread.pk, child_id="elsewhere")
        ThreadAttribute.objects.create(
            thread=thread, name="customer", kind="text", text="c7", key="c7"
        )

        body = program("viewer").get(f"/threads/{thread.pk}").json()

        assert (body["workflow"], body["status"]) == ("post", "interrupted")
        assert body["checkpoint"] == thread.head
        assert [run["status"] for run in body["runs"]] == ["interrupted"]
        assert [each["number"] for each in body["questions"]] == [asked.pk]
        assert body["questions"][0]["title"] == "Send the letter?"
        assert body["attributes"] == {"customer": "c7"}
        assert (body["signals"][0]["topic"], body["signals_count"]) == ("paid", 1)
        assert body["family"]["children"][0]["id"] == "elsewhere"
        assert body["sleep"] is None
        assert "state" not in body

    @pytest.mark.parametrize(
        ("who", "scopes", "may"),
        [
            ("viewer", ["read"], set()),
            ("operator", ["read"], set()),
            ("reviewer", ["read"], set()),
            ("reviewer", ["read", "edit"], {"may_edit"}),
            ("operator", ["read", "run"], {"may_signal"}),
            ("operator", ["read", "edit"], {"may_edit"}),
        ],
    )
    def test_what_one_may_is_cut_by_the_token(self, program, asked, who, scopes, may):
        body = program(who, *scopes).get(f"/threads/{asked.thread_id}").json()

        assert {k for k, v in body.items() if k.startswith("may_") and v} == may

    def test_it_tells_what_sleeps(self, program, thread):
        until = machine_now() + timedelta(hours=1)
        Thread.objects.filter(pk="t-1").update(status="waiting", wake_at=until)

        sleep = program("viewer").get("/threads/t-1").json()["sleep"]

        assert sleep["until"].startswith(f"{until:%Y-%m-%dT%H:%M}")
        assert sleep["is_all"] is True

    def test_any_id_stands_in_an_address(self, program, letter):
        for name in ("customers/7", "50%", "a b", "ü", "..", "a?b#c"):
            Thread.objects.create(id=name, graph="letter")
            path = quote(quote(name, safe=""), safe="").replace(".", "%252E")
            answer = program("viewer").get(f"/threads/{path}")
            assert answer.json()["id"] == name

    def test_unknown_and_hidden_look_alike(self, program, other_thread):
        one = program("operator")

        hidden = problem_in(one.get("/threads/t-secret"), 404, "not_found")
        unknown = problem_in(one.get("/threads/t-nobody"), 404, "not_found")
        assert hidden["detail"].replace("t-secret", "t-nobody") == unknown["detail"]

    def test_it_asks_for_the_scope_to_read(self, program, thread):
        problem_in(program("operator", "run").get("/threads/t-1"), 403, "not_allowed")
        problem_in(program("operator", "run").get("/threads"), 403, "not_allowed")
        problem_in(program(None).get("/threads/t-1"), 401, "unauthorized")

    def test_more_runs_ask_no_more(self, program, thread, asks):
        ask(thread)
        one = program("operator")
        first = asks(one, "/threads/t-1")
        for _ in range(20):
            ask(thread)

        assert asks(one, "/threads/t-1") <= first
