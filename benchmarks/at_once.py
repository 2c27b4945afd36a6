"""Many short workflows at once: how many of ten steps a process finishes in a second.

So many threads, or tasks of one event loop, each start workflow after workflow, each on a thread of
its own and with every step saved before the next. On PostgreSQL where a server is at hand (see
`benchmarks.postgresql`), else on SQLite. `python -m benchmarks.at_once --at-once 8 32`.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

from benchmarks._measure import Cost, header, pair, timed
from benchmarks._programs import chain_graph
from benchmarks._sides import SYNC, Side, Sides, counted_on_sqlite, new_config, sides
from benchmarks.postgresql import Server, floor
from tests.support.postgres import (
    NoPostgresError,
    create_database,
    drop_database,
    given_url,
    running,
)

STEPS = 10


class Workflows:
    """One side's workflows; each call of `many` finishes so many."""

    def __init__(self, side: Side, saver: Any, at_once: int, number: int) -> None:
        self.graph = chain_graph(side, saver, STEPS)
        self.pool = ThreadPoolExecutor(at_once)
        self.number = number

    def one(self, _: int = 0) -> None:
        found = self.graph.invoke({"n": 0}, new_config(STEPS), **SYNC)
        assert found["n"] == STEPS - 1

    def many(self) -> None:
        for _ in self.pool.map(self.one, range(self.number)):
            pass

    def measured(self) -> Callable[[], Cost]:
        return lambda: timed(self.many, self.number)


class Coroutines(Workflows):
    """The same, of coroutine functions, as tasks of one event loop."""

    def __init__(
        self, side: Side, saver: Any, at_once: int, number: int, runner: asyncio.Runner
    ) -> None:
        self.graph = chain_graph(side, saver, STEPS, coroutines=True)
        self.at_once = at_once
        self.number = number
        self.runner = runner

    async def task(self, numbers: Iterator[int]) -> None:
        for _ in numbers:
            found = await self.graph.ainvoke({"n": 0}, new_config(STEPS), **SYNC)
            assert found["n"] == STEPS - 1

    async def tasks(self) -> None:
        numbers = iter(range(self.number))
        await asyncio.gather(*(self.task(numbers) for _ in range(self.at_once)))

    def many(self) -> None:
        self.runner.run(self.tasks())


async def their_async_saver(file: Path) -> Any:
    """LangGraph's for coroutines: it belongs to the event loop that made it."""
    import aiosqlite
    from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

    connection = await aiosqlite.connect(file)
    await connection.execute("PRAGMA journal_mode=WAL")
    await connection.execute("PRAGMA synchronous=FULL")
    return AsyncSqliteSaver(connection)


async def their_async_pooled_saver(url: str, size: int) -> Any:
    """`their_pooled_saver` for coroutines, or None where it is not installed."""
    try:
        from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
        from psycopg_pool import AsyncConnectionPool
    except ImportError:
        return None
    from psycopg.rows import dict_row

    options = {"autocommit": True, "prepare_threshold": 0, "row_factory": dict_row}
    pool = AsyncConnectionPool(
        url, min_size=1, max_size=size, kwargs=options, open=False
    )
    await pool.open()
    saver = AsyncPostgresSaver(pool)
    await saver.setup()
    return saver


def their_pooled_saver(url: str, size: int) -> Any:
    """LangGraph's saver over a pool of connections, or None where it is not installed."""
    try:
        from langgraph.checkpoint.postgres import PostgresSaver
        from psycopg_pool import ConnectionPool
    except ImportError:
        return None
    from psycopg.rows import dict_row

    options = {"autocommit": True, "prepare_threshold": 0, "row_factory": dict_row}
    pool = ConnectionPool(url, min_size=1, max_size=size, kwargs=options, open=True)
    saver = PostgresSaver(pool)
    saver.setup()
    return saver


