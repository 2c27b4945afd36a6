"""What has happened on a thread, as a program reads it."""

import pytest

from tests.api.conftest import problem_in
from tests.api.reading import asks
from tests.web.conftest import happen
from workflows.models import Run

__all__ = ["asks"]


@pytest.fixture
def events(thread) -> None:
    for number in range(1, 6):
        happen(thread, "custom", number=number)


def test_they_come_in_order(program, events):
    body = program("viewer").get("/threads/t-1/events").json()

    assert [each["seq"] for each in body["items"]] == [1, 2, 3, 4, 5]
    assert body["next_after"] == 5
    assert body["items"][0]["kind"] == "custom"
    assert body["items"][0]["data"] == {"number": 1}
    assert body["items"][0]["run"] is None
    assert body["items"][0]["at"].endswith("Z")


def test_the_number_given_goes_on_where_they_ended(program, events, thread):
    one = program("viewer")
    seen, after = [], 0
    for _ in range(4):
        body = one.get(f"/threads/t-1/events?limit=2&after={after}").json()
        seen += [each["seq"] for each in body["items"]]
        after = body["next_after"]
    assert (seen, after) == ([1, 2, 3, 4, 5], 5)

    run = Run.objects.create(thread=thread, kind="start", status="success")
    event = happen(thread, "run", status="success")
    type(event).objects.filter(pk=event.pk).update(run=run)

    (item,) = one.get(f"/threads/t-1/events?after={after}").json()["items"]
    assert (item["seq"], item["run"]) == (6, run.pk)


@pytest.mark.parametrize(
    ("query", "place"),
    [
        ("after=-1", "query.after"),
        ("after=9223372036854775808", "query.after"),
        ("limit=1001", "query.limit"),
        ("wait=3", "query.wait"),
    ],
)
def test_it_says_what_it_does_not_take(program, events, query, place):
    answer = program("viewer").get(f"/threads/t-1/events?{query}")

    assert [*problem_in(answer, 400, "invalid")["errors"]] == [place]


def test_those_of_what_is_hidden_are_nobodys(program, other_thread):
    for name in ("t-secret", "t-nobody"):
        answer = program("operator").get(f"/threads/{name}/events")
        problem_in(answer, 404, "not_found")


def test_the_scope_to_read_is_asked_for(program, events):
    answer = program("operator", "run").get("/threads/t-1/events")

    problem_in(answer, 403, "not_allowed")


def test_more_rows_ask_no_more(program, events, thread, asks):
    one = program("viewer")
    first = asks(one, "/threads/t-1/events")
    for number in range(20):
        happen(thread, "custom", number=number)

    assert asks(one, "/threads/t-1/events") == first
