"""A superstep costs one statement and one commit, whatever belongs to it."""

from __future__ import annotations

import asyncio
import threading

import pytest
from asgiref.sync import sync_to_async
from django.db import connection, connections, transaction

from tests.storage.commits import History, asking, task
from tests.storage.conftest import real_transactions
from workflows.engine.checkpoint.base import Closed
from workflows.models import Checkpoint, Event
from workflows.storage import events
from workflows.storage.saver import DjangoSaver

pytestmark = real_transactions

only_postgresql = pytest.mark.skipif(
    "connection.vendor != 'postgresql'", reason="about PostgreSQL"
)
only_sqlite = pytest.mark.skipif("connection.vendor != 'sqlite'", reason="about SQLite")


@pytest.fixture(autouse=True)
def _nobody_is_told(monkeypatch):
    """What the announcer sends comes after the commit and is not the saver's."""
    monkeypatch.setattr(events, "_announcer", events._tell_nobody)


def begun() -> History:
    saver = DjangoSaver()
    saver.open("t", None)
    history = History(saver)
    history.commit({"a": 1, "log": ["x" * 100]})
    ending, history.question = asking("Really?")
    history.commit(writes=[ending])
    return history


def superstep(history: History, number: int = 0, **options) -> None:
    """Two channels (one a delta), three tasks, a question asked and one closed."""
    ending, question_id = asking("And now?", task_id=f"q{number}")
    history.commit(
        {"a": number, "log": [*history.values["log"], "y"]},
        writes=[task(f"t{number}", a=1), task(f"u{number}", b=2), ending],
        closed=[Closed(history.question, "resolved")],
        due=[{"node": "n", "by": []}],
        **options,
    )
    history.question = question_id


@pytest.fixture
def sqlite_log():
    """Every statement that SQLite ran."""
    statements: list[str] = []
    connection.ensure_connection()
    connection.connection.set_trace_callback(statements.append)
    yield statements
    connection.connection.set_trace_callback(None)


@only_sqlite
def test_on_sqlite_it_is_one_immediate_transaction(request):
    history = begun()
    log = request.getfixturevalue("sqlite_log")

    superstep(history)

    assert log[0] == "BEGIN IMMEDIATE"
    assert log[-1] == "COMMIT"
    assert not [line for line in log[1:-1] if line.startswith(("BEGIN", "COMMIT"))]


@only_sqlite
def test_async_durability_is_set_between_transactions_on_sqlite(request):
    history = begun()
    log = request.getfixturevalue("sqlite_log")

    superstep(history, durability="async")
    assert log[:2] == ["PRAGMA synchronous=NORMAL", "BEGIN IMMEDIATE"]
    assert log[-2:] == ["COMMIT", "PRAGMA synchronous=FULL"]
    log.clear()

    superstep(history, 1, durability="async", last=True)
    assert (log[0], log[-1]) == ("BEGIN IMMEDIATE", "COMMIT")


@only_sqlite
def test_taking_a_thread_does_not_wait_for_the_disk_and_giving_it_back_does(request):
    log = request.getfixturevalue("sqlite_log")
    saver = DjangoSaver()

    place = saver.open("t", None)
    taken = [*log]
    log.clear()
    saver.close(place)

    assert (taken[0], taken[-1]) == (
        "PRAGMA synchronous=NORMAL",
        "PRAGMA synchronous=FULL",
    )
    assert not [line for line in log if line.startswith("PRAGMA")]


@only_sqlite
def test_taking_inside_a_transaction_of_the_caller_leaves_the_level_alone(request):
    log = request.getfixturevalue("sqlite_log")

    with transaction.atomic():
        DjangoSaver().open("t", None)

    assert not [line for line in log if line.startswith("PRAGMA")]


@only_postgresql
def test_on_postgresql_it_is_one_statement_and_one_transaction():
    history = begun()
    ran = statements_of(lambda: superstep(history))

    assert len(ran) == 1
    assert ran[0].startswith("WITH thread")
    with connection.cursor() as cursor:
        # All rows carry the same transaction number: one commit.
        cursor.execute(
            "SELECT count(DISTINCT number) FROM ("
            " SELECT xmin::text AS number FROM workflows_checkpoint WHERE id = %s"
            " UNION ALL SELECT xmin::text FROM workflows_channelvalue WHERE checkpoint = %s"
            " UNION ALL SELECT xmin::text FROM workflows_pendingwrite WHERE task = 't0'"
            " UNION ALL SELECT xmin::text FROM workflows_thread) AS rows",
            [history.head, history.head],
        )
        assert cursor.fetchone()[0] == 1


@only_postgresql
@pytest.mark.rule("RB.11")
def test_attributes_are_parts_of_the_same_statement():
    history = begun()
    superstep(history, 1, attributes={"a": 1, "b": ["x", "y"]})

    changed = statements_of(lambda: superstep(history, 2, attributes={"a": 2}))
    plain = statements_of(lambda: superstep(history, 3))

    # The names that the thread has were read with the first.
    assert len(changed) == len(plain) == 1
    assert "workflows_threadattribute" in changed[0]
    assert "workflows_threadattribute" not in plain[0]
    assert history.saver.attributes_of("t") == {"a": 2, "b": ["x", "y"]}


