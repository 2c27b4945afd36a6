"""Pages while the database does not answer, and pages that break for other reasons."""

from typing import Any

import pytest
from django.db import InterfaceError, OperationalError, connection
from django.db.transaction import TransactionManagementError

from tests.web.conftest import Html, ask, decision_form
from workflows.models import Decision
from workflows.storage.outage import is_away

pytestmark = pytest.mark.django_db(transaction=True)


def refuse(*args: Any) -> None:
    raise OperationalError("server closed the connection unexpectedly")


@pytest.fixture
def client(as_):
    """The reviewer, who gets the page of a fault instead of its exception."""
    client = as_("reviewer")
    client.raise_request_exception = False
    return client


@pytest.fixture
def question(thread):
    return ask(thread)


@pytest.mark.parametrize("path", ["/queue/", "/runs/", "/review/{}/"])
def test_a_page_says_that_the_database_is_away(client, question, path):
    with connection.execute_wrapper(refuse):
        answer = client.get(path.format(question.pk))

    page = Html(answer)
    assert answer.status_code == 503
    assert answer["Retry-After"] == "5"
    assert page.has_text("The database does not answer.")
    assert page.has_text("Nothing was changed.")


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("database or disk is full", "The disk of the database is full."),
        ("attempt to write a readonly database", "The database can only be read"),
        ("database is locked", "Another process has been writing"),
    ],
)
def test_a_page_says_why_nothing_can_be_written(client, question, said, told):
    def full(execute: Any, sql: str, *given: Any) -> Any:
        if sql.startswith("INSERT"):
            raise OperationalError(said)
        return execute(sql, *given)

    sent = decision_form(question, "approve")
    with connection.execute_wrapper(full):
        answer = client.post(f"/review/{question.pk}/decision", sent)

    assert answer.status_code == 503
    assert Html(answer).has_text(told)
    assert Html(answer).has_text("Nothing was changed.")
    assert not Decision.objects.exists()


def test_the_page_that_was_asked_for_can_be_asked_for_again(client, question):
    with connection.execute_wrapper(refuse):
        asked = Html(client.get("/queue/?who=mine&sort=due"))
        sent = Html(client.post(f"/review/{question.pk}/claim", {}))

    assert asked.one("a", href="/queue/?who=mine&sort=due").text.strip() == "Try again"
    assert sent.one("a", href="/queue/").text.strip() == "To the queue"


def test_a_decision_that_met_it_can_be_sent_again(client, question):
    sent = decision_form(question, "approve")
    with connection.execute_wrapper(refuse):
        answer = client.post(f"/review/{question.pk}/decision", sent)
    assert answer.status_code == 503
    assert not Decision.objects.exists()

    answer = client.post(f"/review/{question.pk}/decision", sent)

    assert answer.status_code == 303
    assert Decision.objects.count() == 1


def test_another_fault_is_told_as_one(client, monkeypatch):
    def fail(*args: Any, **kwargs: Any) -> None:
        raise ValueError("a fault of ours")

    monkeypatch.setattr("workflows.web.queue.render", fail)

    answer = client.get("/queue/")

    assert answer.status_code == 500
    assert Html(answer).has_text("Something broke on our side")


def test_a_transaction_that_was_lost_on_its_way_back_is_one():
    lost = TransactionManagementError("broken")
    lost.__cause__ = InterfaceError("connection already closed")

    assert is_away(lost)
    assert not is_away(TransactionManagementError("nested"))
