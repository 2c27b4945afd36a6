"""Pairs: ours and the peer's turn by turn in one process, so that both meet the same noise."""

from __future__ import annotations

import gc
import platform
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

ROUNDS = 7


@dataclass
class Cost:
    """Microseconds a step: on the clock, and of this process's processor time."""

    wall: float
    cpu: float


@dataclass
class Row:
    """One case: what a step cost both sides, and the ratios of the pairs.

    `notes` are the counts and the sentences that belong to the figures.
    """

    name: str
    ours: list[Cost]
    peer: list[Cost]
    notes: list[str] = field(default_factory=list)

    def text(self) -> str:
        pairs = list(zip(self.ours, self.peer, strict=True))
        mine, mine_cpu = middle(self.ours)
        line = f"{self.name:<42}{mine:>10.1f}"
        if pairs:
            wall = sorted(p.wall / o.wall for o, p in pairs)
            cpu = statistics.median(p.cpu / o.cpu for o, p in pairs)
            theirs, theirs_cpu = middle(self.peer)
            spread = (
                f"{wall[0]:.1f} to {wall[-1]:.1f}" if len(pairs) > 1 else "one pair"
            )
            line += (
                f"{theirs:>11.1f}{statistics.median(wall):>8.1f}x  {spread:<14}"
                f"{mine_cpu:>10.1f}{theirs_cpu:>11.1f}{cpu:>8.1f}x"
            )
        else:
            line += f"{'':>11}{'':>8}   {'':<14}{mine_cpu:>10.1f}"
        return "\n".join([line, *(f"    {note}" for note in self.notes)])


def middle(costs: Sequence[Cost]) -> tuple[float, float]:
    """The medians of both clocks."""
    return (
        statistics.median(c.wall for c in costs),
        statistics.median(c.cpu for c in costs),
    )


def header(unit: str = "microseconds") -> str:
    machine = (
        f"{platform.system()} {platform.machine()}, Python {platform.python_version()}"
    )
    return (
        f"{machine}; {unit}, medians of paired rounds\n"
        f"{'case':<42}{'durableweb':>10}{'LangGraph':>11}{'ratio':>9}  {'of pairs':<14}"
        f"{'cpu ours':>10}{'cpu theirs':>11}{'ratio':>9}"
    )


def pair(
    name: str,
    ours: Callable[[], Cost],
    peer: Callable[[], Cost] | None,
    *notes: str,
    rounds: int = ROUNDS,
    warm: bool = True,
) -> Row:
    """Run both in turn, after one round that is not counted; each returns us a step."""
    if warm:
        ours()
        if peer is not None:
            peer()
    row = Row(name, [], [], [*notes])
    for _ in range(rounds):
        row.ours.append(ours())
        if peer is not None:
            row.peer.append(peer())
    return row


def timed(work: Callable[[], object], steps: int) -> Cost:
    """What one call of `work` costs a step."""
    gc.collect()
    cpu, wall = time.process_time(), time.perf_counter()
    work()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return Cost(wall / steps * 1e6, cpu / steps * 1e6)


def in_a_row(work: Callable[[], object], times: int, warm: int = 0) -> float:
    """Microseconds of one call of `work` among `times` in a row: the median of five such rows.

    A call measured alone, after `timed` has walked over all memory, shows above all what is not in the
    processor's caches: a bare commit seemed to take twice what it takes. `warm` calls come before.
    """
    for _ in range(warm):
        work()

    def row() -> None:
        for _ in range(times):
            work()

    return statistics.median(timed(row, times).wall for _ in range(5))
