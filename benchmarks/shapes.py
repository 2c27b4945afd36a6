"""What a step costs where graphs are large: long, wide, many tasks, subgraphs, entrypoints.

All on the memory savers of both sides, so nothing here waits for a disk or a server.
`python -m benchmarks.shapes --rounds 3 --sends 100 1000 --keys 50 200 --length 1000`.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Callable
from typing import Any

from benchmarks._measure import Cost, Row, header, pair, timed
from benchmarks._programs import Work, chain, loop, sends, subgraphs, tasks, wide
from benchmarks._sides import Side, sides

SHORT = 50


def measured(program: Callable[..., Work], side: Side, *given: Any, **options: Any):
    """A round of `program` on a saver of its own, so that no round carries another's load."""

    def once() -> Cost:
        run, steps = program(side, side.memory(), *given, **options)
        return timed(run, steps)

    return once


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--sends", type=int, nargs="*", default=[100, 1000])
    parser.add_argument("--keys", type=int, nargs="*", default=[50, 200])
    parser.add_argument("--length", type=int, default=1000)
    parser.add_argument("--tasks", type=int, default=100)
    parser.add_argument("--subgraphs", type=int, default=20)
    given = parser.parse_args()
    both = sides()
    ours, peer = both.ours, both.peer
    print(header("microseconds a step (or task, or node)"))

    def show(
        name: str,
        program: Callable[..., Work],
        *arguments: Any,
        notes: tuple[str, ...] = (),
        rounds: int = given.rounds,
        warm: bool = True,
        **options: Any,
    ) -> Row:
        row = pair(
            name,
            measured(program, ours, *arguments, **options),
            measured(program, peer, *arguments, **options),
            *notes,
            rounds=rounds,
            warm=warm,
        )
        print(row.text(), flush=True)
        return row

    short = show(f"chain of {SHORT} nodes", chain, SHORT)
    # The peer looks at every node in every step: one pair is enough, and takes long.
    long = show(
        f"chain of {given.length} nodes", chain, given.length, rounds=1, warm=False
    )
    mine, theirs = (
        statistics.median(c.cpu for c in getattr(long, who))
        / statistics.median(c.cpu for c in getattr(short, who))
        for who in ("ours", "peer")
    )
    print(
        f"    processor time of a step against that of {SHORT} nodes: ours {mine:.2f}, "
        f"theirs {theirs:.2f}"
    )
    show(f"loop of {given.length} steps", loop, given.length)
    for keys in given.keys:
        show(f"state of {keys} keys, one written a step", wide, keys)
    for number in given.sends:
        show(f"Send to {number} tasks, a task", sends, number)
    show(
        f"Send to {given.subgraphs} subgraphs of 3, a node", subgraphs, given.subgraphs
    )
    waits = "theirs does not wait until the result of a task is saved; ours does"
    for parallel, how in ((False, "in sequence"), (True, "at once")):
        show(
            f"entrypoint, {given.tasks} tasks {how}, a task",
            tasks,
            given.tasks,
            parallel=parallel,
            notes=(waits,),
        )


if __name__ == "__main__":
    sys.exit(main())
