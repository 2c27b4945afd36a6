"""What somebody would try who holds a token, case by case.

| case | shown by |
| --- | --- |
| foreign inner ids: question, checkpoint, decision, run, key | `TestForeignInnerIds` |
| mass assignment | `TestMassAssignment`, "words that are none" in each room |
| a token of a viewer, of somebody inactive, of a role that is lost | `TestOwners` |
| a token with fewer scopes than its owner has rights | `TestScopes` |
| JSON bombs, other types of content, methods | `TestBodies` |
| secrets in answers and refusals | `TestSecrets` |
| the queue of a workflow that is hidden | `TestQueues` |
| several answers to one question at once | `test_deciding_again.py: TestAtOnce` |
| edits that move on what was read | `test_editing.py`, `test_deciding_with_edits.py` |
"""

from __future__ import annotations

import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.models import Group

from tests.api.acting import demoted
from tests.api.conftest import HERE, Program, problem_in
from tests.api.deciding import body_of, one, question, untouched
from tests.services.posting import carried_out
from tests.web.conftest import ask
from workflows.api.urls import api
from workflows.engine.graph.state import StateGraph
from workflows.models import (
    AuditEntry,
    Decision,
    Event,
    Interrupt,
    Run,
    Signal,
    Thread,
)
from workflows.services import queues, registry
from workflows.services.access import SCOPES
from workflows.services.start_run import start_thread

assert one
assert question

BOSS_WORDS = {"repository": "durableweb"}
Act = tuple[str, str, Any]


def acts(question: Interrupt, decision: int = 1) -> list[Act]:
    """Every operation that does something, as (scope, path, body), around one question."""
    thread, run = f"/threads/{question.thread_id}", question.run_id
    asked = f"/questions/{question.pk}"
    edit = {"values": {"text": "x"}, "checkpoint": ""}
    return [
        ("run", "/workflows/letter/runs", {"input": BOSS_WORDS}),
        ("run", f"{thread}/continue", {}),
        ("run", f"{thread}/wake", {}),
        ("run", f"{thread}/signals", {"topic": "a"}),
        ("run", f"{thread}/updates", {"name": "a"}),
        ("run", f"{thread}/fork", {"checkpoint": "a"}),
        ("run", f"/runs/{run}/cancel", {}),
        ("run", "/schedules/none/run", {}),
        ("run", "/schedules/none/pause", {}),
        ("run", "/schedules/none/resume", {}),
        ("edit", f"{thread}/state", edit | {"reason": "x"}),
        ("edit", f"{thread}/state/preview", edit),
        ("decide", f"{asked}/decision", body_of(question)),
        ("decide", f"{asked}/claim", {}),
        ("decide", f"{asked}/release", {}),
        ("decide", f"{asked}/comments", {"text": "x"}),
        ("decide", f"{asked}/arrange", {"priority": 1}),
        ("decide", f"/decisions/{decision}/undo", {}),
    ]


def marks() -> dict[str, Any]:
    """What would differ if anything had been done."""
    rows = (Run, Event, Signal, Decision, Thread)
    counts = {each.__name__: each.objects.count() for each in rows}
    # That a token was refused may be told.
    acts = AuditEntry.objects.exclude(action="token.refused")
    counts["AuditEntry"] = acts.count()
    found = Interrupt.objects.values_list("status", "version", "claimed_by", "priority")
    return counts | {"questions": list(found)}


def test_every_act_of_the_api_is_tried_here(question):
    """A new operation has to be put into the table above."""
    tried = {path for _, path, _ in acts(question)}
    known = []
    for path, methods in api.get_openapi_schema()["paths"].items():
        known += [(path.removeprefix(HERE), m) for m in methods if m != "get"]
    named = {
        "name": {"letter", "none"},
        "thread_id": {question.thread_id},
        "run_id": {str(question.run_id)},
        "number": {str(question.pk), "1"},
    }
    found = {
        path.replace(f"{{{word}}}", value)
        for path, method in known
        for word, values in named.items()
        for value in values
        if f"{{{word}}}" in path
    }

    assert {method for _, method in known} == {"post"}
    assert len(known) == len(tried)
    assert tried <= found


