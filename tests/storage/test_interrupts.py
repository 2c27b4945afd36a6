"""Questions are rows that keep their number however often they are asked."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from tests.storage.commits import History, asking, task
from tests.storage.conftest import real_transactions
from workflows.engine.checkpoint.base import Closed
from workflows.models import Decision, Event, Interrupt, Run, Thread
from workflows.storage.interrupts import title_of
from workflows.storage.saver import DjangoSaver

pytestmark = real_transactions


@pytest.fixture
def history():
    saver = DjangoSaver(graph="g")
    place = saver.open("t", None)
    history = History(saver)
    history.place = place
    history.commit({"a": 1})
    return history


def item() -> Interrupt:
    return Interrupt.objects.get()


def test_asked_again_while_pending_changes_nothing(history):
    ending, _ = asking("Really?")
    history.commit(writes=[ending])
    before = Interrupt.objects.values().get()

    history.commit(writes=[ending])

    assert Interrupt.objects.values().get() == before
    assert Event.objects.filter(kind="interrupt").count() == 1


def test_carried_over_to_a_new_checkpoint_keeps_number_assignee_and_age(history):
    ending, _ = asking("Really?")
    history.commit(writes=[ending])
    before = item()
    Interrupt.objects.update(priority=7, reason="look twice")

    head = history.commit({"a": 2})
    history.commit(writes=[ending])
    after = item()

    assert (after.pk, after.asked_at, after.priority) == (before.pk, before.asked_at, 7)
    assert (after.round, after.status, after.checkpoint) == (1, "pending", head)
    assert after.version == before.version + 1


@pytest.mark.parametrize("status", ["decided", "resolved", "superseded", "withdrawn"])
def test_asked_again_after_it_was_closed_is_the_next_round(history, status):
    ending, _ = asking("Really?")
    history.commit(writes=[ending])
    before = item()
    # Long ago: SQLite keeps milliseconds, and two commits may share one.
    long_ago = before.asked_at - timedelta(hours=1)
    Interrupt.objects.update(status=status, asked_at=long_ago)

    history.commit(writes=[ending])
    after = item()

    assert (after.pk, after.status) == (before.pk, "pending")
    assert (after.round, after.version) == (before.round + 1, before.version + 1)
    assert after.asked_at >= before.asked_at
    assert after.closed_at is None


@pytest.mark.parametrize(
    ("run_status", "status", "round"),
    [("pending", "decided", 1), ("error", "pending", 2)],
)
def test_an_answer_that_waits_its_turn_still_finds_its_question(
    history, run_status, status, round
):
    ending, _ = asking("Really?")
    history.commit(writes=[ending])
    Interrupt.objects.update(status="decided")
    answer = Run.objects.create(thread_id="t", kind="resume", status=run_status)
    Decision.objects.create(interrupt=item(), round=1, kind="approve", run=answer)

    history.commit(writes=[ending])

    assert (item().status, item().round) == (status, round)


@pytest.mark.parametrize("status", ["resolved", "superseded"])
def test_closing_ends_the_item_in_the_same_commit(history, status):
    ending, question_id = asking("Really?")
    history.commit(writes=[ending])

    history.commit({"a": 2}, writes=[task(a=2)], closed=[Closed(question_id, status)])
    after = item()

    assert (after.status, after.version, after.round) == (status, 2, 1)
    assert after.closed_at is not None
    told = [json.loads(event.data) for event in Event.objects.filter(kind="interrupt")]
    assert [(each["interrupt"], each["status"]) for each in told] == [
        (after.pk, "pending"),
        (after.pk, status),
    ]


def test_closing_twice_tells_once(history):
    ending, question_id = asking("Really?")
    history.commit(writes=[ending])

    for _ in range(2):
        history.commit(writes=[task(a=2)], closed=[Closed(question_id, "resolved")])

    assert item().version == 2
    assert Event.objects.filter(kind="interrupt").count() == 2


def test_closed_and_asked_in_one_commit_is_the_next_round(history):
    ending, question_id = asking("Really?")
    history.commit(writes=[ending])

    history.commit(writes=[ending], closed=[Closed(question_id, "resolved")])

    assert (item().status, item().round) == ("pending", 2)


def test_a_parent_that_repeats_its_subgraphs_question_changes_nothing(history):
    ending, _ = asking("Really?")
    inner = History(history.saver, namespace="sub:1")
    inner.commit({"a": 1})
    inner.commit(writes=[ending])

    history.commit(writes=[ending])

    assert (item().namespace, item().version) == ("sub:1", 1)


def test_several_questions_of_one_commit_are_numbered_without_a_gap(history):
    first, _ = asking("One?", task_id="t1", name="n1")
    second, second_id = asking("Two?", task_id="t2", name="n2")
    history.commit(writes=[first, second])
    third, _ = asking("Three?", task_id="t3", name="n3")
    history.commit(
        {"a": 2},
        writes=[third, task("t2", a=1)],
        closed=[Closed(second_id, "resolved"), Closed("0" * 32, "resolved")],
    )

    seqs = [*Event.objects.order_by("seq").values_list("seq", flat=True)]
    assert seqs == [*range(1, len(seqs) + 1)]
    assert Thread.objects.get().seq == len(seqs)
    assert Interrupt.objects.filter(status="pending").count() == 2


def test_the_thread_waits_while_a_question_is_open(history):
    ending, _ = asking("Really?")
    history.commit(writes=[ending])
    history.saver.close(history.place, "interrupted")

    assert Thread.objects.get().status == "interrupted"

    # An edit beside an open question leaves the thread waiting.
    saver = DjangoSaver(kind="edit")
    place = saver.open("t", history.head)
    saver.close(place, "success")

    assert Thread.objects.get().status == "interrupted"


@pytest.mark.parametrize(
    ("value", "title"),
    [
        ("First line\nsecond", "First line"),
        ("", ""),
        (None, ""),
        ({}, ""),
        ([], ""),
        ("# Pay it\n\n*Please*", "Pay it"),
        ("#5 is late", "#5 is late"),
        ({"question": "How many?"}, "How many?"),
        ({"message": "  hello "}, "hello"),
        ({"action_request": {"action": "send_mail", "args": {}}}, "send_mail"),
        ([{"action_request": {"action": "send_mail", "args": {}}}], "send_mail"),
        ({"tool_calls": [{"name": "a"}, {"name": "b"}]}, "a, b"),
        ({"x": 1}, '{"x": 1}'),
        (17, "17"),
        ("x" * 200, "x" * 119 + "…"),
        ("a\0b\ud800c", "a\ufffdb?c"),
        (
            [{"action_request": {"action": name}} for name in ("mail", "pay")],
            "mail, pay",
        ),
    ],
)
def test_the_title_says_what_is_asked(value, title):
    assert title_of(value) == title
