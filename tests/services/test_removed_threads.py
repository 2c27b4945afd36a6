"""A thread that is removed takes along what people did there, and leaves what others hold of it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.services.conftest import ask
from tests.services.diagnosing import make_run
from workflows.models import (
    Comment,
    Decision,
    Draft,
    Interrupt,
    QuestionField,
    Reopening,
    Run,
    Thread,
    Vote,
)
from workflows.storage.saver import DjangoSaver

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def other(thread: Thread) -> Thread:
    """Another, whose run goes on from a decision of the first."""
    return Thread.objects.create(id="t2", graph="letter")


@pytest.fixture
def reopening(thread: Thread, other: Thread, people: Any) -> Reopening:
    row = ask(thread)
    for kind in (Comment, Vote, Draft):
        more = {} if kind is Comment else {"round": 1}
        kind.objects.create(interrupt=row, person=people.reviewer, **more)
    QuestionField.objects.create(interrupt=row, source="payload", name="to", text="Ada")
    made = Decision.objects.create(
        interrupt=row,
        round=1,
        kind="approve",
        answer="null",
        run=make_run(thread, "success"),
    )
    run = make_run(other, "success")
    return Reopening.objects.create(
        decision=made, run=run, checkpoint="c1", last_question=0
    )


def test_what_people_did_there_goes_along(reopening):
    DjangoSaver().delete_thread("t1")

    assert [row.pk for row in Thread.objects.all()] == ["t2"]
    for kind in (Interrupt, Comment, Vote, Draft, QuestionField, Decision, Reopening):
        assert not kind.objects.exists()
    assert Run.objects.get().thread_id == "t2"


def test_the_decision_stays_that_a_removed_fork_went_on_from(reopening):
    DjangoSaver().prune(["t2"], strategy="delete")

    reopening.refresh_from_db()
    assert reopening.run is None
    assert Decision.objects.get().run is not None
