"""Pairs: ours and the peer's turn by turn in one process, so that both meet the same noise."""

from __future__ import annotations

import gc
import platform
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass
class Row:
    """One case: microseconds a step of both sides, and the ratios of the pairs."""

    name: str
    ours: list[float]
    peer: list[float]

    def text(self) -> str:
        ratios = sorted(p / o for o, p in zip(self.ours, self.peer, strict=True))
        low, middle, high = ratios[0], statistics.median(ratios), ratios[-1]
        return (
            f"{self.name:<34}{statistics.median(self.ours):>10.1f}"
            f"{statistics.median(self.peer):>12.1f}{middle:>10.1f}x"
            f"   {low:.1f} to {high:.1f}"
        )


def header() -> str:
    machine = f"{platform.system()} {platform.machine()}, Python {platform.python_version()}"
    return (
        f"{machine}; microseconds, medians of paired rounds\n"
        f"{'case':<34}{'durableweb':>10}{'LangGraph':>12}{'ratio':>11}   spread of the pairs"
    )


def pair(
    name: str,
    ours: Callable[[], float],
    peer: Callable[[], float],
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


def timed(work: Callable[[], None], steps: int) -> float:
    """Microseconds a step of one call of `work`."""
    gc.collect()
    begin = time.perf_counter()
    work()
    return (time.perf_counter() - begin) / steps * 1e6
