"""Threads found by their attributes: the language, its errors, and what it finds (RA.11, RB.11)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from hypothesis import given, settings
from hypothesis import strategies as st

from durableweb import durable
from durableweb.durable import WhereError, list_interrupts, list_threads
from tests.services.test_listing import asked
from tests.storage.test_indexes import plan_of
from workflows.models import Thread, ThreadAttribute
from workflows.storage.attributes import rows_of
from workflows.storage.saver import DjangoSaver

pytestmark = [pytest.mark.django_db, pytest.mark.rule("RA.11", "RB.11")]

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
THREADS: dict[str, dict[str, Any]] = {
    "a": {"customer": "c7", "amount": 120, "paid": True, "tags": ["urgent", "x"]},
    "b": {"customer": "c8", "amount": 99.5, "paid": False, "tags": []},
    "c": {"customer": "C7", "due": NOON, "mixed": "5"},
    "d": {"amount": 100, "due": NOON + timedelta(days=1), "mixed": 5},
    "e": {},
}


def stored(threads: dict[str, dict[str, Any]], **more: Any) -> None:
    for name, attributes in threads.items():
        Thread.objects.create(id=name, graph=f"graph-{name}", **more)
        ThreadAttribute.objects.bulk_create(
            ThreadAttribute(thread_id=name, **row._asdict())
            for row in rows_of(attributes)
        )


@pytest.fixture
def threads() -> None:
    stored(THREADS)
    Thread.objects.filter(id="a").update(status="interrupted")
    Thread.objects.filter(id="e").update(status="waiting")


def found(where: str) -> str:
    return "".join(sorted(each.thread_id for each in list_threads(where=where)))


@pytest.mark.usefixtures("threads")
class TestFinding:
    @pytest.mark.parametrize(
        ("where", "names"),
        [
            ("customer = 'c7'", "a"),
            ('customer == "c7"', "a"),
            ("customer != 'c7'", "bc"),
            ("not customer = 'c7'", "bcde"),
            ("customer < 'a'", "c"),
            ("amount > 99.5", "ad"),
            ("amount >= 99.5 and amount <= 100", "bd"),
            ("amount <> 100", "ab"),
            ("amount in (100, 120)", "ad"),
            ("amount not in (100, 120)", "b"),
            ("amount > -1e3 AND NOT paid = true", "bd"),
            ("paid = false or due > '2026-11-21T13:00+01:00'", "bd"),
            ("due = '2026-11-21T13:00+01:00'", "c"),
            ("due >= '2026-11-22'", "d"),
            ("tags has 'urgent'", "a"),
            ("not tags contains 'urgent'", "bcde"),
            ("status = 'interrupted' and amount > 100", "a"),
            ("status = 'waiting'", "e"),
            ("graph in ('graph-a', 'graph-e')", "ae"),
            ("graph != 'graph-a' and status != 'interrupted'", "bcde"),
            ("created_at > '2001-01-01' and updated_at > '2001-01-01'", "abcde"),
            ("created_at < '2001-01-01'", ""),
            ("customer = 'c7' or amount = 100 and paid = true", "a"),
            ("(customer = 'c7' or amount = 100) and due > '2001-01-01'", "d"),
            ("mixed = 5", "d"),
            ("mixed = '5'", "c"),
            ("mixed in (5, '5')", "cd"),
        ],
    )
    def test_it_finds(self, where, names):
        assert found(where) == names

    def test_a_quote_is_doubled_and_nothing_else_is_special(self):
        strange = """it's "100%" \\ ; DROP TABLE x --"""
        stored({"q": {"customer": strange}})
        doubled = strange.replace("'", "''")

        assert found(f"customer = '{doubled}'") == "q"

    def test_a_summary_tells_the_attributes(self):
        (thread,) = list_threads(where="customer = 'c7'").items

        assert thread.attributes == THREADS["a"]

    def test_pages_go_on_where_they_ended(self):
        first = list_threads(where="amount > 0", limit=2)
        second = list_threads(where="amount > 0", limit=2, after=first.next)

        names = [each.thread_id for each in (*first, *second)]
        assert sorted(names) == ["a", "b", "d"]
        assert second.next is None

    def test_texts_longer_than_the_index_are_compared_whole(self):
        long = "z" * 300
        stored({"y": {"customer": long + "y"}, "z": {"customer": long + "z"}})

        assert found(f"customer = '{long}z'") == "z"
        assert found(f"customer > '{long}y'") == "z"
        assert found(f"customer >= '{long}y' and customer < '{long}z'") == "y"
        assert found(f"customer = '{long[:200]}'") == ""


