"""Questions of one file of invoices, answered by different people, booked once."""

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group

from durableweb.demo.models import LedgerEntry
from workflows.models import Interrupt, Run, Thread
from workflows.services.access import OPERATOR, REVIEWER, ensure_groups
from workflows.services.action import AlreadyDecided
from workflows.services.execute_run import execute_run
from workflows.services.resume_run import ResumeRun
from workflows.services.start_run import StartRun

pytestmark = pytest.mark.django_db(transaction=True)

FILE = (
    "number,date,vendor,net,vat,gross\n"
    "1,2026-11-03,Nordwind,100.00,19.00,119.00\n"
    "2,2026-11-03,Nordwind,100.00,19.00,131.00\n"
    "3,2026-11-03,Nobody,100.00,19.00,119.00\n"
)


def make_person(name: str, role: str):
    ensure_groups()
    person = get_user_model().objects.create_user(name)
    person.groups.set(Group.objects.filter(name=role))
    return person


def start(person) -> Thread:
    run = StartRun(person, "invoice_review", {"csv": FILE}).execute()
    assert execute_run(run.pk) == "interrupted"
    return run.thread


def question_about(number: str) -> Interrupt:
    return Interrupt.objects.get(title__startswith=f"Invoice {number} ")


def decide(person, row: Interrupt, kind: str, value=None) -> None:
    ResumeRun(
        person, row.pk, kind, value, version=row.version, round=row.round
    ).execute()


def work() -> list[str]:
    due = Run.objects.filter(status=Run.Status.PENDING).order_by("pk")
    return [execute_run(run.pk) for run in due]


def test_two_people_answer_in_the_other_order_than_asked() -> None:
    thread = start(make_person("olga", OPERATOR))
    anna, boris = make_person("anna", REVIEWER), make_person("boris", REVIEWER)

    decide(boris, question_about("3"), "reject")
    assert work() == ["interrupted"]
    assert not LedgerEntry.objects.exists()
    fields = {"number": "2", "date": "2026-11-03", "vendor": "Nordwind"}
    amounts = {"net": "100.00", "vat": "19.00", "gross": "119.00"}
    decide(anna, question_about("2"), "edit", {**fields, **amounts})
    assert work() == ["success"]

    booked = LedgerEntry.objects.filter(thread_id=thread.pk)
    assert [(entry.number, str(entry.gross)) for entry in booked] == [
        ("1", "119.00"),
        ("2", "119.00"),
    ]


def test_both_answers_may_wait_for_the_worker_at_the_same_time() -> None:
    start(make_person("olga", OPERATOR))
    anna, boris = make_person("anna", REVIEWER), make_person("boris", REVIEWER)

    decide(anna, question_about("2"), "approve")
    decide(boris, question_about("3"), "approve")
    work()

    assert LedgerEntry.objects.count() == 3
    assert not Interrupt.objects.exclude(status="resolved").exists()


def test_the_second_answer_to_one_question_is_told_of_the_first() -> None:
    start(make_person("olga", OPERATOR))
    anna, boris = make_person("anna", REVIEWER), make_person("boris", REVIEWER)
    row = question_about("2")

    decide(anna, row, "approve")
    with pytest.raises(AlreadyDecided) as caught:
        decide(boris, row, "reject")

    assert caught.value.who == "anna"
    assert Run.objects.filter(kind=Run.Kind.RESUME).count() == 1
