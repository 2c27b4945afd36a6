"""Starting a workflow: who may, on which thread, once per key."""

import threading
from functools import partial

import pytest
from django.db import connections

from tests.storage.racing import together
from workflows.engine import serde
from workflows.engine.start_errors import IdempotencyConflict
from workflows.models import Run, Thread
from workflows.services.action import (
    InvalidAnswer,
    KeyReused,
    NotAllowed,
    NotVisible,
    ThreadBusy,
)
from workflows.services.start_run import Started, StartRun, start_thread

pytestmark = pytest.mark.django_db


def test_it_makes_a_thread_and_a_pending_run(people, letter, queue):
    run = StartRun(people.operator, "letter", {"to": "Ann"}, title="To Ann").execute()

    assert (run.kind, run.status, run.graph) == ("start", "pending", "letter")
    assert run.thread.title == "To Ann"
    assert serde.loads(run.payload) == {"to": "Ann"}
    assert queue.runs == [run.pk]
    assert run.thread.events.get().kind == "run"


@pytest.mark.parametrize("who", ["viewer", "reviewer"])
def test_it_needs_the_right_to_start(people, letter, who):
    with pytest.raises(NotAllowed):
        StartRun(getattr(people, who), "letter", {}).execute()


def test_a_stranger_sees_no_workflow(people, letter):
    with pytest.raises(NotVisible):
        StartRun(people.stranger, "letter", {}).execute()


def test_an_unknown_workflow_is_not_there(people):
    with pytest.raises(NotVisible):
        StartRun(people.admin, "nothing", {}).execute()


def test_a_repeated_key_gives_the_first_run(people, letter):
    first = StartRun(people.operator, "letter", {}, idempotency_key="k").execute()
    again = StartRun(people.operator, "letter", {}, idempotency_key="k").execute()

    assert again == first
    assert Thread.objects.count() == 1


@pytest.mark.rule("RB.6", "C.IdempotencyConflict")
def test_a_repeated_key_with_another_input_starts_nothing(people, letter):
    first = start_thread("letter", {"a": 1, "b": [True]}, idempotency_key="k")
    again = start_thread("letter", {"b": [True], "a": 1}, idempotency_key="k")
    assert again == first

    for other in ({"a": 1}, {"a": 1, "b": [1]}, {"a": 1.0, "b": [True]}, None):
        with pytest.raises(IdempotencyConflict) as raised:
            start_thread("letter", other, idempotency_key="k")

        assert raised.value.thread_id == first.thread_id
        assert str(raised.value) == (
            f"idempotency key 'k' has started workflow 'letter' on thread '{first.thread_id}' before, "
            "with another input; nothing was started: give the same input to be given that run, "
            "or another key to start another"
        )
    assert Thread.objects.count() == 1


@pytest.mark.rule("RB.6")
@pytest.mark.django_db(transaction=True)
def test_of_two_inputs_at_once_one_is_refused(letter):
    starts = [
        partial(start_thread, "letter", {"n": number}, idempotency_key="k")
        for number in range(4)
    ]

    found = together(starts)

    assert sum(isinstance(each, Started) for each in found) == 1
    assert sum(isinstance(each, IdempotencyConflict) for each in found) == 3
    assert Thread.objects.count() == 1


def test_a_key_belongs_to_one_person(people, letter):
    StartRun(people.operator, "letter", {}, idempotency_key="k").execute()

    with pytest.raises(KeyReused):
        StartRun(people.admin, "letter", {}, idempotency_key="k").execute()


def test_a_thread_at_work_takes_no_second_start(people, letter):
    StartRun(people.operator, "letter", {}, thread_id="mine").execute()

    with pytest.raises(ThreadBusy):
        StartRun(people.operator, "letter", {}, thread_id="mine").execute()


def test_a_thread_belongs_to_one_workflow(people, letter):
    Thread.objects.create(id="other", graph="another")

    with pytest.raises(InvalidAnswer):
        StartRun(people.operator, "letter", {}, thread_id="other").execute()


@pytest.mark.parametrize(
    "thread_id", ["", "a/b", "a\x00b", "a\nb", "x" * 201, "\ud800"]
)
def test_a_nonsense_id_is_refused(people, letter, thread_id):
    with pytest.raises(InvalidAnswer):
        StartRun(people.operator, "letter", {}, thread_id=thread_id).execute()


def test_an_input_that_cannot_be_stored_names_the_place(people, letter):
    with pytest.raises(InvalidAnswer) as refused:
        StartRun(people.operator, "letter", {"to": object()}).execute()
    assert any("to" in path for path in refused.value.errors)


@pytest.mark.django_db(transaction=True)
def test_of_ten_starts_with_one_key_one_is_made(people, letter):
    start = threading.Barrier(10)
    runs = []

    def race():
        try:
            start.wait(60)
            action = StartRun(people.operator, "letter", {}, idempotency_key="k")
            runs.append(action.execute().pk)
        finally:
            connections.close_all()

    racers = [threading.Thread(target=race) for _ in range(10)]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join()

    assert len(runs) == 10
    assert len(set(runs)) == 1
    assert Run.objects.count() == Thread.objects.count() == 1
