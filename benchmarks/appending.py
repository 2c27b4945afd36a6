"""A conversation that only grows: time a step early and late, and the bytes it leaves.

One node appends a message of 500 bytes a step on SQLite, every step saved before the next.
The peer writes the whole list anew at every step. `python -m benchmarks.appending --steps
1000` (the peer runs `--peer-steps` of them: its time and its bytes grow with the square).
"""

from __future__ import annotations

import argparse
import sqlite3
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

from benchmarks._programs import talk_graph
from benchmarks._sides import SYNC, Side, new_config, sides


@dataclass
class Talked:
    """Microseconds a step in the first and in the last tenth; bytes in the database."""

    first: float
    last: float
    whole: float
    cpu: float
    stored: int


def talk(side: Side, saver: Any, steps: int, size: Callable[[], int]) -> Talked:
    """One conversation of so many steps; `size` tells the bytes of the side's database."""
    marks: list[float] = []
    graph = talk_graph(side, saver, steps, marks)
    before = size()
    cpu = time.process_time()
    graph.invoke({"n": 0, "messages": []}, new_config(steps), **SYNC)
    cpu = time.process_time() - cpu
    took = [b - a for a, b in pairwise(marks)]
    tenth = max(1, len(took) // 10)
    return Talked(
        statistics.median(took[:tenth]) * 1e6,
        statistics.median(took[-tenth:]) * 1e6,
        (marks[-1] - marks[0]) / len(took) * 1e6,
        cpu / steps * 1e6,
        size() - before,
    )


def floor(steps: int, file: Path) -> int:
    """The bytes that the bare messages take as rows, one insert and commit each."""
    connection = sqlite3.connect(file, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("CREATE TABLE message (id INTEGER PRIMARY KEY, body TEXT)")
    before = size_of(file)
    body = '{"role":"human","content":"' + "x" * 480 + '"}'
    for _ in range(steps):
        connection.execute("INSERT INTO message (body) VALUES (?)", (body,))
    connection.close()
    return size_of(file) - before


def size_of(file: Path) -> int:
    """The bytes of the database, with what still stands in its log brought home."""
    connection = sqlite3.connect(file)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return file.stat().st_size


class Table:
    """What both sides' conversations took, a line each, and the ratios below."""

    def __init__(self, title: str) -> None:
        self.found: list[Talked] = []
        print(
            f"{title:<42}{'steps':>7}{'us a step':>11}"
            f"{'first 1/10':>11}{'last 1/10':>11}{'last/first':>11}{'cpu':>9}{'MB':>9}{'x raw':>7}"
        )

    def add(self, name: str, steps: int, talked: Talked) -> None:
        """Print the line of one side."""
        self.found.append(talked)
        print(
            f"{name:<42}{steps:>7}{talked.whole:>11.0f}{talked.first:>11.0f}"
            f"{talked.last:>11.0f}{talked.last / talked.first:>11.2f}{talked.cpu:>9.0f}"
            f"{talked.stored / 1e6:>9.2f}{talked.stored / (steps * 500):>7.1f}",
            flush=True,
        )

    def close(self) -> None:
        """Print the ratios to the last line, which is the other side's."""
        *ours, b = self.found
        for a in ours:
            print(
                f"    ratios: time {b.whole / a.whole:.1f}x, processor time "
                f"{b.cpu / a.cpu:.1f}x, bytes {b.stored / a.stored:.0f}x"
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--peer-steps", type=int, default=1000)
    given = parser.parse_args()
    both = sides()
    mine, theirs = both.sqlite()
    table = Table("500 bytes appended a step, SQLite FULL")
    for side, saver, steps, name in (
        (both.ours, mine, given.steps, "ours.sqlite3"),
        (both.ours, both.own_file(), given.steps, "own.sqlite3"),
        (both.peer, theirs, given.peer_steps, "theirs.sqlite3"),
    ):
        size = partial(size_of, both.folder / name)
        found = talk(side, saver, steps, size)
        table.add(f"{side.name}, {type(saver).__name__}", steps, found)
    bare = floor(given.steps, both.folder / "floor.sqlite3")
    times = " and ".join(f"{each.stored / bare:.1f}" for each in table.found[:-1])
    print(
        f"    the bare messages as rows: {bare / 1e6:.2f} MB; ours {times} times that"
    )
    table.close()


if __name__ == "__main__":
    sys.exit(main())
