"""A decision and an edit of the state in one step, by programs."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.acting import demoted, noted
from tests.api.conftest import problem_in
from tests.api.deciding import body_of, here, untouched
from tests.web.conftest import as_
from tests.web.state_editing import asked, post, run_all, values
from workflows.models import AuditEntry, Checkpoint, Decision, Interrupt, Thread

assert as_
assert asked
assert post


@pytest.fixture
def one(program: Any, asked: Interrupt) -> Any:
    return program("reviewer", "decide", "edit")


def edited(question: Interrupt, **more: Any) -> dict[str, Any]:
    body = body_of(question, edits={"text": "Dear Bob"}, reason="a typo")
    return body | {"checkpoint": Thread.objects.get(pk=question.thread_id).head} | more


def test_both_are_made(one, asked, people):
    answer = one.post(here(asked), edited(asked, updates={"tags": ["seen"]}))

    assert answer.status_code == 200, answer.content
    assert noted("state.edited")["channels"] == ["tags", "text"]
    assert noted("question.decided")["edited"] == ["tags", "text"]
    run_all()
    found = values(asked.thread_id, people)
    assert found["text"] == "Dear Bob"
    assert found["tags"][-2:] == ["seen", "approve: Dear Bob"]


def test_a_key_gives_the_first_answer_again_when_the_work_has_gone_on(one, asked):
    sent = edited(asked)
    first = one.post(here(asked), sent, Idempotency_Key="k")
    run_all()
    again = one.post(here(asked), sent, Idempotency_Key="k")
    other = one.post(here(asked), sent | {"edits": {"text": "x"}}, Idempotency_Key="k")

    assert (again.status_code, again.json()) == (200, first.json())
    problem_in(other, 409, "key_reused")
    assert AuditEntry.objects.filter(action="state.edited").count() == 1


def test_who_is_late_is_told_who_was_first(one, asked, program):
    late = edited(asked)
    program("admin", "decide").post(here(asked), body_of(asked))

    body = problem_in(one.post(here(asked), late), 409, "already_decided")
    assert body["who"] == "admin"


def test_the_state_has_moved_on(one, asked, program):
    late = edited(asked)
    state = f"/threads/{asked.thread_id}/state"
    edit = {key: late[key] for key in ("checkpoint", "reason")}
    program("operator", "edit").post(state, edit | {"values": {"text": "first"}})
    run_all()
    asked.refresh_from_db()
    stale = late | {"version": asked.version}

    body = problem_in(one.post(here(asked), stale), 409, "stale_checkpoint")
    assert body["head"] == Thread.objects.get().head
    assert untouched(asked)


@pytest.mark.parametrize(
    ("more", "places"),
    [
        ({"reason": ""}, {"reason"}),
        ({"edits": {"count": "many"}}, {"edits.count"}),
        ({"edits": {"tags": ["a", 5]}}, {"edits.tags.1"}),
        ({"updates": {"tags": 5}}, {"updates.tags"}),
        ({"checkpoint": 5}, {"checkpoint"}),
    ],
)
def test_words_that_are_none(one, asked, more, places):
    answer = one.post(here(asked), edited(asked, **more))

    assert set(problem_in(answer, 400, "invalid")["errors"]) == places
    assert untouched(asked)
    assert not AuditEntry.objects.filter(action="state.edited").exists()


def test_without_a_checkpoint_it_is_refused(one, asked):
    answer = one.post(here(asked), edited(asked, checkpoint=""))

    problem_in(answer, 409, "stale_checkpoint")
    assert untouched(asked)


@pytest.mark.parametrize("name", ["to", "key", "__resume__", "status"])
def test_a_channel_that_is_not_open_or_secret(one, asked, name):
    answer = one.post(here(asked), edited(asked, edits={name: "x"}))

    problem_in(answer, 403, "not_allowed")
    assert untouched(asked)


def test_a_token_that_only_decides(people, asked):
    one = demoted(people["reviewer"], "decide")

    for more in ({}, {"edits": {}, "updates": {"tags": ["x"]}}):
        answer = one.post(here(asked), edited(asked, **more))
        assert "'edit'" in problem_in(answer, 403, "not_allowed")["detail"]
    assert untouched(asked)


def test_the_checkpoint_of_another_thread(one, asked, as_):
    as_("operator").post("/start/post/", {"input/to": "Bob"})
    run_all()
    other = Thread.objects.exclude(pk=asked.thread_id).get()

    answer = one.post(here(asked), edited(asked, checkpoint=other.head))
    problem_in(answer, 409, "stale_checkpoint")
    assert not Decision.objects.exists()
    assert not Checkpoint.objects.filter(run__kind="edit").exists()
