"""Views of the queue: what an address means, in every order, page by page."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.http import QueryDict
from django.utils import timezone

from tests.services.conftest import ask
from workflows.engine import serde
from workflows.models import Interrupt, SavedView
from workflows.models.interrupt import END_OF_TIME
from workflows.services.access import Rights
from workflows.services.action import InvalidAnswer, NotVisible
from workflows.services.desk.arranging import note_fields
from workflows.services.desk.queue_view import QueueView, cursor_of, page
from workflows.services.desk.saved_views import DeleteView, SaveView, views_of

pytestmark = pytest.mark.django_db


def numbers(query: str, person) -> list[str]:
    """The titles of a view, all pages of two rows."""
    view = QueueView.read(QueryDict(query))
    assert view.problems == ()
    found: list[Interrupt] = []
    after = ""
    while True:
        rows = view.rows(person, Rights(person))
        part = page(rows, view.sort, after, 2)
        found += part
        if len(part) < 2:
            return [row.title for row in found]
        after = cursor_of(part[-1], view.sort)


@pytest.fixture
def questions(people, thread):
    """Five questions, asked one after another."""
    now = timezone.now()
    rows = [ask(thread, name) for name in ("one", "two", "three", "four", "five")]
    for at, row in enumerate(rows):
        row.asked_at = now - timedelta(hours=5 - at)
        row.save()
    return {row.title: row for row in rows}


def change(row: Interrupt, **fields) -> None:
    for name, value in fields.items():
        setattr(row, name, value)
    row.due_order = row.due_at or END_OF_TIME
    row.save()


class TestOrder:
    def test_by_age(self, people, questions):
        assert numbers("", people.viewer) == ["one", "two", "three", "four", "five"]

    def test_by_due_moment_those_without_last(self, people, questions):
        now = timezone.now()
        change(questions["four"], due_at=now + timedelta(hours=1))
        change(questions["two"], due_at=now + timedelta(hours=2))
        change(questions["five"], due_at=now + timedelta(hours=1))

        assert numbers("sort=due", people.viewer) == [
            *("four", "five", "two", "one", "three")
        ]

    def test_by_priority_the_greatest_first(self, people, questions):
        change(questions["three"], priority=5)
        change(questions["five"], priority=5)
        change(questions["one"], priority=-1)

        assert numbers("sort=priority", people.viewer) == [
            *("three", "five", "two", "four", "one")
        ]

    def test_questions_of_one_instant_are_all_shown(self, people, thread):
        for n in range(7):
            ask(thread, f"q{n}")
        Interrupt.objects.update(asked_at=timezone.now())

        assert len(set(numbers("", people.viewer))) == 7


class TestFilters:
    def test_whose(self, people, questions):
        leads = Group.objects.create(name="leads")
        people.reviewer.groups.add(leads)
        change(questions["one"], assignee=people.reviewer)
        change(questions["two"], assignee=people.admin)
        change(questions["three"], assigned_group=leads)
        soon = timezone.now() + timedelta(minutes=1)
        change(questions["four"], claimed_by=people.admin, claimed_until=soon)

        me = people.reviewer
        assert numbers("who=me", me) == ["one"]
        assert numbers("who=mine", me) == ["one", "three", "four", "five"]
        assert numbers("who=nobody", me) == ["four", "five"]
        assert numbers("who=claimed", me) == ["four"]
        assert numbers("who=@admin", me) == ["two"]
        assert numbers("group=leads", me) == ["three"]

    def test_when(self, people, questions):
        now = timezone.now()
        change(questions["one"], due_at=now - timedelta(hours=1))
        change(questions["two"], due_at=now + timedelta(days=3))
        change(questions["three"], snoozed_until=now + timedelta(hours=1))
        change(questions["four"], snoozed_until=now - timedelta(hours=1))

        assert numbers("due=overdue", people.viewer) == ["one"]
        assert numbers("due=week", people.viewer) == ["one", "two"]
        assert numbers("due=none", people.viewer) == ["four", "five"]
        assert numbers("snoozed=1", people.viewer) == ["three"]
        assert numbers("age=7000", people.viewer) == ["one", "two", "four"]

    def test_text_and_number(self, people, questions):
        assert numbers("q=E", people.viewer) == ["one", "three", "five"]
        assert numbers(f"q=%23{questions['two'].pk}", people.viewer) == ["two"]

    def test_signs_of_a_pattern_stand_for_themselves(self, people, thread):
        for title in ("50% off", "50 off", "a_b", "acb", r"C:\temp", "It's"):
            row = ask(thread, title)
            Interrupt.objects.filter(pk=row.pk).update(title=title)

        assert numbers("q=50%25", people.viewer) == ["50% off"]
        assert numbers("q=A_B", people.viewer) == ["a_b"]
        assert numbers("q=%5Ctemp", people.viewer) == [r"C:\temp"]
        assert numbers("q=T's", people.viewer) == ["It's"]

    def test_fields_of_payload(self, people, thread):
        for amount, city in ((5, "Rome"), (500, "Oslo"), (5000, "Roma")):
            row = ask(thread, {"title": f"{amount}", "amount": amount, "city": city})
            Interrupt.objects.filter(pk=row.pk).update(title=str(amount))
            note_fields(row)

        who = people.viewer
        assert numbers("f=payload.amount > 100", who) == ["500", "5000"]
        assert numbers("f=payload.amount %3C%3D 500", who) == ["5", "500"]
        assert numbers("f=payload.city = Oslo", who) == ["500"]
        assert numbers("f=payload.city ~ rom", who) == ["5", "5000"]
        assert numbers("f=payload.city != Rome", who) == ["500", "5000"]
        both = "f=payload.city ~ rom&f=payload.amount > 100"
        assert numbers(both, who) == ["5000"]
        within = "f=payload.amount > 5&f=payload.amount < 5000"
        assert numbers(within, who) == ["500"]
        neither = "f=payload.city != Rome&f=payload.city != Oslo"
        assert numbers(neither, who) == ["5000"]
        assert numbers(f"{neither}&f=payload.city ~ OSL", who) == []
        assert numbers("f=payload.amount = 500.0", who) == ["500"]
        assert numbers("f=state.amount = 500", who) == []

    def test_what_one_may_not_see_is_in_no_view(self, people, questions):
        assert numbers("q=one", people.stranger) == []

    @pytest.mark.parametrize(
        "query",
        [
            *("sort=asked_at", "due=later", "who=everyone", "by=secret", "age=-1"),
            *("f=amount > 5", "f=payload.a' OR 1=1", "f=payload.a > x"),
            "f=thread__graph = x",
        ],
    )
    def test_what_is_not_understood_is_told_and_ignored(self, people, questions, query):
        view = QueueView.read(QueryDict(query))

        assert len(view.problems) == 1
        assert view == QueueView()

    @pytest.mark.parametrize(
        "after", ["x", "1,2", ",,,", "2026-01-01,5", "9" * 400 + ",1", "\0,1"]
    )
    def test_a_place_that_is_none_is_the_beginning(self, people, questions, after):
        rows = QueueView().rows(people.viewer, Rights(people.viewer))

        assert len(page(rows, "age", after, 10)) == 5


def test_a_view_gives_its_address_and_the_address_the_view():
    query = "workflow=letter&who=me&due=today&q=a+b&age=60&f=payload.x+%3E+1&sort=due"
    view = QueueView.read(QueryDict(query))

    assert QueueView.read(QueryDict(view.query())) == view
    assert view.query(after="1,2").endswith("after=1%2C2")


class TestSavedViews:
    def test_it_is_kept_shared_and_forgotten(self, people):
        saved = SaveView(
            people.reviewer, "Big", "f=payload.x > 1", shared=True
        ).execute()
        SaveView(people.reviewer, "Big", "f=payload.x > 2", shared=True).execute()

        [tab] = views_of(people.viewer, QueueView())
        assert (tab.name, tab.is_mine) == ("Big", False)
        assert "%3E+2" in tab.query
        with pytest.raises(NotVisible):
            DeleteView(people.viewer, saved.pk).execute()
        DeleteView(people.reviewer, saved.pk).execute()
        assert not SavedView.objects.exists()

    @pytest.mark.parametrize(
        ("name", "query"), [("", "q=a"), ("x" * 81, ""), ("a", "sort=none"), ("\0", "")]
    )
    def test_what_cannot_be_kept_is_refused(self, people, name, query):
        with pytest.raises(InvalidAnswer):
            SaveView(people.reviewer, name, query).execute()


def test_the_value_of_a_filter_is_never_markup_or_sql(people, thread):
    row = ask(thread, {"title": "t", "x": "'; DROP TABLE"})
    note_fields(row)

    assert numbers("f=payload.x = '; DROP TABLE", people.viewer) == [row.title]
    assert serde.tree(row.value)["x"] == "'; DROP TABLE"
