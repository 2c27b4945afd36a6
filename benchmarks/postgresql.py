"""The rows that need PostgreSQL: a step, tasks and `Send`, with what each asks of the server.

Uses the server of TEST_POSTGRES_URL, or starts one that waits for its disk (fsync on) and
removes it again; where there is none it says so and leaves. Each side has a database of its
own on it. `python -m benchmarks.postgresql --rounds 5`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

from benchmarks._measure import Cost, header, in_a_row, pair, timed
from benchmarks._programs import Work, chain, sends, tasks
from benchmarks._sides import Counts, Side, Sides, counts_of, sides
from tests.support.postgres import (
    NoPostgresError,
    create_database,
    drop_database,
    given_url,
    running,
)

CALLS = 4


def floor(url: str) -> float:
    """Microseconds of one prepared insert and commit of the bytes of a step, in a row."""
    with psycopg.connect(url, autocommit=True) as bare:
        bare.execute("CREATE TABLE step (id bigserial PRIMARY KEY, body text)")

        def one() -> None:
            bare.execute(
                "INSERT INTO step (body) VALUES (%s)", ("x" * 600,), prepare=True
            )

        return in_a_row(one, 100, warm=100)


class Server:
    """What the server has done, asked on a connection of its own."""

    def __init__(self, url: str) -> None:
        self.asking = psycopg.connect(url, autocommit=True)

    @contextmanager
    def counted(self, saver: Any) -> Iterator[Counts]:
        """Count what is sent inside the block, and the commits that write."""
        counts = Counts()
        sent = psycopg.Cursor.execute

        def execute(cursor: Any, *given: Any, **options: Any) -> Any:
            counts.statements += 1
            return sent(cursor, *given, **options)

        many = psycopg.Cursor.executemany

        def executemany(cursor: Any, query: Any, rows: Any, **options: Any) -> Any:
            rows = list(rows)
            counts.statements += len(rows)
            return many(cursor, query, rows, **options)

        before = self._commits()
        psycopg.Cursor.execute, psycopg.Cursor.executemany = execute, executemany  # type: ignore[method-assign]
        try:
            yield counts
        finally:
            psycopg.Cursor.execute, psycopg.Cursor.executemany = sent, many  # type: ignore[method-assign]
        counts.commits = self._commits() - before

    def _commits(self) -> int:
        """The next transaction number: one is used up by each transaction that writes."""
        row = self.asking.execute(
            "SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint"
        ).fetchone()
        return int(row[0]) if row else 0


def their_saver(url: str) -> Any:
    """LangGraph's saver with its tables, or None where it is not installed."""
    try:
        from langgraph.checkpoint.postgres import PostgresSaver
    except ImportError:
        return None
    from psycopg.rows import dict_row

    connection = psycopg.connect(
        url, autocommit=True, prepare_threshold=0, row_factory=dict_row
    )
    saver = PostgresSaver(connection)
    saver.setup()
    return saver


def rows(both: Sides, mine: Any, theirs: Any, server: Server, given: Any) -> None:
    def show(
        name: str, program: Callable[..., Work], *arguments: Any, **options: Any
    ) -> None:
        def side_of(side: Side, saver: Any) -> tuple[Callable[[], Cost], Work]:
            run, steps = program(side, saver, *arguments, **options)
            return (lambda: timed(run, steps)), (run, steps)

        ours, work = side_of(both.ours, mine)
        counted = [(both.ours, mine, work[0])]
        peer = None
        if theirs is not None:
            peer, other = side_of(both.peer, theirs)
            counted.append((both.peer, theirs, other[0]))
        row = pair(name, ours, peer, rounds=given.rounds)
        row.notes.append(counts_of(server.counted, counted, work[1]))
        if program is tasks:
            row.notes.append("theirs does not wait until a task's result is saved")
        print(row.text(), flush=True)

    show(f"PostgreSQL, sync, chain of {given.steps}", chain, given.steps, CALLS)
    show(f"Send to {given.tasks}, a task", sends, given.tasks)
    for parallel, how in ((False, "in sequence"), (True, "at once")):
        show(
            f"entrypoint, {given.tasks} tasks {how}, a task",
            tasks,
            given.tasks,
            parallel=parallel,
        )


def on_a_server(measure: Callable[..., None], given: Any) -> int:
    """Call `measure(both sides, our saver, theirs or None, URLs of both and of an empty database, given)`.

    On the server of TEST_POSTGRES_URL or on one of its own, where there is one; the databases are dropped again.
    """
    known = given_url()
    try:
        if known:
            _on_databases(known, measure, given)
        else:
            with running(durable=True) as url:
                _on_databases(url, measure, given)
    except NoPostgresError as error:
        print(f"left out: {error}")
    return 0


def _on_databases(url: str, measure: Callable[..., None], given: Any) -> None:
    databases = [create_database(url, prefix="bench") for _ in range(3)]
    theirs = None
    try:
        both = sides(databases[0])
        from django.db import connections

        from durableweb.checkpoint.django import DjangoSaver

        theirs = their_saver(databases[1])
        measure(both, DjangoSaver(), theirs, databases, given)
        connections.close_all()
    finally:
        if theirs is not None:
            theirs.conn.close()
        for database in databases:
            drop_database(database)


def measure(both: Sides, mine: Any, theirs: Any, urls: list[str], given: Any) -> None:
    if theirs is None:
        print("langgraph-checkpoint-postgres is not installed: no peer in these rows")
    print(header("microseconds a step or task"))
    print(
        "among our statements and commits is the NOTIFY that wakes the pages, at most 40 a second; it "
        "writes nothing and waits for no disk"
    )
    print(f"one bare prepared insert and commit: {floor(urls[2]):.0f} microseconds")
    rows(both, mine, theirs, Server(urls[2]), given)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--tasks", type=int, default=100)
    return on_a_server(measure, parser.parse_args())


if __name__ == "__main__":
    sys.exit(main())
