"""What programs do about threads and runs: go on, wake, signal, fork, cancel."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.acting import demoted, noted, told
from tests.api.conftest import problem_in
from tests.services.posting import carried_out
from tests.web.conftest import ask
from workflows.engine.graph.state import StateGraph
from workflows.engine.signals import wait_signal
from workflows.engine.sleeping import sleep
from workflows.models import AuditEntry, Event, Run, Signal, Thread
from workflows.services import registry
from workflows.services.start_run import start_thread

NOWHERE = "t-none"


@pytest.fixture
def one(program: Any) -> Any:
    return program("operator", "run")


@pytest.fixture
def failed(thread: Thread) -> Thread:
    """A thread whose last run failed."""
    Run.objects.create(thread=thread, graph="letter", kind="start", status="error")
    Thread.objects.update(status="error")
    return thread


def shop(*nodes: Any, **started: Any) -> Thread:
    """A thread that has gone as far as it does by itself."""
    graph = StateGraph(dict).add_sequence([*nodes])
    registry.register(graph.set_entry_point(nodes[0][0]).compile(), name="shop")
    start_thread("shop", {"order": 7}, thread_id="t-7", **started)
    carried_out()
    return Thread.objects.get(pk="t-7")


class TestContinue:
    def test_a_failed_thread_goes_on(self, one, failed):
        answer = one.post(f"/threads/{failed.pk}/continue")

        assert answer.status_code == 201
        run = Run.objects.get(kind="continue")
        assert answer.json()["id"] == run.pk
        assert noted("run.continued")["subject"] == f"run {run.pk}"
        assert told("run", failed.pk)["by"] == "operator (token a program)"

    def test_where_nothing_is_to_go_on_with_it_is_refused(self, one, failed):
        Run.objects.update(status="success")

        problem_in(one.post(f"/threads/{failed.pk}/continue"), 409, "not_pending")
        assert not AuditEntry.objects.filter(action="run.continued").exists()

    def test_a_busy_one_is_refused(self, one, failed):
        one.post(f"/threads/{failed.pk}/continue")

        problem_in(one.post(f"/threads/{failed.pk}/continue"), 409, "thread_busy")

    def test_words_that_are_none(self, one, failed):
        for body in ({"if_busy": "later"}, {"checkpoint": "x"}, {"if_busy": 1}):
            answer = one.post(f"/threads/{failed.pk}/continue", body)
            problem_in(answer, 400, "invalid")
        assert Run.objects.count() == 1


class TestWake:
    def test_what_sleeps_goes_on(self, one):
        thread = shop(("nap", lambda state: {"woken": sleep(3600)}))

        answer = one.post(f"/threads/{thread.pk}/wake", {})

        assert answer.status_code == 201
        assert answer.json()["kind"] == "wake"
        assert noted("thread.woken")["subject"] == f"run {answer.json()['id']}"
        assert carried_out() == ["success"]

    def test_where_nothing_sleeps_it_is_refused(self, one, thread):
        problem_in(one.post(f"/threads/{thread.pk}/wake"), 409, "not_pending")


class TestSignals:
    def test_it_reaches_the_task_that_waits(self, one):
        thread = shop(("wait", lambda state: {"paid": wait_signal("paid")}))
        path = f"/threads/{thread.pk}/signals"

        answer = one.post(path, {"topic": "paid", "payload": {"amount": 2**63 + 1}})

        assert (answer.status_code, answer.json()) == (201, {"is_new": True})
        assert noted("signal.sent")["topic"] == "paid"
        assert told("signal", thread.pk)["by"] == "operator (token a program)"
        assert carried_out() == ["success"]

    def test_of_one_key_the_first_is_kept(self, one, thread):
        path = f"/threads/{thread.pk}/signals"
        one.post(path, {"topic": "paid", "payload": 1, "key": "k"})
        again = one.post(path, {"topic": "paid", "payload": 2, "key": "k"})

        assert (again.status_code, again.json()) == (200, {"is_new": False})
        assert Signal.objects.get().payload == "1"
        assert AuditEntry.objects.filter(action="signal.sent").count() == 1

    @pytest.mark.parametrize(
        ("body", "place"),
        [
            ({"payload": 1}, "topic"),
            ({"topic": ""}, "topic"),
            ({"topic": "x" * 1000}, "topic"),
            ({"topic": "paid", "key": "x" * 300}, "key"),
            ({"topic": "paid", "thread_id": "other"}, "thread_id"),
            ({"topic": 5}, "topic"),
        ],
    )
    def test_words_that_are_none(self, one, thread, body, place):
        answer = one.post(f"/threads/{thread.pk}/signals", body)

        assert set(problem_in(answer, 400, "invalid")["errors"]) == {place}
        assert not Signal.objects.exists()

    def test_the_place_of_what_no_body_may_hold(self, one, thread):
        body = '{"topic": "a", "payload": {"x": "\\ud800"}}'
        answer = one.post(f"/threads/{thread.pk}/signals", body)

        assert "payload" in str(problem_in(answer, 400, "invalid_json")["errors"])


class TestFork:
    def fork(self, one: Any, thread: Thread, step: int) -> Any:
        found = thread.checkpoints.get(namespace="", step=step)
        return one.post(f"/threads/{thread.pk}/fork", {"checkpoint": found.id})

    @pytest.fixture
    def thread(self, people) -> Thread:
        return shop(
            ("pick", lambda state: {"picked": 1}), ("send", lambda state: {"sent": 2})
        )

    def test_another_thread_begins_with_the_history(self, one, thread):
        answer = self.fork(one, thread, 1)

        assert answer.status_code == 201, answer.content
        made = Thread.objects.exclude(pk=thread.pk).get()
        run = Run.objects.get(thread=made)
        assert answer.json() == {"thread_id": made.pk, "run": run.pk}
        assert noted("thread.forked")["from"] == thread.pk
        assert told("fork", thread.pk)["by"] == "operator (token a program)"
        assert carried_out() == ["success"]

    def test_where_nothing_was_left_to_do_it_is_refused(self, one, thread):
        problem_in(self.fork(one, thread, 2), 409, "not_pending")
        assert Thread.objects.count() == 1

    @pytest.mark.parametrize("checkpoint", ["", "nonsense", "a\x7fb", "x" * 5000])
    def test_a_step_that_is_none(self, one, thread, checkpoint):
        answer = one.post(f"/threads/{thread.pk}/fork", {"checkpoint": checkpoint})

        problem_in(answer, 404, "not_found")

    def test_words_that_are_none(self, one, thread):
        body = {"checkpoint": thread.head, "thread_id": "mine", "created_by": 1}

        answer = one.post(f"/threads/{thread.pk}/fork", body)
        assert set(problem_in(answer, 400, "invalid")["errors"]) == {
            "thread_id",
            "created_by",
        }


class TestCancel:
    def test_what_waits_its_turn_is_over_at_once(self, one, thread):
        run = Run.objects.create(
            thread=thread, graph="letter", kind="start", status="pending"
        )
        answer = one.post(f"/runs/{run.pk}/cancel", {"reason": "a mistake"})

        assert answer.status_code == 200
        assert answer.json()["status"] == "cancelled"
        run.refresh_from_db()
        assert (run.status, run.cancel_reason) == ("cancelled", "a mistake")
        entry = noted("run.cancelled")
        assert (entry["mode"], entry["reason"]) == ("step", "a mistake")
        assert told("run", thread.pk)["by"] == "operator (token a program)"

    def test_what_is_at_work_is_asked_to_end(self, one, thread):
        run = Run.objects.create(
            thread=thread, graph="letter", kind="start", status="running", fence=1
        )
        body = one.post(f"/runs/{run.pk}/cancel", {"mode": "now"}).json()

        assert (body["status"], body["cancel_requested"]) == ("running", True)
        assert Run.objects.get().cancel_mode == "now"

    def test_what_asks_asks_no_more(self, one, thread):
        question = ask(thread)
        one.post(f"/runs/{question.run_id}/cancel")

        question.refresh_from_db()
        assert question.status == "withdrawn"

    def test_what_has_ended_is_refused(self, one, thread):
        run = Run.objects.create(
            thread=thread, graph="letter", kind="start", status="success"
        )

        body = problem_in(one.post(f"/runs/{run.pk}/cancel"), 409, "not_pending")
        assert body["kind"] == "success"

    @pytest.mark.parametrize(
        "body",
        [{"mode": "rollback"}, {"mode": "undo"}, {"reason": "x" * 1001}, {"run": 1}],
    )
    def test_words_that_are_none(self, one, thread, body):
        question = ask(thread)

        answer = one.post(f"/runs/{question.run_id}/cancel", body)
        problem_in(answer, 400, "invalid")
        question.refresh_from_db()
        assert question.status == "pending"


ACTS: list[tuple[str, Any]] = [
    ("/threads/{}/continue", {}),
    ("/threads/{}/wake", {}),
    ("/threads/{}/signals", {"topic": "a"}),
    ("/threads/{}/fork", {"checkpoint": "x"}),
    ("/threads/{}/updates", {"name": "x"}),
]


class TestWhoMay:
    @pytest.mark.parametrize(("path", "body"), ACTS)
    def test_unknown_and_hidden_threads_look_alike(self, one, other_thread, path, body):
        answers = [
            problem_in(one.post(path.format(each), body), 404, "not_found")
            for each in (NOWHERE, other_thread.pk)
        ]

        told = [each["detail"] for each in answers]
        assert told[0].replace(NOWHERE, "x") == told[1].replace(other_thread.pk, "x")

    @pytest.mark.parametrize(("path", "body"), ACTS)
    @pytest.mark.parametrize("name", ["viewer", "reviewer"])
    def test_who_does_not_operate_is_refused(self, people, failed, name, path, body):
        seq = Event.objects.count()
        answer = demoted(people[name], "run").post(path.format(failed.pk), body)

        problem_in(answer, 403, "not_allowed")
        assert Event.objects.count() == seq
        assert Run.objects.count() == 1

    @pytest.mark.parametrize(("path", "body"), ACTS)
    def test_so_is_a_token_without_the_scope(self, program, failed, path, body):
        one = program("operator", "read", "edit")

        problem_in(one.post(path.format(failed.pk), body), 403, "not_allowed")
        assert Run.objects.count() == 1

    def test_a_run_that_is_hidden_or_unknown(self, one, other_thread):
        run = Run.objects.create(
            thread=other_thread, graph="payroll", kind="start", status="pending"
        )

        for each in (run.pk, 10**9, 10**30):
            problem_in(one.post(f"/runs/{each}/cancel"), 404, "not_found")
        run.refresh_from_db()
        assert run.status == "pending"

    def test_who_does_not_operate_cancels_nothing(self, people, thread):
        question = ask(thread)
        answer = demoted(people["reviewer"], "run").post(
            f"/runs/{question.run_id}/cancel"
        )

        problem_in(answer, 403, "not_allowed")
