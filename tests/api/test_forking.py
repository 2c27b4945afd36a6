"""A new thread from an edited step of another one, by programs."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.acting import demoted, noted, told
from tests.api.conftest import problem_in
from tests.services.posting import values_of
from tests.web.conftest import as_
from tests.web.state_editing import asked, post, run_all
from workflows.models import AuditEntry, Interrupt, Run, Thread
from workflows.services.desk.hands import last_editor

assert as_
assert asked
assert post


@pytest.fixture
def one(people: Any, asked: Interrupt) -> Any:
    return demoted(people["operator"], "run", "edit")


def here(asked: Interrupt) -> str:
    return f"/threads/{asked.thread_id}/fork"


def forked(asked: Interrupt, step: int = 1, /, **more: Any) -> dict[str, Any]:
    found = asked.thread.checkpoints.get(namespace="", step=step)
    body = {"values": {"text": "Dear Bob", "tags": ["other"]}, "reason": "what if"}
    return {"checkpoint": found.id, **body, **more}


def test_it_goes_on_from_the_edited_state(one, asked, people):
    answer = one.post(here(asked), forked(asked))

    assert answer.status_code == 201, answer.content
    made = Thread.objects.exclude(pk=asked.thread_id).get()
    assert answer.json()["thread_id"] == made.pk
    run_all()
    made.refresh_from_db()
    found = values_of(made)
    assert (found["text"], found["tags"]) == ("Dear Bob", ["other"])
    assert values_of(asked.thread)["text"] == "Dear Ada"
    assert made.status == "interrupted"
    assert Interrupt.objects.get(thread=made).status == "pending"


def test_who_and_why_is_noted_and_four_eyes_see_it(one, asked, people):
    made = one.post(here(asked), forked(asked)).json()["thread_id"]

    entry = noted("thread.forked")
    assert (entry["channels"], entry["reason"]) == (["tags", "text"], "what if")
    assert told("edit", made)["by"] == "operator (token a program)"
    assert told("edit", made)["reason"] == "what if"
    assert last_editor(made) == people["operator"].pk


@pytest.mark.parametrize(
    ("more", "places"),
    [
        ({"reason": " "}, {"reason"}),
        ({"values": {"count": "many"}}, {"values.count"}),
        ({"values": {"tags": 5}}, {"values.tags"}),
        ({"values": 5}, {"values"}),
        ({"new_thread_id": "x"}, {"new_thread_id"}),
    ],
)
def test_words_that_are_none(one, asked, more, places):
    answer = one.post(here(asked), forked(asked, **more))

    assert set(problem_in(answer, 400, "invalid")["errors"]) == places
    assert Thread.objects.count() == 1
    assert not AuditEntry.objects.filter(action="thread.forked").exists()


@pytest.mark.parametrize("name", ["to", "key", "__resume__", "owner"])
def test_a_channel_that_is_not_open_or_secret(one, asked, name):
    answer = one.post(here(asked), forked(asked, values={name: "x"}))

    problem_in(answer, 403, "not_allowed")
    assert Thread.objects.count() == 1


def test_without_the_scope_of_edits_nothing_is_put_in(people, asked):
    one = demoted(people["operator"], "run")

    problem_in(one.post(here(asked), forked(asked)), 403, "not_allowed")
    assert one.post(here(asked), forked(asked, values={})).status_code == 201
    assert not Run.objects.filter(kind="edit").exists()


def test_a_reviewer_who_may_edit_begins_no_thread(people, asked):
    one = demoted(people["reviewer"], "run", "edit")

    problem_in(one.post(here(asked), forked(asked)), 403, "not_allowed")
    assert Thread.objects.count() == 1


def test_the_step_of_another_thread(one, asked, as_):
    as_("operator").post("/start/post/", {"input/to": "Bob"})
    run_all()
    other = Thread.objects.exclude(pk=asked.thread_id).get()

    body = forked(asked) | {"checkpoint": other.head}
    problem_in(one.post(here(asked), body), 404, "not_found")
    assert Thread.objects.count() == 2
