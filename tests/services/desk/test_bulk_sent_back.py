"""Many questions sent back, or closed without an answer, by one order."""

import json
from collections.abc import Iterator

import pytest

from tests.services.desk.bulk import ask_many, carry_out, order, plan, states
from workflows.engine import serde
from workflows.models import Decision, Interrupt, Policy, Run
from workflows.services.access import Rights
from workflows.services.action import InvalidAnswer
from workflows.services.desk.bulk_control import NothingToDo, UndoBulk
from workflows.services.desk.bulk_selection import select_numbers
from workflows.services.desk.bulk_sheet import make_sheet
from workflows.storage.leases import keeper

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def no_leases_left() -> Iterator[None]:
    yield
    keeper.clear()


@pytest.fixture
def bills(letter) -> list[Interrupt]:
    return ask_many(3)


def allow(**body: object) -> None:
    Policy.objects.create(graph="letter", body=json.dumps(body))


def kinds(person, rows) -> tuple[str, ...]:
    [group] = plan(person, rows).groups
    return group.kinds


def offered(person, rows) -> list[str]:
    selection = select_numbers(person, Rights(person), [row.pk for row in rows])
    return [each.kind for each in make_sheet(person, selection).open.offers]


class TestSentBack:
    def test_each_workflow_is_told_what_should_change(self, people, bills):
        made = order(people.reviewer, bills, "changes", reason="With VAT").execute()
        carry_out(made)

        assert states(made) == [("done", "")] * 3
        answers = [serde.loads(each.answer) for each in Decision.objects.all()]
        told = {"decision": "changes", "value": None, "reason": "With VAT"}
        assert answers == [told] * 3

    def test_without_words_nothing_is_ordered(self, people, bills):
        with pytest.raises(InvalidAnswer) as refused:
            order(people.reviewer, bills, "changes", reason=" ").execute()

        assert set(refused.value.errors) == {"reason"}


class TestClosed:
    def test_only_where_a_policy_allows_it(self, people, bills):
        assert "close" not in offered(people.reviewer, bills)

        with pytest.raises(InvalidAnswer) as refused:
            order(people.reviewer, bills, "close").execute()

        assert "may not be closed" in refused.value.errors["kind"]

    def test_the_workflows_are_told(self, people, bills):
        allow(close="ignore")
        assert "close" in offered(people.reviewer, bills)

        made = order(people.reviewer, bills, "close", reason="Too old").execute()
        carry_out(made)

        assert states(made) == [("done", "")] * 3
        assert {(each.kind, each.reason) for each in Decision.objects.all()} == {
            ("close", "Too old")
        }

    def test_or_their_runs_end_which_nobody_takes_back(self, people, bills):
        allow(close="cancel")

        made = order(people.reviewer, bills, "close").execute()
        carry_out(made)

        assert states(made) == [("done", "")] * 3
        rows = Interrupt.objects.filter(pk__in=[row.pk for row in bills])
        assert {row.status for row in rows} == {"withdrawn"}
        assert not Run.objects.filter(graph="letter", status="pending").exists()
        with pytest.raises(NothingToDo):
            UndoBulk(people.reviewer, made.pk).execute()

    def test_those_that_end_a_run_are_no_group_with_those_that_do_not(
        self, people, bills
    ):
        for row, close in zip(bills, ("cancel", "ignore", "ignore"), strict=True):
            row.policy = json.dumps({"close": close})
            row.save()

        groups = plan(people.reviewer, bills).groups

        ends = {(len(each.items), each.items[0].close_ends_run) for each in groups}
        assert ends == {(1, True), (2, False)}


def test_what_a_policy_takes_away_is_not_offered(people, bills):
    allow(decisions=["approve", "changes"])

    assert kinds(people.reviewer, bills) == ("approve", "changes")
