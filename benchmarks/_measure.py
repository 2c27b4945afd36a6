"""Pairs: ours and the peer's turn by turn in one process, so that both meet the same noise."""

from __future__ import annotations

import gc
import platform
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass
class Cost:
    """Microseconds a step: on the clock, and of this process's processor time."""

    wall: float
    cpu: float


@dataclass
class Row:
    """One case: what a step cost both sides, and the ratios of the pairs."""

    name: str
    ours: list[Cost]
    peer: list[Cost]

    def text(self) -> str:
        pairs = list(zip(self.ours, self.peer, strict=True))
        wall = sorted(p.wall / o.wall for o, p in pairs)
        cpu = statistics.median(p.cpu / o.cpu for o, p in pairs)
        return (
            f"{self.name:<26}"
            f"{statistics.median(c.wall for c in self.ours):>11.1f}"
            f"{statistics.median(c.wall for c in self.peer):>11.1f}"
            f"{statistics.median(wall):>8.1f}x  {wall[0]:>4.1f} to {wall[-1]:<5.1f}"
            f"{statistics.median(c.cpu for c in self.ours):>11.1f}"
            f"{statistics.median(c.cpu for c in self.peer):>11.1f}{cpu:>8.1f}x"
        )


def header() -> str:
    machine = (
        f"{platform.system()} {platform.machine()}, Python {platform.python_version()}"
    )
    return (
        f"{machine}; microseconds, medians of paired rounds\n"
        f"{'case':<26}{'durableweb':>11}{'LangGraph':>11}{'ratio':>9}  {'of pairs':<12}"
        f"{'cpu ours':>11}{'cpu theirs':>11}{'ratio':>9}"
    )


def pair(
    name: str,
    ours: Callable[[], Cost],
    peer: Callable[[], Cost],
    *,
    rounds: int = 7,
) -> Row:
    """Run both in turn, after one round that is not counted; each returns us a step."""
    ours()
    peer()
    row = Row(name, [], [])
    for _ in range(rounds):
        row.ours.append(ours())
        row.peer.append(peer())
    return row


def timed(work: Callable[[], object], steps: int) -> Cost:
    """What one call of `work` costs a step."""
    gc.collect()
    cpu, wall = time.process_time(), time.perf_counter()
    work()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return Cost(wall / steps * 1e6, cpu / steps * 1e6)
