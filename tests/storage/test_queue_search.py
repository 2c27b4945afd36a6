"""The index of the queue's search: there where it may be, told of where it may not."""

from io import StringIO

import pytest
from django.db import connection

from workflows import checks
from workflows.storage.queue_search import (
    ASIDE,
    STATISTICS,
    ensure_search,
    has_index,
    lacks_index,
)

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(
        connection.vendor != "postgresql", reason="only PostgreSQL has trigrams"
    ),
]


def run(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


@pytest.fixture
def without() -> None:
    """The database as one where the extension was never made."""
    run("DROP EXTENSION IF EXISTS pg_trgm CASCADE")


@pytest.fixture
def modest() -> None:
    """A role that may use the tables, and create nothing in the database."""
    run("CREATE ROLE modest_reader")
    run("GRANT USAGE ON SCHEMA public TO modest_reader")
    run("SET LOCAL ROLE modest_reader")


def test_it_is_made_once_the_extension_can_be(without):
    if not _is_available():
        pytest.skip("this server does not come with pg_trgm")

    ensure_search()
    ensure_search()

    assert has_index("default")
    assert checks.check_queue_search(databases=["default"]) == []


@pytest.mark.usefixtures("without", "modest")
def test_a_role_that_may_not_goes_without_and_is_told():
    said = StringIO()

    ensure_search(verbosity=1, stdout=said)

    assert lacks_index("default")
    assert ASIDE in said.getvalue()
    (message,) = checks.check_queue_search(databases=["default"])
    assert message.id == "workflows.I002"
    assert "CREATE EXTENSION pg_trgm" in message.hint


def test_an_extension_elsewhere_is_found(without):
    if not _is_available():
        pytest.skip("this server does not come with pg_trgm")
    run("CREATE SCHEMA somewhere_else")
    run("CREATE EXTENSION pg_trgm SCHEMA somewhere_else")

    ensure_search()

    assert has_index("default")


def test_the_statistics_are_made_without_any_right():
    run(f"DROP STATISTICS {STATISTICS}")

    ensure_search()

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT stxkind FROM pg_statistic_ext WHERE stxname = %s", [STATISTICS]
        )
        assert cursor.fetchone()


def _is_available() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_available_extensions WHERE name = 'pg_trgm'")
        return cursor.fetchone() is not None