class TestOwners:
    def refused(self, send: Callable[[], Program], question: Interrupt) -> set[int]:
        """How each act is answered, of which none does anything."""
        before = marks()
        found = set()
        for _, path, body in acts(question):
            found.add(send().post(path, body).status_code)
            assert marks() == before, path
        return found

    @pytest.fixture
    def decided(self, one: Any, question: Interrupt) -> Interrupt:
        """Another question of the thread, after number 1 of the decisions was made."""
        one.post(f"/questions/{question.pk}/decision", body_of(question))
        return ask(question.thread)

    def test_nobody(self, question):
        assert self.refused(lambda: Program(), question) == {401}

    def test_whoever_only_looks(self, people, question):
        looking = demoted(people["viewer"], *SCOPES)
        comment = f"/questions/{question.pk}/comments"
        assert looking.post(comment, {"text": "x"}).status_code == 201
        before = marks()
        for _, path, body in acts(question):
            if path != comment:
                answer = looking.post(path, body)
                assert answer.status_code in (403, 404), (path, answer.content)
                assert marks() == before

    def test_whoever_has_no_role(self, people, question):
        stranger = demoted(people["stranger"], *SCOPES)

        assert self.refused(lambda: stranger, question) == {404}

    def test_whoever_is_not_active(self, people, question):
        one = demoted(people["admin"], *SCOPES)
        people["admin"].is_active = False
        people["admin"].save()

        assert self.refused(lambda: one, question) == {401}

    def test_whoever_has_lost_the_role_a_second_ago(self, people, decided):
        one = demoted(people["reviewer"], *SCOPES)
        claim = f"/questions/{decided.pk}/claim"
        assert one.post(claim).status_code == 200
        people["reviewer"].groups.clear()

        assert self.refused(lambda: one, decided) == {404}

    def test_who_may_no_longer_decide_takes_nothing_back(self, people, one, question):
        made = one.post(f"/questions/{question.pk}/decision", body_of(question)).json()
        people["reviewer"].groups.set([Group.objects.get(name="operator")])

        answer = one.post(f"/decisions/{made['number']}/undo")
        problem_in(answer, 403, "not_allowed")


class TestScopes:
    @pytest.mark.parametrize("scope", SCOPES)
    def test_of_an_admin_a_token_does_what_its_one_scope_says(
        self, people, question, scope
    ):
        one = demoted(people["admin"], scope)
        before = marks()

        for wanted, path, body in acts(question):
            if wanted != scope:
                detail = problem_in(one.post(path, body), 403, "not_allowed")["detail"]
                assert f"{wanted!r}" in detail
                assert marks() == before

    def test_one_of_no_scope_does_nothing(self, people, question):
        one = demoted(people["admin"])

        found = {one.post(path, body).status_code for _, path, body in acts(question)}
        assert found == {403}


class TestForeignInnerIds:
    @pytest.fixture
    def mine(self, people: Any) -> Thread:
        return self.made("mine", "t-mine")

    @pytest.fixture
    def theirs(self, people: Any) -> Thread:
        return self.made("theirs", "t-theirs", start_groups=["finance"])

    def made(self, name: str, thread_id: str, **more: Any) -> Thread:
        graph = StateGraph(dict).add_sequence(
            [("pick", lambda state: {"picked": 1}), ("send", lambda state: {"sent": 2})]
        )
        registry.register(graph.set_entry_point("pick").compile(), name=name, **more)
        start_thread(name, {"order": 7}, thread_id=thread_id)
        carried_out()
        return Thread.objects.get(pk=thread_id)

    def test_a_fork_at_the_checkpoint_of_another_thread(self, program, mine, theirs):
        one = program("operator", "run")
        theirs_step = theirs.checkpoints.get(namespace="", step=1).id

        answer = one.post(f"/threads/{mine.pk}/fork", {"checkpoint": theirs_step})
        problem_in(answer, 404, "not_found")
        assert Thread.objects.count() == 2

    def test_a_start_on_a_thread_of_another_workflow(self, program, mine, theirs):
        one = program("operator", "run")
        for each in (theirs.pk, theirs.pk.upper()):
            body = {"input": {}, "thread_id": each}
            one.post("/workflows/mine/runs", body)

        assert Run.objects.filter(thread=theirs).count() == 1
        assert Thread.objects.get(pk=theirs.pk).graph == "theirs"

    def test_the_decision_of_a_hidden_workflow_is_as_unknown(
        self, one, people, other_thread
    ):
        hidden = ask(other_thread)
        boss = demoted(people["admin"], "decide")
        made = boss.post(f"/questions/{hidden.pk}/decision", body_of(hidden)).json()

        details = [
            problem_in(one.post(f"/decisions/{n}/undo"), 404, "not_found")[
                "detail"
            ].replace(str(n), "N")
            for n in (made["number"], made["number"] + 999, 10**25)
        ]
        assert len(set(details)) == 1
        assert Interrupt.objects.get().status == "decided"

    def test_the_key_of_a_hidden_decision_tells_nothing_of_it(
        self, one, people, question, other_thread
    ):
        hidden = ask(other_thread)
        boss = demoted(people["admin"], "decide")
        sent = f"/questions/{hidden.pk}/decision"
        boss.post(sent, body_of(hidden, reason="s3cret"), Idempotency_Key="k")

        mine = f"/questions/{question.pk}/decision"
        answer = one.post(mine, body_of(question), Idempotency_Key="k")
        body = problem_in(answer, 409, "key_reused")
        assert set(body) == {"status", "title", "code", "detail"}
        assert "s3cret" not in answer.content.decode()
        assert str(hidden.pk) not in body["detail"].replace("'k'", "")
        question.refresh_from_db()
        assert question.status == "pending"

    def test_the_key_of_a_start_of_somebody_else(self, program, people, letter):
        first = demoted(people["admin"], "run")
        path, body = "/workflows/letter/runs", {"input": BOSS_WORDS}
        made = first.post(path, body, Idempotency_Key="k").json()

        answer = program("operator", "run").post(path, body, Idempotency_Key="k")
        problem_in(answer, 409, "key_reused")
        assert made["thread_id"] not in answer.content.decode()


