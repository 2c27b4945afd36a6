"""A connection that PostgreSQL has ended costs one statement, not the thread that had it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, TypedDict

import pytest
from django.conf import settings
from django.db import DatabaseError, connection, connections, transaction

from durableweb.durable import compensate, start_child
from durableweb.func import entrypoint
from durableweb.graph import START, StateGraph
from tests.storage.commits import History
from tests.storage.conftest import real_transactions
from workflows.engine.drivers.threads import Pool
from workflows.models import Run, Thread
from workflows.services import lost_runs, registry
from workflows.services.execute_run import execute_run
from workflows.services.recover_runs import recover_runs
from workflows.services.start_run import start_thread
from workflows.storage import connections as storage_connections
from workflows.storage.dead_leases import release_dead_leases
from workflows.storage.outage import outage
from workflows.storage.saver import DjangoSaver

pytestmark = [
    real_transactions,
    pytest.mark.rule("RA.15"),
    pytest.mark.skipif(not settings.IS_POSTGRESQL, reason="about a server"),
]


@pytest.fixture(autouse=True)
def _sound_connection(transactional_db):
    """This thread's connection is new, and no loss in a test before is still to be looked at."""
    connection.close()
    wrapper: Any = connections["default"]
    wrapper.losses_seen = storage_connections.losses.number
    yield
    connection.close()
    outage.forget()  # else leases that lapse in a test after it would be waited for


def end_connections(only: int | None = None) -> None:
    """Let the server end every other connection to this database, or that one.

    News that is still to be told would meet the loss first, and say so for all: sent before.
    """
    for thread in threading.enumerate():
        if thread.name == "durableweb-notify":
            thread.join(20)
    other = connection.copy()
    with other.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            " AND backend_type = 'client backend' AND (%s::int IS NULL OR pid = %s)",
            [only, only],
        )
    other.close()


def pid() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])


class Beside:
    """A thread that carries out what it is given, on a connection of its own."""

    def __init__(self) -> None:
        self.pool = Pool()

    def call(self, function: Callable[[], Any]) -> Any:
        done, told = threading.Event(), []

        def job() -> None:
            try:
                told.append((True, function()))
            except Exception as error:  # noqa: BLE001 - handed over
                told.append((False, error))
            done.set()

        self.pool.submit(job)
        assert done.wait(20)
        is_well, what = told[0]
        if not is_well:
            raise what
        return what


@pytest.fixture
def beside():
    found = Beside()
    yield found
    found.call(connections.close_all)


class Parcel(TypedDict, total=False):
    parts: str


def graph_of(node: Callable[[Any], Any], **how: Any) -> Any:
    builder = StateGraph(Parcel)
    builder.add_node("pack", node)
    builder.add_edge(START, "pack")
    return builder.compile(**how)


def test_the_statement_after_the_lost_one_has_a_new_connection():
    history = History(DjangoSaver())
    history.commit({"n": 1})
    end_connections()

    with pytest.raises(DatabaseError):
        history.commit({"n": 2})
    history.commit({"n": 3})


def test_a_thread_whose_neighbour_lost_one_asks_before_it_writes(beside):
    saver = DjangoSaver()
    beside.call(lambda: History(saver, "beside").commit({"n": 1}))
    history = History(saver)
    history.commit({"n": 1})
    end_connections()

    with pytest.raises(DatabaseError):
        history.commit({"n": 2})

    beside.call(lambda: History(saver, "beside 2").commit({"n": 2}))


def test_a_task_meets_no_connection_that_died_before_it_began(beside):
    beside.call(lambda: History(DjangoSaver(), "beside").commit({"n": 1}))
    history = History(DjangoSaver())
    history.commit({"n": 1})
    end_connections()

    with pytest.raises(DatabaseError):
        history.commit({"n": 2})

    assert beside.call(Thread.objects.count) == 2


