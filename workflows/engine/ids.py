"""New ids and instants: the only place of the engine that asks a clock or a die.

A test replaces `clock` (seconds since 1970) and `entropy` (n random bits) to make ids repeat.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import blake2b
from random import Random

clock: Callable[[], float] = time.time
_die = Random(os.urandom(16))  # noqa: S311 - ids are to differ, not to be secret
if hasattr(os, "register_at_fork"):  # a forked process must not repeat its parent's ids
    os.register_at_fork(after_in_child=lambda: _die.seed(os.urandom(16)))
entropy: Callable[[int], int] = _die.getrandbits


_HEAD = "%08x-%04x-7%03x"


def new_checkpoint_id(after: str = "") -> str:
    """A text of 36 characters that sorts after `after` and by time of creation (R4.7)."""
    stamp = int(clock() * 4_096_000)  # 48 bits of milliseconds, 12 bits below them
    head = _HEAD % (stamp >> 28, stamp >> 12 & 0xFFFF, stamp & 0xFFF)
    if after and head <= after[:18]:
        stamp = int(after[:8] + after[9:13] + after[15:18], 16) + 1
        head = _HEAD % (stamp >> 28, stamp >> 12 & 0xFFFF, stamp & 0xFFF)
    tail = entropy(62)
    return f"{head}-{tail >> 48 | 0x8000:04x}-{tail & 0xFFFFFFFFFFFF:012x}"


_second = (0, "")


def now_text() -> str:
    """The present instant, ISO 8601 with its zone."""
    global _second
    instant = clock()
    whole = int(instant)
    known, text = _second
    if known != whole:
        text = datetime.fromtimestamp(whole, UTC).strftime("%Y-%m-%dT%H:%M:%S")
        _second = (whole, text)
    return f"{text}.{int((instant - whole) * 1e6):06d}+00:00"


def now() -> datetime:
    """The present instant, by the same clock."""
    return datetime.fromtimestamp(clock(), UTC)


def task_id(*parts: object) -> str:
    """The id of a task: the same parts give the same id in any process (R4.11)."""
    h = blake2b("\x00".join(map(str, parts)).encode(), digest_size=16).hexdigest()
    return f"{h[:8]}-{h[8:12]}-{h[12:16]}-{h[16:20]}-{h[20:]}"


class TaskKey:
    """What the id of a task is made of; the id itself is made when somebody first asks for it."""

    __slots__ = ("_id", "parts")

    def __init__(self, parts: tuple[object, ...]) -> None:
        self.parts = parts
        self._id: str | None = None

    @property
    def id(self) -> str:
        """The id of the task."""
        if self._id is None:
            self._id = task_id(*self.parts)
        return self._id


def interrupt_id(task: str, place: object) -> str:
    """The id of a task's question at `place` (its ordinal or its key), 32 hex digits (R5.4)."""
    return digest(f"{task}\x00{place}")


def digest(text: str) -> str:
    """128 bits of blake2b as 32 hex digits."""
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