class TestMassAssignment:
    EXTRA = {
        "id": 7,
        "pk": 7,
        "owner": 1,
        "person": 1,
        "person_name": "admin",
        "created_by": 1,
        "status": "success",
        "channel": "web",
        "as_node": "send",
        "config": {"configurable": {"thread_id": "t-secret"}},
        "graph": "payroll",
        "workflow": "payroll",
        "fence": 99,
        "__class__": "x",
    }

    def test_a_word_too_many_is_refused_everywhere(self, people, question):
        one = demoted(people["admin"], *SCOPES)
        before = marks()

        for _, path, body in acts(question):
            for word, value in self.EXTRA.items():
                answer = one.post(path, {**body, word: value})
                errors = problem_in(answer, 400, "invalid")["errors"]
                assert word in errors, path
        assert marks() == before


class TestBodies:
    @pytest.mark.parametrize(
        "value",
        [
            "[" * 200 + "]" * 200,
            "9" * 5_000,
            "1e999",
            "-Infinity",
            '"\\u0000"',
            '"\\ud800"',
            '{"a": 1, "a": 2}',
        ],
    )
    def test_bombs(self, people, question, value):
        one = demoted(people["admin"], *SCOPES)
        before = marks()

        for _, path, body in acts(question):
            text = json.dumps(body)[:-1] + ("," if body else "") + f'"x": {value}}}'
            answer = one.post(path, text)
            assert answer.status_code == 400, (path, answer.content)
        assert marks() == before

    @pytest.mark.parametrize(
        "kind",
        ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"],
    )  # fmt: skip
    def test_other_types_of_content(self, people, question, kind):
        one = demoted(people["admin"], *SCOPES)
        before = marks()

        for _, path, body in acts(question):
            answer = one.client.post(
                HERE + path,
                json.dumps(body),
                content_type=kind,
                headers={"Authorization": f"Bearer {one.token}"},
            )
            assert answer.status_code == 400, (path, answer.content)
        assert marks() == before

    @pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE", "HEAD"])
    def test_other_methods_do_nothing(self, people, question, method):
        one = demoted(people["admin"], *SCOPES)
        before = marks()

        for _, path, _body in acts(question):
            answer = one.send(method, path, {})
            assert answer.status_code in (200, 400, 404, 405), answer.content
        assert marks() == before

    def test_a_log_in_of_the_site_does_nothing_here(self, people, question):
        before = marks()
        one = Program()
        one.client.force_login(people["admin"])
        for _, path, body in acts(question):
            assert one.post(path, body).status_code == 401
        assert marks() == before


class TestSecrets:
    def test_a_decision_on_what_cannot_be_read_says_no_text_of_it(self, one, question):
        Interrupt.objects.update(value='{"title": "s3cret')

        answer = one.post(f"/questions/{question.pk}/decision", body_of(question))
        assert answer.status_code == 503, answer.content
        assert "s3cret" not in answer.content.decode()
        Interrupt.objects.update(value='"x"')
        assert untouched(question)


class TestQueues:
    def test_that_of_a_hidden_workflow_cannot_be_crowded(self, program, letter):
        queues.Queue("wages")
        registry.register(
            SimpleNamespace(name="pay"), name="pay", start_groups=["finance"], queue="wages"
        )  # fmt: skip
        one = program("operator", "run")
        body = {"input": BOSS_WORDS}
        found = [
            problem_in(
                one.post("/workflows/letter/runs", body | {"queue": each}), 400, "invalid"
            )["detail"].replace(each, "Q")
            for each in ("wages", "nothing")
        ]  # fmt: skip

        assert len(set(found)) == 1
        assert not Run.objects.exists()