def test_a_call_that_lost_its_connection_gives_the_thread_back():
    lose = [True]

    def pack(state: Parcel) -> Parcel:
        if lose.pop():
            end_connections()
        return {"parts": "all"}

    graph = graph_of(pack, checkpointer=DjangoSaver())
    config = {"configurable": {"thread_id": "t"}}
    with pytest.raises(DatabaseError):
        graph.invoke({}, config)
    assert Run.objects.get().status == "error"
    lose.append(False)

    assert graph.invoke(None, config) == {"parts": "all"}


@pytest.fixture
def run():
    """A run of two nodes side by side; a graph that one of them calls loses its connection once."""
    lose = [True]

    def wrap(state: Parcel) -> Parcel:
        if lose:
            lose.clear()
            pid_here = pid()
            beside = Beside()
            beside.call(lambda: end_connections(pid_here))
            beside.call(connections.close_all)
        return {"parts": "wrapped"}

    inner = graph_of(wrap)
    builder = StateGraph(Parcel)
    builder.add_node("pack", lambda state: inner.invoke({}))
    builder.add_node("weigh", lambda state: {})
    builder.add_edge(START, "pack")
    builder.add_edge(START, "weigh")
    registry.register(builder.compile(), name="parcels")
    start_thread("parcels", {}, thread_id="t")
    yield Run.objects.get()
    registry.unregister("parcels")
    lost_runs._lost.clear()


def test_what_the_storage_lost_inside_a_node_is_not_the_nodes_error(run, settings):
    settings.LEASE_SECONDS = 0.2
    assert execute_run(run.pk) == "lost"

    run.refresh_from_db()
    assert (run.status, run.error) == ("running", "")


def test_a_server_that_was_started_again_costs_no_recovery(run, monkeypatch):
    # As if it had been: what it would say of its start.
    monkeypatch.setattr(lost_runs, "_RESTARTED", "SELECT %s > 0")
    assert execute_run(run.pk) == "lost"

    recover_runs()

    run.refresh_from_db()
    assert (run.status, run.recoveries) == ("pending", 0)
    assert execute_run(run.pk) == "success"


undone: list[str] = []


def undo(what: str) -> None:
    undone.append(what)


@pytest.fixture
def asking():
    """A run that has something to undo, and loses its connection before it starts a child."""
    lose = [True]

    @entrypoint()
    def flow(given: str) -> str:
        compensate(undo, "all")
        if lose:
            lose.clear()
            here = pid()
            other = Beside()
            other.call(lambda: end_connections(here))
            other.call(connections.close_all)
        return start_child("parcel", {}).thread_id

    registry.register(flow, name="asking")
    registry.register(graph_of(lambda state: {}), name="parcel")
    yield start_thread("asking", "", thread_id="t").run_id
    registry.unregister("asking")
    registry.unregister("parcel")
    lost_runs._lost.clear()
    undone.clear()


@pytest.mark.rule("RB.5", "RB.8")
def test_a_child_that_could_not_be_started_is_no_failure_and_undoes_nothing(
    asking, settings
):
    settings.LEASE_SECONDS = 0.2
    assert execute_run(asking) == "lost"

    Run.objects.update(lease_until="2020-01-01T00:00Z")
    outage.forget()
    assert release_dead_leases() == [asking]
    assert execute_run(asking) == "success"
    assert undone == []


def test_a_transaction_of_the_caller_is_not_replaced():
    def in_a_transaction() -> None:
        with transaction.atomic():
            Thread.objects.create(id="mine", graph="g")
            here = pid()
            other = Beside()
            other.call(lambda: end_connections(here))
            other.call(connections.close_all)
            with pytest.raises(DatabaseError):
                History(DjangoSaver(), "t2").commit({"n": 1})
            History(DjangoSaver(), "t3").commit({"n": 1})

    with pytest.raises(DatabaseError):
        in_a_transaction()

    assert not Thread.objects.exists()