def rows(both: Sides, mine: Any, theirs: Any, counted: Any, given: Any) -> None:
    for at_once in given.at_once:
        ours = Workflows(both.ours, mine, at_once, given.number)
        peer = theirs and Workflows(both.peer, theirs, at_once, given.number)
        show(f"{STEPS}-step workflows, {at_once} at once", ours, peer, given)
    found = []
    for side, saver in ((both.ours, mine), (both.peer, theirs)):
        if saver is None:
            continue
        one = Workflows(side, saver, 1, 1)
        one.one()
        with counted(saver) as counts:
            one.one()
        found.append(counts.text(side.name, 1))
    print(f"    a workflow, alone: {'; '.join(found)}")


def async_rows(
    both: Sides, mine: Any, theirs: Any, given: Any, runner: asyncio.Runner
) -> None:
    for at_once in given.at_once:
        ours = Coroutines(both.ours, mine, at_once, given.number, runner)
        peer = theirs and Coroutines(both.peer, theirs, at_once, given.number, runner)
        show(f"the same, async, {at_once} at once", ours, peer, given)


def show(name: str, ours: Workflows, peer: Workflows | None, given: Any) -> None:
    row = pair(
        name,
        ours.measured(),
        peer.measured() if peer else None,
        rounds=given.rounds,
    )
    rates = [f"durableweb {_rates(row.ours)} a second"]
    if peer:
        rates.append(f"LangGraph {_rates(row.peer)}")
    row.notes.append("; ".join(rates))
    print(row.text(), flush=True)


def _rates(costs: list[Cost]) -> str:
    rates = sorted(1e6 / cost.wall for cost in costs)
    return f"{statistics.median(rates):.0f} ({rates[0]:.0f} to {rates[-1]:.0f})"


def on_postgresql(url: str, given: Any) -> None:
    databases = [create_database(url, prefix="bench") for _ in range(3)]
    theirs = None
    try:
        both = sides(databases[0])
        from django.db import connections

        from durableweb.checkpoint.django import DjangoSaver

        theirs = their_pooled_saver(databases[1], max(given.at_once))
        if theirs is None:
            print("langgraph-checkpoint-postgres is not installed: no peer here")
        print(header("microseconds a workflow, PostgreSQL, sync"))
        print(f"one bare prepared insert and commit: {floor(databases[2]):.0f}")
        mine = DjangoSaver()
        rows(both, mine, theirs, Server(databases[2]).counted, given)
        with asyncio.Runner() as runner:
            pooled = runner.run(
                their_async_pooled_saver(databases[1], max(given.at_once))
            )
            async_rows(both, mine, pooled, given, runner)
            if pooled is not None:
                runner.run(pooled.conn.close())
        connections.close_all()
    finally:
        if theirs is not None:
            theirs.conn.close()
        for database in databases:
            drop_database(database)


def on_sqlite(given: Any) -> None:
    both = sides()
    print(header("microseconds a workflow, SQLite FULL, sync"))
    mine, theirs = both.sqlite()
    for saver in (mine, both.own_file()):
        print(f"ours with {type(saver).__name__}")
        rows(both, saver, theirs, counted_on_sqlite, given)
        with asyncio.Runner() as runner:
            peer = runner.run(their_async_saver(both.folder / "theirs-async.sqlite3"))
            async_rows(both, saver, peer, given, runner)
            runner.run(peer.conn.close())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--number", type=int, default=96, help="workflows a round")
    parser.add_argument("--at-once", type=int, nargs="*", default=[8, 32])
    parser.add_argument(
        "--sqlite", action="store_true", help="though a server is there"
    )
    given = parser.parse_args()
    if given.sqlite:
        on_sqlite(given)
        return 0
    known = given_url()
    with suppress(NoPostgresError):
        if known:
            on_postgresql(known, given)
        else:
            with running(durable=True) as url:
                on_postgresql(url, given)
        return 0
    on_sqlite(given)
    return 0


if __name__ == "__main__":
    sys.exit(main())
