"""A list that grows, `get_state` and an answer, on PostgreSQL: the rows of `appending` and `reading` there.

The peer's `PostgresSaver` keeps a value of each version of a channel, its SQLite saver a whole state a checkpoint,
so the two databases tell different things of it. Both sides save every step before the next. `python -m
benchmarks.threads_on_postgresql --steps 1000 --checkpoints 10 1000`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from typing import Any

import psycopg

from benchmarks._measure import ROUNDS, header, pair
from benchmarks._sides import Sides
from benchmarks.appending import Table, talk
from benchmarks.postgresql import floor, on_a_server
from benchmarks.reading import Thread


def stored(url: str) -> Callable[[], int]:
    """What tells the bytes of the tables and indexes of a database, dead rows taken out."""

    def size() -> int:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("VACUUM FULL")
            row = connection.execute(
                "SELECT sum(pg_total_relation_size(oid)) FROM pg_class"
                " WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
            ).fetchone()
        return int(row[0]) if row and row[0] else 0

    return size


def grows(both: Sides, mine: Any, theirs: Any, urls: list[str], steps: int) -> None:
    """Append `steps` messages on each side, and compare time, bytes, and the last tenth with the first."""
    table = Table("500 bytes appended a step, PostgreSQL")
    for side, saver, url in zip(
        (both.ours, both.peer), (mine, theirs), urls, strict=True
    ):
        table.add(side.name, steps, talk(side, saver, steps, stored(url)))
    table.close()


def goes_on(both: Sides, mine: Any, theirs: Any, given: Any) -> None:
    """Read and answer threads of so many checkpoints."""
    ours, peer = Thread(both.ours, mine), Thread(both.peer, theirs)
    print(header("microseconds a call, PostgreSQL"))
    for checkpoints in sorted(given.checkpoints):
        for thread in (ours, peer):
            thread.grow(checkpoints)
        for what, method in (("get_state", "reads"), ("an answer", "answers")):
            row = pair(
                f"{what} after {checkpoints} checkpoints",
                getattr(ours, method)(),
                getattr(peer, method)(),
                rounds=given.rounds,
            )
            print(row.text(), flush=True)


def measure(both: Sides, mine: Any, theirs: Any, urls: list[str], given: Any) -> None:
    print(f"one bare prepared insert and commit: {floor(urls[2]):.0f} microseconds")
    if theirs is None:
        print("langgraph-checkpoint-postgres is not installed: nothing to compare with")
        return
    goes_on(both, mine, theirs, given)
    grows(both, mine, theirs, urls[:2], given.steps)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--checkpoints", type=int, nargs="*", default=[10, 1000])
    return on_a_server(measure, parser.parse_args())


if __name__ == "__main__":
    sys.exit(main())