@only_sqlite
@pytest.mark.rule("RB.11")
def test_a_step_without_attributes_does_nothing_for_them_on_sqlite(request):
    history = begun()
    log = request.getfixturevalue("sqlite_log")

    superstep(history)

    assert not [line for line in log if "threadattribute" in line]


@only_postgresql
def test_it_is_prepared_on_djangos_own_connection():
    connection.close()  # what earlier tests have prepared goes with it
    history = begun()
    for number in range(3):
        superstep(history, number)

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT generic_plans + custom_plans FROM pg_prepared_statements"
            " WHERE statement LIKE 'WITH thread%%closed AS%%asked AS%%'"
        )
        assert [row[0] for row in cursor.fetchall()] == [3]


@only_postgresql
def test_async_durability_does_not_wait_for_the_disk_and_the_last_does():
    history = begun()

    relaxed = statements_of(lambda: superstep(history, 0, durability="async"))
    last = statements_of(lambda: superstep(history, 1, durability="async", last=True))

    assert "synchronous_commit" in relaxed[0]
    assert "synchronous_commit" not in last[0]
    with connection.cursor() as cursor:
        cursor.execute("SHOW synchronous_commit")
        assert cursor.fetchone()[0] == "on"


def statements_of(function) -> list[str]:
    """The statements that `function` sent on the driver's connection."""
    import psycopg

    ran: list[str] = []
    original = psycopg.Cursor.execute
    here = threading.get_ident()

    def execute(self, query, *args, **options):
        if threading.get_ident() == here:  # not what the lease's beat sends
            ran.append(query)
        return original(self, query, *args, **options)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(psycopg.Cursor, "execute", execute)
        function()
    return ran


def test_inside_a_transaction_of_the_caller_it_goes_with_it():
    history = begun()
    checkpoints, told = Checkpoint.objects.count(), Event.objects.count()

    with transaction.atomic():
        superstep(history)
        assert Checkpoint.objects.count() == checkpoints + 1
        transaction.set_rollback(True)

    assert (Checkpoint.objects.count(), Event.objects.count()) == (checkpoints, told)


def test_a_relaxed_commit_inside_a_transaction_stays_the_callers():
    history = begun()

    with transaction.atomic():
        superstep(history, durability="async")
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SHOW synchronous_commit")
                assert cursor.fetchone()[0] == "on"

    assert history.read().checkpoint["channel_values"] == history.values


def test_after_a_rollback_the_saver_writes_what_is_missing():
    history = begun()
    head, values, versions = history.head, history.values, dict(history.versions)

    with transaction.atomic():
        superstep(history)
        transaction.set_rollback(True)
    history.head, history.values, history.versions = head, values, versions
    history.commit({"log": [*values["log"], "z"]})

    assert history.read(saver=DjangoSaver()).checkpoint["channel_values"] == (
        history.values
    )


def test_an_open_place_inside_a_transaction_sees_a_refusal_and_the_caller_goes_on():
    history = begun()
    with transaction.atomic():
        with pytest.raises(Exception, match="busy"):
            DjangoSaver().open("t", None)
        superstep(history)

    assert history.read().checkpoint["id"] == history.head


def test_it_is_announced_after_the_commit(monkeypatch):
    told = []
    monkeypatch.setattr(events, "_announcer", lambda *news: told.append(news))
    history = begun()
    told.clear()

    with transaction.atomic():
        superstep(history)
        assert told == []
    superstep(history, 1)

    seqs = [*Event.objects.order_by("-seq").values_list("seq", flat=True)]
    assert told[1] == ("t", seqs[0])
    assert told[0][1] < told[1][1]


@pytest.fixture
async def _hop_is_closed():
    """The thread that async calls hop to keeps its connection until told otherwise."""
    yield
    await sync_to_async(connections.close_all)()


@pytest.mark.usefixtures("_hop_is_closed")
async def test_the_async_faces_do_the_same():
    saver = DjangoSaver()
    place = await saver.aopen("t", None)
    history = History(DjangoSaver())
    checkpoint = history.checkpoint({"a": 1})
    config = {"configurable": {"thread_id": "t", "checkpoint_ns": ""}}

    saved = await saver.aput(config, checkpoint, {"step": 1}, {"a": 1})
    await saver.aput_writes(saved, [("a", 2)], "task", "path")
    found = await saver.aget_tuple(config)
    listed = [item async for item in saver.alist(config)]

    assert found is not None
    assert found.pending_writes == [("task", "a", 2)]
    assert [item.checkpoint for item in listed] == [found.checkpoint]
    assert await saver.ahead("t") == checkpoint["id"]
    await saver.aclose(place)
    await saver.adelete_thread("t")
    assert await saver.aget_tuple(config) is None
    assert await asyncio.gather(saver.ahead("t"), saver.ahead("u")) == [None, None]
