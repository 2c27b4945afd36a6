"""The event streams that are open in this process: how many a token has, and their end with it."""

from __future__ import annotations

import threading
from collections import defaultdict
from typing import Protocol

MOST_OF_A_TOKEN = 20


class Ending(Protocol):
    """An open stream, as whoever stops the server sees it."""

    def end(self) -> None:
        """Send no more and close; called on the event loop."""


class OpenStreams:
    """Places for streams, taken on the threads of requests and given back on the event loop."""

    def __init__(self, most: int = MOST_OF_A_TOKEN) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._of_token: dict[int, set[Ending]] = defaultdict(set)

    def take(self, token: int, stream: Ending) -> bool:
        """Whether there was a place for one more stream of this token."""
        with self._lock:
            mine = self._of_token[token]
            has_place = len(mine) < self._most
            if has_place:
                mine.add(stream)
            return has_place

    def give_back(self, token: int, stream: Ending) -> None:
        """The stream has ended; does nothing the second time."""
        with self._lock:
            self._of_token[token].discard(stream)
            if not self._of_token[token]:
                del self._of_token[token]

    def count(self) -> int:
        """How many there are."""
        with self._lock:
            return sum(map(len, self._of_token.values()))

    def end_all(self) -> None:
        """End every stream; called on the event loop when the server stops."""
        with self._lock:
            streams = [each for mine in self._of_token.values() for each in mine]
        for stream in streams:
            stream.end()


open_streams = OpenStreams()