@pytest.mark.usefixtures("threads")
class TestErrors:
    @pytest.mark.parametrize(
        ("where", "position", "reason"),
        [
            ("", 0, "nothing to look for"),
            ("amount >", 8, "found the end, expected a value"),
            ("amount > > 1", 9, "found >, expected a value"),
            ("amount > big", 9, "a text stands in quotes: 'big'"),
            ("amount 100", 7, "expected one of = != < <= > >= in, not in, has"),
            ("100 < amount", 0, "the name comes first"),
            ("amount > 100 amount", 13, "expected and, or, or the end"),
            ("(amount > 100", 13, "expected and, or, or )"),
            ("amount > 12x", 9, "this is no number"),
            ("customer = 'c7", 11, "no closing '"),
            ("amount > 1; drop", 10, "';' means nothing here"),
            ("amount in 5", 10, "expected ( and a list"),
            ("amount in (5", 12, "expected , or )"),
            ("amount not 5", 11, "expected in"),
            ("amuont > 1", 0, "no thread has an attribute amuont; did you mean amount"),
            ("xyzzy > 1", 0, "no thread has an attribute xyzzy"),
            (
                "amount > '1'",
                9,
                "amount is a number; it cannot be compared with a text",
            ),
            (
                "customer = 1",
                11,
                "customer is a text; it cannot be compared with a num",
            ),
            ("customer = true", 11, "cannot be compared with true or false"),
            ("paid > true", 0, "true and false have no order"),
            ("due > 'soon'", 6, "expected an instant"),
            ("due > '0001-01-01T00:00+10:00'", 6, "expected an instant"),
            ("created_at > 5", 13, "expected an instant"),
            ("tags = 'x'", 0, "tags is a list; ask tags has 'text'"),
            ("tags has 5", 9, "a list has texts"),
            ("customer has 'c'", 0, "has is for lists"),
            ("status has 'x'", 0, "status is no list"),
            (
                "status = 'asleep'",
                9,
                "status is idle, busy, interrupted, waiting, error",
            ),
            ("status > 'idle'", 0, "status has no order"),
            ("graph = 5", 8, "graph is a text"),
            ("amount > 1e999", 9, "too large"),
            ("amount > 9007199254740993", 9, "too large"),
            ("customer = '\0'", 11, "NUL"),
            ("(" * 40 + "amount > 1" + ")" * 40, 31, "more than 30 levels"),
            ("not " * 40 + "amount > 1", 124, "more than 30 levels"),
            (" or ".join(["paid = true"] * 51), 750, "more than 50 comparisons"),
            (f"amount in ({','.join('1' * 101)})", 211, "more than 100 values"),
            ("amount > 1" + " " * 2000, 2000, "more than 2000 characters"),
        ],
    )
    def test_what_makes_no_sense_is_told_with_its_place(self, where, position, reason):
        with pytest.raises(WhereError, match=r"where, at character \d+: ") as raised:
            list_threads(where=where)

        assert reason in raised.value.reason
        assert raised.value.position == position

    def test_no_text_is_no_where(self):
        with pytest.raises(TypeError, match="where is a text"):
            list_threads(where=5)  # type: ignore[arg-type]


class TestQuestions:
    @pytest.fixture(autouse=True)
    def _asked(self):
        for number in (1, 2, 3):
            asked(number)
        saver = DjangoSaver()
        saver.put_attributes("t001", {"customer": "c7", "amount": 5, "due": NOON})
        saver.put_attributes("t002", {"customer": "c7", "amount": 6, "paid": True})

    @pytest.mark.parametrize(
        ("attributes", "numbers"),
        [
            ({"customer": "c7"}, [2, 1]),
            ({"customer": "c7", "amount": 5}, [1]),
            ({"amount": 6.0, "paid": True}, [2]),
            ({"due": NOON.astimezone()}, [1]),
            ({"paid": 1}, []),
            ({"unknown": "x"}, []),
            ({}, [3, 2, 1]),
        ],
    )
    def test_they_are_found_by_what_their_thread_has(self, attributes, numbers):
        page = list_interrupts(attributes=attributes)

        assert [int(each.interrupt_id) for each in page] == numbers

    @pytest.mark.parametrize(
        "value", [None, ["x"], object(), NOON.replace(tzinfo=None)]
    )
    def test_what_nothing_equals_is_refused(self, value):
        with pytest.raises(TypeError, match=r"attributes: tags is .*; give a text"):
            list_interrupts(attributes={"tags": value})


