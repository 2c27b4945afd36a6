"""What one superstep costs beside LangGraph: no saver, memory and SQLite, blocking and async.

A chain of nodes that each return one small update. Both savers commit every step before the
next begins ("sync"), SQLite in WAL with synchronous=FULL on the same disk. One row lets
both go on before the disk has it. `python -m benchmarks.superstep --rounds 7 --steps 50`.
"""

from __future__ import annotations

import argparse
import asyncio
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks._measure import ROUNDS, Cost, header, in_a_row, pair, timed
from benchmarks._programs import chain, chain_graph
from benchmarks._sides import (
    SYNC,
    Side,
    counted_on_sqlite,
    counts_of,
    new_config,
    sides,
)

CALLS = 4


def blocking(side: Side, saver: Any, steps: int) -> Callable[[], Cost]:
    run, count = chain(side, saver, steps, CALLS)
    return lambda: timed(run, count)


def asynchronous(side: Side, saver: Any, steps: int) -> Callable[[], Cost]:
    graph = chain_graph(side, saver, steps)
    more = SYNC if saver is not None else {}

    async def run() -> None:
        config = new_config(steps)
        for number in range(CALLS):
            await graph.ainvoke({"n": number}, config, **more)

    return lambda: timed(lambda: asyncio.run(run()), steps * CALLS)


def their_async(side: Side, file: Path, steps: int) -> Callable[[], Cost]:
    """LangGraph's async saver belongs to one event loop, so each round opens it."""
    from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

    async def run() -> None:
        async with AsyncSqliteSaver.from_conn_string(str(file)) as saver:
            await saver.conn.execute("PRAGMA synchronous=FULL")
            graph = chain_graph(side, saver, steps)
            config = new_config(steps)
            for number in range(CALLS):
                await graph.ainvoke({"n": number}, config, **SYNC)

    return lambda: timed(lambda: asyncio.run(run()), steps * CALLS)


def relaxed(side: Side, saver: Any, steps: int) -> Callable[[], Cost]:
    """durability="async": nobody waits for the disk before the next step."""
    graph = chain_graph(side, saver, steps)

    def run() -> None:
        config = new_config(steps)
        for number in range(CALLS):
            graph.invoke({"n": number}, config, durability="async")

    return lambda: timed(run, steps * CALLS)


def floor(folder: Path) -> float:
    """Microseconds of one bare insert and commit of the bytes of a step, in a row.

    The log has its full length by then, as after the first minute of a server's life.
    """
    bare = sqlite3.connect(folder / "floor.sqlite3", isolation_level=None)
    bare.execute("PRAGMA journal_mode=WAL")
    bare.execute("PRAGMA synchronous=FULL")
    bare.execute("CREATE TABLE step (id INTEGER PRIMARY KEY, body TEXT)")

    def one() -> None:
        bare.execute("BEGIN IMMEDIATE")
        bare.execute("INSERT INTO step (body) VALUES (?)", ("x" * 600,))
        bare.execute("COMMIT")

    return in_a_row(one, 200, warm=1000)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--steps", type=int, default=50)
    given = parser.parse_args()
    steps = given.steps
    both = sides()
    ours, peer = both.ours, both.peer
    print(header("microseconds a step"))

    def show(name: str, mine: Any, other: Any, *notes: str) -> None:
        row = pair(name, mine, other, *notes, rounds=given.rounds)
        print(row.text(), flush=True)

    for how, make in (("blocking", blocking), ("async", asynchronous)):
        show(f"no saver, {how}", make(ours, None, steps), make(peer, None, steps))
    for how, make in (("blocking", blocking), ("async", asynchronous)):
        show(
            f"memory saver, {how}",
            make(ours, ours.memory(), steps),
            make(peer, peer.memory(), steps),
        )
    mine, theirs = both.sqlite()
    bare = f"one bare insert and commit on this disk: {floor(both.folder):.0f} microseconds"
    for name, saver in (("DjangoSaver", mine), ("SqliteSaver", both.own_file())):
        counts = counts_of(
            counted_on_sqlite,
            [
                (ours, saver, chain(ours, saver, steps)[0]),
                (peer, theirs, chain(peer, theirs, steps)[0]),
            ],
            steps,
        )
        show(
            f"SQLite FULL, {name}, blocking",
            blocking(ours, saver, steps),
            blocking(peer, theirs, steps),
            counts,
            bare,
        )
        show(
            f"SQLite FULL, {name}, async",
            asynchronous(ours, saver, steps),
            their_async(peer, both.folder / "theirs.sqlite3", steps),
        )
    show(
        "SQLite, durability async, blocking",
        relaxed(ours, mine, steps),
        relaxed(peer, theirs, steps),
        "ours: synchronous=NORMAL until the run's last commit; theirs: a background thread, FULL",
    )


if __name__ == "__main__":
    sys.exit(main())
