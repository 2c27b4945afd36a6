"""Edits of the state by programs: what they write and foresee, and what stops them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, TypedDict

import pytest
from django.contrib.auth.models import Group

from tests.api.acting import demoted, noted, told
from tests.api.conftest import problem_in
from tests.services.posting import values_of
from tests.web.conftest import as_, ask
from tests.web.state_editing import BIG, asked, post, run_all, values
from workflows.engine.graph.state import StateGraph
from workflows.engine.runtime import interrupt
from workflows.models import AuditEntry, Checkpoint, Event, Interrupt, Run, Thread
from workflows.services import registry
from workflows.services.start_run import start_thread
from workflows.services.thread_history import thread_detail

assert as_
assert asked
assert post

SECRET = "s3cret"


@pytest.fixture
def one(program: Any, asked: Interrupt) -> Any:
    return program("operator", "edit")


def here(question: Interrupt, more: str = "") -> str:
    return f"/threads/{question.thread_id}/state{more}"


def edit(asked: Interrupt, /, **more: Any) -> dict[str, Any]:
    """A body that changes the text, on what is there now."""
    head = Thread.objects.get(pk=asked.thread_id).head
    body = {"values": {"text": "Dear Bob"}, "checkpoint": head, "reason": "a typo"}
    return body | more


def live(question: Interrupt, people: Any) -> dict[str, Any]:
    return values(question.thread_id, people)


class Anything(TypedDict):
    more: Any


def anything(price: Any) -> Interrupt:
    """A question of a workflow whose state may hold anything."""
    graph = StateGraph(Anything)
    graph.add_node("ask", lambda state: {"more": interrupt("Well?")})
    done = graph.set_entry_point("ask").compile()
    registry.register(done, name="anything", editable=["more"])
    start_thread("anything", {"more": {"price": price}})
    run_all()
    return Interrupt.objects.get()


class TestAnEdit:
    def test_it_is_written_and_the_question_asked_again(self, one, asked, people):
        answer = one.post(here(asked), edit(asked))

        assert answer.status_code == 200, answer.content
        head = Thread.objects.get().head
        assert answer.json() == {"checkpoint": head, "questions": [asked.pk]}
        assert live(asked, people)["text"] == "Dear Bob"
        assert live(asked, people)["count"] == BIG
        run_all()
        asked.refresh_from_db()
        assert (asked.status, asked.version) == ("pending", 3)

    def test_audit_and_history_name_the_token(self, one, asked):
        one.post(here(asked), edit(asked))

        entry = noted("state.edited")
        assert (entry["reason"], entry["channels"]) == ("a typo", ["text"])
        by = told("edit", asked.thread_id)["by"]
        assert by == "operator (token a program)"

    def test_what_is_sent_as_it_was_read_keeps_its_type(self, one, asked, people):
        said = live(asked, people)["said"]
        changed = [said[0], {**said[1], "v": {**said[1]["v"], "content": "No"}}]
        new = {"role": "human", "content": "Why?"}
        answer = one.post(
            here(asked), edit(asked, values={"said": [*changed, new], "count": BIG + 1})
        )

        assert answer.status_code == 200, answer.content
        found = live(asked, people)
        assert found["count"] == BIG + 1
        assert [each["$t"].rpartition(":")[2] for each in found["said"]] == [
            "HumanMessage",
            "AIMessage",
            "HumanMessage",
        ]
        assert found["said"][0] == said[0]
        assert found["said"][1]["v"]["id"] == "2"

    def test_a_type_that_was_not_there_stays_data(self, program, people):
        question = anything(Decimal("1.50"))
        one = program("operator", "edit")
        [price, typed] = [{"$t": "Decimal", "v": each} for each in ("1.60", "9")]
        values = {"more": {"price": price, "new": typed}}

        answer = one.post(here(question), edit(question, values=values))
        assert answer.status_code == 200, answer.content
        found = values_of(Thread.objects.get())["more"]
        assert found == {"price": Decimal("1.60"), "new": typed}

    def test_a_text_that_is_no_value_of_its_type(self, program, people):
        question = anything(Decimal("1.50"))
        values = {"more": {"price": {"$t": "Decimal", "v": "dear"}}}
        answer = program("operator", "edit").post(
            here(question), edit(question, values=values)
        )

        assert set(problem_in(answer, 400, "invalid")["errors"]) == {"values.more"}

    def test_updates_go_through_reducers(self, one, asked, people):
        body = edit(asked, values={}, updates={"tags": ["more"]})

        assert one.post(here(asked), body).status_code == 200
        assert live(asked, people)["tags"] == ["new", "more"]

    def test_a_reviewer_edits_while_they_are_asked(self, program, asked, people):
        one = program("reviewer", "edit")

        answer = one.post(here(asked), edit(asked, question=asked.pk))
        assert answer.status_code == 200, answer.content
        assert Run.objects.get(kind="edit").created_by.username == "reviewer"


class TestWhatStopsIt:
    def test_the_state_has_moved_on(self, one, asked, people):
        stale = edit(asked)
        one.post(here(asked), edit(asked, values={"text": "first"}))
        body = problem_in(one.post(here(asked), stale), 409, "stale_checkpoint")

        assert body["head"] == Thread.objects.get().head
        assert live(asked, people)["text"] == "first"

    def test_a_run_is_at_work(self, one, asked):
        one.post(here(asked), edit(asked))

        problem_in(one.post(here(asked), edit(asked)), 409, "thread_busy")

    @pytest.mark.parametrize("checkpoint", ["", "nonsense", "\x7f", "x" * 10_000])
    def test_a_checkpoint_that_is_none(self, one, asked, checkpoint):
        answer = one.post(here(asked), edit(asked, checkpoint=checkpoint))

        problem_in(answer, 409, "stale_checkpoint")

    @pytest.mark.parametrize(
        ("more", "places"),
        [
            ({"reason": " "}, {"reason"}),
            ({"reason": "x" * 10_001}, {"reason"}),
            ({"values": {}}, {"values"}),
            ({"values": {"count": "many"}}, {"values.count"}),
            ({"values": {"tags": ["a", 5]}}, {"values.tags.1"}),
            ({"values": {"tags": 5}}, {"values.tags"}),
            ({"values": {"tags": ["a"]}, "updates": {"tags": ["b"]}}, {"updates.tags"}),
            ({"updates": {"tags": 5}}, {"updates.tags"}),
            ({"values": []}, {"values"}),
            ({"owner": "admin"}, {"owner"}),
            ({"as_node": "review", "status": "idle"}, {"as_node", "status"}),
            ({"question": "1"}, {"question"}),
        ],
    )
    def test_words_that_are_none(self, one, asked, people, more, places):
        before = live(asked, people)
        answer = one.post(here(asked), edit(asked, **more))

        assert set(problem_in(answer, 400, "invalid")["errors"]) == places
        assert live(asked, people) == before
        assert not AuditEntry.objects.filter(action="state.edited").exists()

    @pytest.mark.parametrize(
        "name", ["to", "__pregel_tasks", "__resume__", "owner", "status", "", "key"]
    )
    def test_a_channel_that_is_not_open_or_secret(self, one, asked, people, name):
        answer = one.post(here(asked), edit(asked, values={name: "x"}))

        problem_in(answer, 403, "not_allowed")
        assert Checkpoint.objects.filter(run__kind="edit").count() == 0

    def test_the_same_as_an_update(self, one, asked):
        answer = one.post(here(asked), edit(asked, updates={"key": "x"}))

        problem_in(answer, 403, "not_allowed")

    def test_a_claim_of_somebody_else(self, program, asked, people):
        program("admin", "decide").post(f"/questions/{asked.pk}/claim")
        answer = program("reviewer", "edit").post(here(asked), edit(asked))

        body = problem_in(answer, 409, "claimed")
        assert body["who"] == "admin"
        assert body["when"]


class TestWhoMay:
    @pytest.mark.parametrize("more", ["", "/preview"])
    @pytest.mark.parametrize(
        ("name", "scopes"),
        [
            ("viewer", ["edit"]),
            ("stranger", ["edit"]),
            ("operator", ["read", "run", "decide"]),
            ("reviewer", ["decide"]),
        ],
    )
    def test_who_may_not(self, people, asked, name, scopes, more):
        body = edit(asked)
        if more:
            del body["reason"]
        answer = demoted(people[name], *scopes).post(here(asked, more), body)

        if name == "stranger":
            problem_in(answer, 404, "not_found")
        else:
            problem_in(answer, 403, "not_allowed")
        assert not Run.objects.filter(kind="edit").exists()

    def test_a_reviewer_who_is_not_asked(self, program, asked):
        Interrupt.objects.update(status="withdrawn")

        answer = program("reviewer", "edit").post(here(asked), edit(asked))
        problem_in(answer, 403, "not_allowed")

    @pytest.mark.parametrize("more", ["", "/preview"])
    def test_a_thread_that_is_hidden_or_unknown(self, one, other_thread, asked, more):
        body = edit(asked)
        if more:
            del body["reason"]
        for each in (other_thread.pk, "t-none", "a%00b"):
            answer = one.post(f"/threads/{each}/state{more}", body)
            assert answer.status_code in (400, 404), answer.content

    @pytest.mark.parametrize("more", ["", "/preview"])
    def test_a_question_of_another_thread(self, one, asked, thread, other_thread, more):
        body = edit(asked)
        if more:
            del body["reason"]
        for number in (ask(thread).pk, ask(other_thread).pk, 10**9):
            answer = one.post(here(asked, more), body | {"question": number})
            problem_in(answer, 404, "not_found")
        assert not Run.objects.filter(kind="edit").exists()


class TestAPreview:
    def preview(self, one: Any, asked: Interrupt, /, **more: Any) -> Any:
        body = edit(asked, **more)
        del body["reason"]
        return one.post(here(asked, "/preview"), body)

    def test_it_says_what_would_follow_and_writes_nothing(self, one, asked, people):
        before = (live(asked, people), Event.objects.count(), Run.objects.count())
        answer = self.preview(one, asked, question=asked.pk)

        assert answer.status_code == 200, answer.content
        body = answer.json()
        assert body["faults"] == {}
        [field] = body["alone"]["fields"]
        assert (field["name"], field["before"], field["after"]) == (
            "text",
            "Dear Ada",
            "Dear Bob",
        )
        assert body["alone"]["questions"] == [asked.pk]
        assert body["resumed"] is not None
        assert before == (
            live(asked, people),
            Event.objects.count(),
            Run.objects.count(),
        )

    def test_what_a_reducer_refuses_is_a_fault(self, one, asked):
        body = self.preview(one, asked, values={}, updates={"tags": 5}).json()

        assert set(body["faults"]) == {"tags"}

    def test_it_shows_no_secret(self, one, asked):
        answer = self.preview(one, asked)

        assert SECRET not in answer.content.decode()

    def test_an_old_checkpoint_is_told(self, one, asked):
        problem_in(self.preview(one, asked, checkpoint="x"), 409, "stale_checkpoint")

    def test_words_that_are_none(self, one, asked):
        answer = one.post(here(asked, "/preview"), edit(asked))

        assert set(problem_in(answer, 400, "invalid")["errors"]) == {"reason"}


class TestSecrets:
    def test_with_the_scope_they_are_edited_and_that_is_noted(self, people, asked):
        people["operator"].groups.add(Group.objects.get(name="secrets"))
        one = demoted(people["operator"], "edit", "secrets")

        answer = one.post(here(asked), edit(asked, values={"key": "new"}))
        assert answer.status_code == 200, answer.content
        assert noted("secret.seen")["channels"] == ["key"]
        state = thread_detail(people["admin"], asked.thread_id).state
        assert {e.name: e.tree for e in state.fields}["key"] == "new"
