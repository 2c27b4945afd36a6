"""Going on with a thread: `get_state` and an answer, however long its history is.

A node asks in every turn. The thread is brought to so many checkpoints, then the state is
read and a question is answered, on SQLite. A round is ten answers, so a thread of 10 checkpoints
has some hundred in the end. `python -m benchmarks.reading
--checkpoints 10 100 1000`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from statistics import median
from time import perf_counter, process_time
from typing import Any

from benchmarks._measure import ROUNDS, Cost, header, pair, timed
from benchmarks._programs import asking_graph
from benchmarks._sides import (
    SYNC,
    Side,
    Sides,
    counted_on_sqlite,
    counts_of,
    new_config,
    sides,
)

READS = 20
ANSWERS = 10


class Thread:
    """A thread of one side with a number of checkpoints, waiting for an answer."""

    def __init__(self, side: Side, saver: Any) -> None:
        self.command = side.types.Command
        self.graph = asking_graph(side, saver)
        self.config = new_config()
        self.graph.invoke({"n": 0}, self.config, **SYNC)
        self.checkpoints = 2

    def answer(self) -> None:
        self.graph.invoke(self.command(resume="yes"), self.config, **SYNC)
        self.checkpoints += 1

    def grow(self, checkpoints: int) -> None:
        while self.checkpoints < checkpoints:
            self.answer()

    def read(self) -> None:
        for _ in range(READS):
            self.graph.get_state(self.config)

    def reads(self) -> Callable[[], Cost]:
        """So many reads a round: one alone shows above all what is not in the caches."""
        return lambda: timed(self.read, READS)

    def reads_of_new(self) -> Callable[[], Cost]:
        """The first read after each of so many answers; what an answer costs is not counted."""

        def measure() -> Cost:
            found = []
            for _ in range(READS):
                self.answer()
                cpu, wall = process_time(), perf_counter()
                self.graph.get_state(self.config)
                found.append((perf_counter() - wall, process_time() - cpu))
            walls, cpus = zip(*found, strict=True)
            return Cost(median(walls) * 1e6, median(cpus) * 1e6)

        return measure

    def answers(self) -> Callable[[], Cost]:
        """So many answers a round, for the same reason."""

        def some() -> None:
            for _ in range(ANSWERS):
                self.answer()

        return lambda: timed(some, ANSWERS)

    def single_answers(self) -> Callable[[], Cost]:
        """One a round, after all memory was walked over: as after a long wait."""
        return lambda: timed(self.answer, 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--checkpoints", type=int, nargs="*", default=[10, 100, 1000])
    given = parser.parse_args()
    both = sides()
    mine, theirs = both.sqlite()
    print(header("microseconds a call, SQLite FULL"))
    for saver in (mine, both.own_file()):
        print(f"ours with {type(saver).__name__}")
        rows(both, saver, theirs, given)
    print(
        "    an answer is a whole run: DjangoSaver takes the thread by a lease, both of ours keep "
        "the answer before the node runs; theirs guards against nobody\n"
        "    commits of DjangoSaver that wait for the disk: three of four; what get_state has read "
        "before and finds unchanged ours do not put together again, nor read while the file's "
        "version, a PRAGMA that is not counted, stays the same"
    )


def rows(both: Sides, mine: Any, theirs: Any, given: argparse.Namespace) -> None:
    a, b = Thread(both.ours, mine), Thread(both.peer, theirs)
    for checkpoints in sorted(given.checkpoints):
        a.grow(checkpoints)
        b.grow(checkpoints)
        for what, method in (
            ("get_state", "reads"),
            ("an answer", "answers"),
            ("a single answer", "single_answers"),
        ):
            row = pair(
                f"{what} after {checkpoints} checkpoints",
                getattr(a, method)(),
                getattr(b, method)(),
                rounds=given.rounds,
            )
            print(row.text(), flush=True)
    row = pair(
        "the first get_state after an answer",
        a.reads_of_new(),
        b.reads_of_new(),
        rounds=given.rounds,
    )
    print(row.text(), flush=True)
    counts = counts_of(
        counted_on_sqlite,
        [(both.ours, mine, a.answer), (both.peer, theirs, b.answer)],
        1,
    )
    reads = counts_of(
        counted_on_sqlite,
        [(both.ours, mine, a.read), (both.peer, theirs, b.read)],
        READS,
    )
    print(
        f"    {counts.replace('a step', 'an answer')}\n"
        f"    {reads.replace('a step', 'a read')}"
    )


if __name__ == "__main__":
    sys.exit(main())
