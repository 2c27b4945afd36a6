"""The event streams that are open in this process: how many a token has, and their end with it."""

from __future__ import annotations

import threading
from typing import NamedTuple, Protocol

MOST_OF_A_TOKEN = 20
MOST_OF_A_PERSON = 60


class Ending(Protocol):
    """An open stream, as whoever stops the server sees it."""

    def end(self) -> None:
        """Send no more and close; called on the event loop."""


class Place(NamedTuple):
    """Whose a stream is: primary keys."""

    token: int
    person: object


class OpenStreams:
    """Places for streams, taken on the threads of requests and given back on the event loop."""

    def __init__(self) -> None:
        self.is_ending = False
        self._lock = threading.Lock()
        self._places: dict[Ending, Place] = {}

    def take(self, stream: Ending, token: int, person: object) -> bool:
        """Whether there was a place for one more stream of this token and this person."""
        with self._lock:
            places = list(self._places.values())
            has_place = (
                not self.is_ending
                and sum(each.token == token for each in places) < MOST_OF_A_TOKEN
                and sum(each.person == person for each in places) < MOST_OF_A_PERSON
            )
            if has_place:
                self._places[stream] = Place(token, person)
            return has_place

    def give_back(self, stream: Ending) -> None:
        """The stream has ended; does nothing the second time."""
        with self._lock:
            self._places.pop(stream, None)

    def count(self) -> int:
        """How many there are."""
        with self._lock:
            return len(self._places)

    def end_all(self) -> None:
        """End every stream and let in no other; called on the event loop when the server stops.

        A connection that is kept alive would bring its reader back at once.
        """
        with self._lock:
            self.is_ending = True
            streams = list(self._places)
        for stream in streams:
            stream.end()


open_streams = OpenStreams()
