"""How often the desk asks the database for what reviewers do all day.

Each number is a bound: a page that asks the same thing again shows here before it shows
under load. Statements that go to the driver directly are counted too.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.web.conftest import ask, decision_form
from workflows.models import Decision, Interrupt
from workflows.services.desk import drafts
from workflows.storage import connections, events

PART = {"X-Queue-View": "sort=age"}
# The job that wakes a worker, and the lock that keeps the audit's writers in line.
OF_THE_QUEUE = {"sqlite": 0, "postgresql": 4}
# Whether a worker lives is known to the process on SQLite, and asked on PostgreSQL.
OF_THE_WORKER = {"sqlite": 0, "postgresql": 1}


@pytest.fixture
def at_most(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], Any]:
    """`with at_most(n):` fails where the block asks more often, and tells what it asked."""
    direct: list[str] = []
    execute = events.execute

    def noted(wrapper: Any, sql: str, *given: Any) -> Any:
        direct.append(sql)
        return execute(wrapper, sql, *given)

    for module in (events, drafts, connections):
        monkeypatch.setattr(module, "execute", noted)

    @contextmanager
    def counted(most: int) -> Iterator[None]:
        direct.clear()
        with CaptureQueriesContext(connection) as seen:
            yield
        asked = [each["sql"] for each in seen] + direct
        told = "\n".join(text[:200] for text in asked)
        assert len(asked) <= most, f"{len(asked)} statements:\n{told}"

    return counted


@pytest.fixture
def reviewer(as_) -> Any:
    """A browser of a reviewer, who has logged in before anything is counted."""
    return as_("reviewer")


@pytest.fixture
def questions(thread) -> list[Interrupt]:
    return [ask(thread, f"Send letter {number}?") for number in range(3)]


def test_the_queue(reviewer, questions, at_most):
    with at_most(12 + OF_THE_WORKER[connection.vendor]):
        assert reviewer.get("/queue/").status_code == 200


def test_the_queue_with_a_question_beside_it(reviewer, questions, at_most):
    with at_most(20):
        answer = reviewer.get(f"/queue/?sort=age&item={questions[0].pk}")

    assert answer.status_code == 200


def test_a_question(reviewer, questions, at_most):
    with at_most(16):
        assert reviewer.get(f"/review/{questions[0].pk}/").status_code == 200


def test_a_question_that_is_assigned_and_claimed(reviewer, people, questions, at_most):
    Interrupt.objects.update(
        assignee=people["reviewer"],
        claimed_by=people["admin"],
        claimed_until="2100-01-01T00:00Z",
    )

    with at_most(16):
        assert reviewer.get(f"/review/{questions[0].pk}/").status_code == 200


def test_a_question_as_a_part(reviewer, questions, at_most):
    with at_most(13):
        answer = reviewer.get(f"/review/{questions[0].pk}/", headers=PART)

    assert answer.status_code == 200


@pytest.mark.parametrize("undo_seconds", [0, 60])
@pytest.mark.parametrize("headers", [{}, PART])
def test_a_decision(reviewer, questions, at_most, settings, headers, undo_seconds):
    settings.UNDO_SECONDS = undo_seconds
    form = decision_form(questions[0])

    with at_most(25 + OF_THE_QUEUE[connection.vendor]):
        reviewer.post(f"/review/{questions[0].pk}/decision", form, headers=headers)

    assert Decision.objects.count() == 1


def test_a_decision_on_the_last_question_of_a_thread(reviewer, thread, at_most):
    question = ask(thread)
    form = decision_form(question)

    with at_most(26 + OF_THE_QUEUE[connection.vendor]):
        reviewer.post(f"/review/{question.pk}/decision", form)

    assert Decision.objects.count() == 1


def test_a_decision_that_comes_late(as_, reviewer, questions, at_most):
    address = f"/review/{questions[0].pk}/decision"
    as_("admin").post(address, decision_form(questions[0]))
    form = decision_form(questions[0])

    with at_most(8):
        assert reviewer.post(address, form).status_code == 409


def test_to_take_a_decision_back(reviewer, questions, at_most, settings):
    settings.UNDO_SECONDS = 60
    question = questions[0]
    reviewer.post(f"/review/{question.pk}/decision", decision_form(question))
    address = f"/decisions/{Decision.objects.get().pk}/undo"

    with at_most(18):
        reviewer.post(address)

    question.refresh_from_db()
    assert question.round == 2