@pytest.mark.parametrize(
    ("condition", "index"),
    [
        ("number > 5", "attribute_number"),
        ("kind = 'text' AND key = 'c7'", "attribute_text"),
        ("kind = 'instant' AND key > '2026'", "attribute_text"),
    ],
)
def test_values_are_found_by_an_index(condition, index):
    plan = plan_of(
        "SELECT thread_id FROM workflows_threadattribute"
        f" WHERE name = 'amount' AND {condition}"
    )

    assert index in plan


@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="about PostgreSQL")
@pytest.mark.parametrize("column", ["text", "key"])
def test_texts_compare_by_letter_whatever_the_database_does(column):
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.collname FROM pg_attribute a JOIN pg_collation c ON c.oid ="
            " a.attcollation WHERE a.attrelid = 'workflows_threadattribute'::regclass"
            " AND a.attname = %s",
            [column],
        )
        assert cursor.fetchone() == ("C",)


def test_comparisons_of_texts_are_those_of_python():
    texts = ["a", "B", "b", "\u00e4", "A", "z", "\U0001f600", "\uffff", "", " ", "aB"]
    stored({f"t{n:02d}": {"word": text} for n, text in enumerate(texts)})

    for text in texts:
        page = list_threads(where=f"word < '{text}'")
        less = {each.attributes["word"] for each in page}
        assert less == {other for other in texts if other < text}, (
            connection.vendor,
            text,
        )


# What the database finds is what Python finds, for any expression over any attributes.

_VALUES = {
    "n": st.integers(-3, 3) | st.sampled_from([0.5, -2.5]),
    "s": st.sampled_from(["", "a", "A", "b", "it's", "%"]),
    "b": st.booleans(),
    "at": st.integers(0, 3).map(lambda hours: NOON + timedelta(hours=hours)),
    "l": st.lists(st.sampled_from(["x", "y"]), max_size=2),
}
_ATTRIBUTES = st.fixed_dictionaries({}, optional=_VALUES)
_ORDER = {
    "=": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}


def written(value: Any) -> str:
    """A value as the language writes it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime):
        return f"'{value.isoformat()}'"
    return (
        "'" + value.replace("'", "''") + "'" if isinstance(value, str) else str(value)
    )


@st.composite
def comparisons(draw: Any) -> tuple[str, Any]:
    """A comparison as a text, and as a function of a thread's attributes."""
    name = draw(st.sampled_from(list(_VALUES)))
    if name == "l":
        item = draw(st.sampled_from(["x", "y", "z"]))
        return f"l has '{item}'", lambda a: item in a.get("l", ())
    if draw(st.booleans()):
        values = draw(st.lists(_VALUES[name], min_size=1, max_size=3))
        word = draw(st.sampled_from(["in", "not in"]))
        text = f"{name} {word} ({', '.join(map(written, values))})"
        return text, lambda a: name in a and (a[name] in values) == (word == "in")
    value = draw(_VALUES[name])
    sign = draw(st.sampled_from(list(_ORDER)[:2] if name == "b" else list(_ORDER)))
    text = f"{name} {sign} {written(value)}"
    return text, lambda a: name in a and _ORDER[sign](a[name], value)


def grown(below: Any) -> Any:
    """`not`, `and` and `or` over smaller expressions; parentheses where they are needed."""
    pairs = st.tuples(below, below)
    return (
        below.map(lambda e: (f"not ({e[0]})", lambda a: not e[1](a)))
        | pairs.map(lambda p: (f"({p[0][0]}) and ({p[1][0]})", _both(*p)))
        | pairs.map(lambda p: (f"(({p[0][0]}) or {p[1][0]})", _either(*p)))
    )


def _both(left: Any, right: Any) -> Any:
    return lambda a: left[1](a) and right[1](a)


def _either(left: Any, right: Any) -> Any:
    return lambda a: left[1](a) or right[1](a)


@given(
    many=st.lists(_ATTRIBUTES, min_size=1, max_size=6),
    expression=st.recursive(comparisons(), grown, max_leaves=5),
)
@settings(max_examples=60, deadline=None)
def test_the_database_finds_what_python_finds(many, expression):
    where, holds = expression
    # One more has them all, so that every name is known.
    named = dict(
        enumerate([*many, {"n": 9, "s": "z", "b": True, "at": NOON, "l": ["x"]}])
    )
    Thread.objects.all().delete()
    stored({f"t{n}": attributes for n, attributes in named.items()})

    found = {each.thread_id for each in list_threads(where=where)}

    assert found == {f"t{n}" for n, each in named.items() if holds(each)}, where


def test_the_face_offers_it():
    assert {"WhereError", "set_attributes", "list_threads"} <= {*durable.__all__}
